//! `ContainerSnapshot`.

use super::*;

#[tokio::test]
async fn a_snapshot_has_the_last_invocation_and_its_cold_start() {
    #[handler(report_every = 0)]
    async fn looks(_: Value) -> bool {
        rewarm::container().snapshot().is_cold_start
    }
    let _turn = simulation().await;
    let mut c = looks::container().await;
    let seen = |c: &rewarm::testing::Container<looks>| {
        let snapshot = c.snapshot();
        (snapshot.last_invocation, snapshot.is_cold_start)
    };
    assert_eq!(seen(&c), (None, false));
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    c.idle(60 * SECOND);
    assert_eq!(seen(&c), (Some(60 * SECOND), true), "of the last invocation");
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
    c.restore().await.unwrap();
    assert_eq!(seen(&c), (None, false));
    let responses = c.invoke_all([1, 2]).await;
    assert_eq!(responses, [Ok(json!(false)), Ok(json!(false))]);

    drop(c);
    let mut c = looks::container().await;
    let responses = c.invoke_all([1, 2]).await;
    assert_eq!(responses, [Ok(json!(true)), Ok(json!(false))], "of its own invocation");
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
}
