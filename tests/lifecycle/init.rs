//! The resources that INIT builds.

use rewarm_tests_library::producer;

use super::*;

#[init]
async fn own() -> u64 {
    1
}

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

/// The resources of `library` and `own`, if they are built.
fn built() -> Vec<&'static str> {
    let all = rewarm::container().resources().into_iter();
    let built = all.filter(|resource| resource.generation > 0).map(|resource| resource.name);
    let mut built: Vec<_> =
        built.filter(|name| ["own", "queue", "producer"].contains(name)).collect();
    built.sort_unstable();
    built
}

#[tokio::test]
async fn init_builds_what_the_handler_needs() {
    let _turn = simulation().await;
    let mut c = names_none::container().await;
    assert_eq!(built(), ["own"], "all of the handler's own crate, and nothing of another one");
    assert_eq!(c.invoke(1).await, Ok(json!("jobs")));
    assert_eq!(built(), ["own", "queue"], "at its first use");
}

#[tokio::test]
async fn init_builds_what_the_handler_names() {
    let _turn = simulation().await;
    let _c = names_one::container().await;
    assert_eq!(built(), ["own", "producer", "queue"], "with all that it is built from");
}

#[tokio::test]
async fn init_builds_what_the_handler_lists() {
    let _turn = simulation().await;
    let _c = lists_one::container().await;
    assert_eq!(built(), ["own", "queue"]);
}
