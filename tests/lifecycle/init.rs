//! The resources that INIT builds.

use rewarm_tests_library::producer;

use super::spans::Fields;
use super::*;

#[handler]
async fn names_none(_: Value) -> String {
    rewarm_tests_library::queue()
        .await
        .map_or_else(|error| error.to_string(), |queue| (*queue).clone())
}

#[handler]
async fn names_one(_: Value, producer: &usize) -> usize {
    *producer
}

#[handler(init(rewarm_tests_library::queue))]
async fn lists_one(_: Value) {}

/// The messages of events that name `queue`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event()
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        if fields.get("resource").is_some_and(|resource| resource == "queue") {
            self.0.lock().unwrap().extend(fields.remove("message"));
        }
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The resources of `library` and `depot`, if they are built.
fn built() -> Vec<&'static str> {
    let all = rewarm::container().resources().into_iter();
    let built = all.filter(|resource| resource.generation > 0).map(|resource| resource.name);
    let mut built: Vec<_> =
        built.filter(|name| ["depot", "queue", "producer"].contains(name)).collect();
    built.sort_unstable();
    built
}

#[tokio::test]
async fn init_builds_what_the_handler_needs() {
    let _turn = simulation().await;
    let log = Log::default();
    async {
        let mut c = names_none::container().await;
        assert_eq!(
            built(),
            ["depot"],
            "all of the handler's own crate, and nothing of another one"
        );
        for _ in 0..2 {
            assert_eq!(c.invoke(1).await, Ok(json!("jobs")));
            assert_eq!(built(), ["depot", "queue"], "at its first use");
        }
    }
    .with_subscriber(log.clone())
    .await;
    let log = log.0.lock().unwrap();
    let [late] = &log[..] else { panic!("{log:?}") };
    assert!(late.contains("`#[handler(init(path::to::queue))]` builds it in INIT"), "{late}");
}

#[tokio::test]
async fn init_builds_what_the_handler_names() {
    let _turn = simulation().await;
    let _c = names_one::container().await;
    assert_eq!(built(), ["depot", "producer", "queue"], "with all that it is built from");
}

#[tokio::test]
async fn init_builds_what_the_handler_lists() {
    let _turn = simulation().await;
    let _c = lists_one::container().await;
    assert_eq!(built(), ["depot", "queue"]);
}
