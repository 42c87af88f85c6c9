//! `ttl`.

use std::sync::Arc;

use super::*;

static BACKEND: Backend = Backend::new();

#[cached(ttl = "5m", jitter = "0%")]
async fn value() -> Result<u64, Error> {
    BACKEND.fetch()
}

/// Calls the cached function unless the event is `null`.
#[handler(report_every = 0)]
async fn get(event: Option<String>) -> Result<Option<u64>, Error> {
    match event {
        Some(_) => value().await.map(Some),
        None => Ok(None),
    }
}

#[tokio::test]
async fn a_value_expires_after_its_ttl_by_either_clock() {
    let _turn = simulation().await;
    BACKEND.reset();
    let mut c = get::container().await;
    assert_eq!(number(c.invoke("value").await), Ok(1));
    c.idle(299 * SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(1));
    c.idle(SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(2));
    c.idle_wall(300 * SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(3));
    c.idle_monotonic(300 * SECOND);
    assert_eq!(number(c.invoke("value").await), Ok(4));
    for _ in 0..10 {
        // 15 seconds by one clock, then by the other.
        c.idle_wall(15 * SECOND);
        number(c.invoke("value").await).unwrap();
        c.idle_monotonic(15 * SECOND);
        number(c.invoke("value").await).unwrap();
    }
    assert_eq!(BACKEND.fetches(), 5);
}

#[tokio::test]
async fn an_expired_value_is_dropped_at_the_next_invocation() {
    let _turn = simulation().await;
    BACKEND.reset();
    let mut c = get::container().await;
    number(c.invoke("value").await).unwrap();
    assert_eq!(value::stats().entries, 1);
    c.idle(300 * SECOND);
    c.invoke(Value::Null).await.unwrap();
    assert_eq!(value::stats().entries, 0);
    c.restore().await.unwrap();
    assert_eq!(number(c.invoke("value").await), Ok(2));
}

mod secrets {
    use super::*;

    pub static DROPPED: AtomicU64 = AtomicU64::new(0);

    /// Counts its drops, as a secret that zeroises itself would be dropped.
    #[derive(Clone)]
    pub struct Secret {
        _held: Arc<Zeroised>,
    }
    struct Zeroised;

    impl Drop for Zeroised {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }

    #[cached(ttl = "5m", jitter = "0%")]
    pub async fn password(user: &str) -> Secret {
        let _ = user;
        Secret { _held: Arc::new(Zeroised) }
    }

    #[handler(report_every = 0)]
    pub async fn use_it(user: Option<String>) {
        if let Some(user) = user {
            password(&user).await;
        }
    }
}

#[tokio::test]
async fn an_expired_secret_is_dropped_before_the_next_handler_runs() {
    let _turn = simulation().await;
    let mut container = secrets::use_it::container().await;
    container.invoke("ann").await.unwrap();
    container.idle(Duration::from_secs(200));
    container.invoke("bob").await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 0);
    container.idle_wall(Duration::from_secs(100));
    container.invoke(serde_json::Value::Null).await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 1, "ann's");
    container.idle_monotonic(Duration::from_secs(200));
    container.restore().await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 2, "a restore drops expired values, too");
}
