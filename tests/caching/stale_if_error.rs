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
