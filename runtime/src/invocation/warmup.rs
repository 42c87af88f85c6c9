//! Warm-up pings: events that keep a container warm and do not reach the handler.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::invocation::handler::HandlerSpec;

/// True for a ping: that of serverless-plugin-warmup, `{"warmup": true}`, or a scheduled event of the
/// rule that the options name.
pub(super) fn is_ping(json: &[u8], spec: &HandlerSpec) -> bool {
    #[derive(Deserialize)]
    struct Ping<'a> {
        #[serde(borrow)]
        source: Option<Cow<'a, str>>,
        warmup: Option<bool>,
    }
    if spec.warmup.is_none() {
        return false;
    }
    let Ok(Ping { source, warmup }) = serde_json::from_slice(json) else {
        return false;
    };
    let is_of_source = match (source.as_deref(), spec.warmup_rule) {
        (Some("serverless-plugin-warmup"), _) => true,
        (Some("aws.events" | "aws.scheduler"), Some(rule)) => is_scheduled_by(json, rule),
        _ => false,
    };
    is_of_source || warmup == Some(true)
}

/// True for a scheduled event of this rule or schedule, whose resource is its ARN.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>
fn is_scheduled_by(json: &[u8], rule: &str) -> bool {
    #[derive(Deserialize)]
    struct Scheduled<'a> {
        #[serde(borrow, rename = "detail-type")]
        detail_type: Cow<'a, str>,
        #[serde(borrow)]
        resources: Vec<Cow<'a, str>>,
    }
    serde_json::from_slice(json).is_ok_and(|Scheduled { detail_type, resources }| {
        let is_of_rule =
            |arn: &Cow<'_, str>| arn.rsplit_once('/').is_some_and(|(_, name)| name == rule);
        detail_type == "Scheduled Event" && resources.iter().any(is_of_rule)
    })
}

/// Holds a ping, so that Lambda sends others that arrive meanwhile to other containers.
pub(super) async fn hold(spec: &HandlerSpec) {
    if let Some(held) = spec.warmup
        && held > Duration::ZERO
    {
        tokio::time::sleep(held).await;
    }
}
