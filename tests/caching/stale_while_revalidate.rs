//! `stale_while_revalidate`.

use super::*;

static BACKEND: Backend = Backend::new();

#[cached(ttl = "5m", jitter = "0%", stale_while_revalidate = "1m")]
async fn value() -> Result<u64, Error> {
    BACKEND.fetch()
}

#[handler(report_every = 0)]
async fn get(_: Value) -> Result<u64, Error> {
    value().await
}

#[tokio::test]
async fn a_stale_value_is_refreshed_once_after_the_response() {
    let _turn = simulation().await;
    BACKEND.reset();
    let mut c = get::container().await;
    assert_eq!(number(c.invoke("value").await), Ok(1));
    c.idle(301 * SECOND);
    for response in c.invoke_all(["value"; 5]).await {
        assert_eq!(response.unwrap(), json!(1), "the old value at once");
    }
    assert_eq!(BACKEND.fetches(), 2, "one refresh");
    assert_eq!(number(c.invoke("value").await), Ok(2));
    c.idle(361 * SECOND);
    assert_eq!(
        number(c.invoke("value").await),
        Ok(3),
        "after the window the caller waits for the fetch"
    );
}

static IS_HANGING: AtomicBool = AtomicBool::new(false);

#[cached(ttl = "5m", jitter = "0%", stale_while_revalidate = "1m")]
async fn hanging() -> u64 {
    if IS_HANGING.load(SeqCst) {
        std::future::pending::<()>().await;
    }
    7
}

#[handler(report_every = 0)]
async fn get_hanging(_: Value) -> u64 {
    hanging().await
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_dropped_at_the_deadline_is_a_failed_load() {
    let _turn = simulation().await;
    let mut c = get_hanging::container().await;
    c.deadline(5 * SECOND);
    c.invoke("value").await.unwrap();
    c.idle(301 * SECOND);
    IS_HANGING.store(true, SeqCst);
    assert_eq!(c.invoke("value").await.unwrap(), json!(7));
    let stats = hanging::stats();
    assert_eq!((stats.loads, stats.load_errors), (2, 1));
}
