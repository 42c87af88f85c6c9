//! `stale_if_error`.

use super::*;

static BACKEND: Backend = Backend::new();

#[cached(ttl = "5m", jitter = "0%", stale_if_error = "1h")]
async fn value() -> Result<u64, Error> {
    BACKEND.fetch()
}

#[handler(report_every = 0)]
async fn get(_: Value) -> Result<u64, Error> {
    value().await
}

#[tokio::test]
async fn a_stale_value_replaces_an_error_until_stale_if_error_ends() {
    let _turn = simulation().await;
    BACKEND.reset();
    let mut c = get::container().await;
    assert_eq!(number(c.invoke("value").await), Ok(1));
    BACKEND.is_broken(true);
    c.idle(300 * SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(1), "stale if error");
    assert_eq!(value::stats().stale_hits, 1);
    assert_eq!(value::stats().load_errors, 1);
    c.idle(3599 * SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(1));
    c.idle(SECOND);
    assert_eq!(number(c.invoke("value").await), Err("fetch 4 failed".to_owned()), "not longer");
    assert_eq!(
        number(c.invoke("value").await),
        Err("fetch 5 failed".to_owned()),
        "errors are not cached"
    );
    BACKEND.is_broken(false);
    assert_eq!(number(c.invoke("value").await), Ok(6));
}

mod slow {
    use super::*;

    pub(super) static FETCHES: Count = Count::new();

    #[cached(ttl = "10s", stale_if_error = "1h", timeout = "10ms", jitter = "0%")]
    pub(super) async fn hangs_later() -> Result<u64, Error> {
        match FETCHES.up() {
            1 => Ok(1),
            _ => std::future::pending().await,
        }
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_event: u64) -> Result<u64, Error> {
        hangs_later().await
    }
}

#[tokio::test]
async fn a_backend_that_hangs_costs_one_wait() {
    let _turn = simulation().await;
    let mut c = slow::app::container().await;
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    c.idle(11 * SECOND);
    for _ in 0..5 {
        assert_eq!(c.invoke(0).await.unwrap(), 1);
    }
    assert_eq!(slow::hangs_later::stats().loads, 2, "one fetch timed out");
    c.idle(11 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    assert_eq!(slow::hangs_later::stats().loads, 3, "it is tried again after 10 s");
}
