//! Spans of invocations.

use tracing::field::{Field, Visit};

use super::events::{pay, recording};
use super::*;

/// The fields of all spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

/// Collects fields as text.
pub(super) struct Fields<'a>(pub(super) &'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span()
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        spans.push(fields);
        span::Id::from_u64(spans.len() as u64)
    }
    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        let index = span.into_u64() as usize - 1;
        values.record(&mut Fields(&mut self.0.lock().unwrap()[index]));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn spans_follow_the_conventions_for_faas() {
    let _turn = recording().await;
    let spans = Spans::default();
    async {
        let mut c = pay::container().await;
        c.invoke(1).await.unwrap();
        c.invoke("late").await.unwrap_err();
    }
    .with_subscriber(spans.clone())
    .await;
    let spans = spans.0.lock().unwrap();
    let [first, second] = &spans[..] else { panic!("{spans:?}") };
    let is = |fields: &BTreeMap<String, String>, expected: &[(&str, &str)]| {
        let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(fields, &expected.collect::<BTreeMap<String, String>>());
    };
    let common = |id, cold| {
        [
            ("requestId", id),
            ("faas.invocation_id", id),
            ("faas.coldstart", cold),
            ("faas.trigger", "other"),
            ("faas.name", "pay"),
            ("otel.name", "pay"),
            ("otel.kind", "server"),
        ]
    };
    is(first, &common("test-1", "true"));
    let failed = [
        ("otel.status_code", "ERROR"),
        ("otel.status_description", "the bank took too long"),
        ("error.type", "DeadlineExceeded"),
    ];
    is(second, &[&common("test-2", "false")[..], &failed[..]].concat());
}
