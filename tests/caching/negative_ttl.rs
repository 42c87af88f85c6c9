//! `negative_ttl`.

use super::*;

static BACKEND: Backend = Backend::new();

#[cached(ttl = "5m", jitter = "0%", negative_ttl = "5s")]
async fn value(key: &str) -> Result<Option<u64>, Error> {
    if key == "none" { BACKEND.fetch().map(|_| None) } else { BACKEND.fetch().map(Some) }
}

#[handler(report_every = 0)]
async fn get(key: String) -> Result<Option<u64>, Error> {
    value(&key).await
}

#[tokio::test]
async fn none_and_errors_are_cached_for_negative_ttl() {
    let _turn = simulation().await;
    BACKEND.reset();
    let mut c = get::container().await;
    assert_eq!(number(c.invoke("none").await), Ok(0));
    c.idle(4 * SECOND);
    assert_eq!(number(c.invoke("none").await), Ok(0));
    assert_eq!(BACKEND.fetches(), 1);
    c.idle(SECOND);
    assert_eq!(number(c.invoke("none").await), Ok(0));
    assert_eq!(BACKEND.fetches(), 2);

    BACKEND.is_broken(true);
    assert_eq!(number(c.invoke("some").await), Err("fetch 3 failed".to_owned()));
    assert_eq!(number(c.invoke("some").await), Err("fetch 3 failed".to_owned()));
    BACKEND.is_broken(false);
    c.idle(5 * SECOND);
    assert_eq!(number(c.invoke("some").await), Ok(4));
}
