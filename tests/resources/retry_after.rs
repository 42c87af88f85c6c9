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

mod dependent {
    use super::*;

    pub(super) static CLIENTS: Count = Count::new();
    static BACKENDS: Count = Count::new();

    #[init(lazy, retry_after = "1s")]
    pub(super) async fn recovering() -> Result<u32, Refused> {
        match BACKENDS.up() {
            1 => Err(Refused),
            attempt => Ok(attempt),
        }
    }

    #[init(lazy, retry_after = "1h")]
    pub(super) async fn recovered_client(recovering: &u32) -> u32 {
        CLIENTS.up() + 10 * recovering
    }

    #[handler]
    pub(super) async fn app(_: Value, recovered_client: &u32) -> u32 {
        *recovered_client
    }
}

#[tokio::test]
async fn a_failure_of_a_dependency_is_remembered_by_the_dependency_alone() {
    let _turn = simulation().await;
    let mut c = dependent::app::container().await;
    for _ in 0..2 {
        let error = c.invoke(0).await.unwrap_err();
        assert!(error.error_message.contains("resource `recovering` is unavailable"), "{error}");
    }
    c.idle(5 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), 21);
    assert_eq!(dependent::CLIENTS.get(), 1);
}
