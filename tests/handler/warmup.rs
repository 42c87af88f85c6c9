//! `warmup`: pings that keep a container warm.

use std::sync::Mutex;

use super::*;

static EVENTS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Takes the events that the handler has received so far.
fn received() -> Vec<Value> {
    std::mem::take(&mut EVENTS.lock().unwrap())
}

#[handler(warmup, report_every = 0, allow(global_state))]
async fn warm(event: Value) -> bool {
    EVENTS.lock().unwrap().push(event);
    rewarm::container().is_cold_start()
}

#[tokio::test]
async fn a_ping_does_not_call_the_handler() {
    let _turn = simulation().await;
    let mut c = warm::container().await;
    let plugin = json!({ "source": "serverless-plugin-warmup" });
    assert_eq!(c.invoke(plugin).await, Ok(Value::Null));
    assert_eq!(c.invoke(json!({ "warmup": true, "more": [1] })).await, Ok(Value::Null));
    assert!(received().is_empty());
    for event in [json!({ "warmup": false }), json!({ "source": "aws.events" }), json!("warmup")] {
        assert_eq!(c.invoke(event.clone()).await, Ok(json!(false)), "the ping was the cold start");
        assert_eq!(received(), [event]);
    }
    assert_eq!((c.snapshot().invocations, rewarm::container().pings()), (3, 2));
}

#[handler(warmup = "75ms", warmup_rule = "keep-warm", report_every = 0)]
async fn held(event: Value) -> Value {
    event
}

/// The event of a rule, as AWS documents it.
fn scheduled(source: &str, arn: &str) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": source,
        "account": "123456789012",
        "time": "2015-10-08T16:53:06Z",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {},
    })
}

#[tokio::test(start_paused = true)]
async fn pings_are_held_together() {
    let _turn = simulation().await;
    let mut c = held::container().await;
    let start = tokio::time::Instant::now();
    let ping = json!({ "warmup": true });
    assert!(c.invoke_all([&ping, &ping, &ping]).await.iter().all(|ping| *ping == Ok(Value::Null)));
    assert_eq!(start.elapsed(), Duration::from_millis(75));
    assert_eq!(c.invoke("an event").await, Ok(json!("an event")));
    assert_eq!(start.elapsed(), Duration::from_millis(75), "an event is not held");

    c.deadline(Duration::from_millis(300));
    let start = tokio::time::Instant::now();
    assert_eq!(c.invoke(&ping).await, Ok(Value::Null));
    assert_eq!(start.elapsed(), Duration::from_millis(50), "the deadline margin is kept");
    assert_eq!((c.snapshot().errors, rewarm::container().pings()), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_named_rule_are_pings() {
    let _turn = simulation().await;
    let mut c = held::container().await;
    let rule = "arn:aws:events:us-east-1:123456789012:rule/";
    let schedule = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/";
    for (source, arn) in [
        ("aws.events", format!("{rule}keep-warm")),
        ("aws.events", format!("{rule}my-bus/keep-warm")),
        ("aws.scheduler", format!("{schedule}keep-warm")),
    ] {
        assert_eq!(c.invoke(scheduled(source, &arn)).await, Ok(Value::Null), "{arn}");
    }
    let mut other = scheduled("aws.events", &format!("{rule}keep-warm"));
    other["detail-type"] = json!("EC2 Instance State-change Notification");
    for event in [
        scheduled("aws.events", &format!("{rule}nightly-report")),
        scheduled("aws.events", &format!("{rule}keep-warmer")),
        scheduled("my.shop", &format!("{rule}keep-warm")),
        other,
    ] {
        assert_eq!(c.invoke(&event).await, Ok(event));
    }
    assert_eq!(rewarm::container().pings(), 3);
}
