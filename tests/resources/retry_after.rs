//! `retry_after`.

use super::*;

mod remembered {
    use super::*;

    pub(super) static ATTEMPTS: Count = Count::new();

    #[init(lazy, retry_after = "1h")]
    pub(super) async fn db() -> Result<u32, Refused> {
        match ATTEMPTS.up() {
            1 => Err(Refused),
            attempt => Ok(attempt),
        }
    }
}

#[tokio::test]
async fn a_failure_is_remembered_until_a_rebuild() {
    let _turn = outside_containers().await;
    use remembered::{ATTEMPTS, db};
    let first = db().await.unwrap_err();
    let second = db().await.unwrap_err();
    assert!(std::ptr::addr_eq(first.source().unwrap(), second.source().unwrap()));
    assert_eq!(ATTEMPTS.get(), 1);
    assert_eq!(*db::rebuild().await.unwrap(), 2);
    assert_eq!(*db().await.unwrap(), 2);
}

#[tokio::test]
async fn a_failed_resource_is_tried_again_after_retry_after() {
    let _turn = simulation().await;
    pool::reset();
    let mut c = pool::app::container().await;
    pool::ALIVE.store(false, SeqCst);
    pool::BUILDS.store(false, SeqCst);
    c.idle(120 * SECOND);
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(
        error.error_message.ends_with("resource `primary` is unavailable: no route to host"),
        "{error}"
    );

    pool::BUILDS.store(true, SeqCst);
    c.idle(29 * SECOND);
    let again = c.invoke(0).await.unwrap_err().error_message;
    assert!(again.ends_with("no route to host"), "remembered for 30 s: {again}");
    c.idle(2 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (2, 200));
    assert_eq!(c.snapshot().errors, 2);
}
