//! Cold starts.

use super::*;

#[handler(report_every = 0)]
async fn is_cold(_: Value) -> bool {
    rewarm::container().is_cold_start()
}

#[tokio::test]
async fn only_the_first_invocation_is_cold() {
    let _turn = simulation().await;
    let mut c = is_cold::container().await;
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    c.restore().await.unwrap();
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
}
