//! `lifetime`.

use super::*;

static BACKEND: Backend = Backend::new();
/// The seconds for which tokens are valid.
static EXPIRES_IN: AtomicU64 = AtomicU64::new(0);

#[derive(Clone)]
struct Token {
    number: u64,
    expires_in: Duration,
}

impl Token {
    fn lifetime(&self) -> Duration {
        assert!(self.expires_in < Duration::from_secs(666), "no such lifetime");
        self.expires_in
    }

    fn next() -> Result<Self, Error> {
        let expires_in = Duration::from_secs(EXPIRES_IN.load(SeqCst));
        Ok(Self { number: BACKEND.fetch()?, expires_in })
    }
}

#[cached(
    ttl = "5m",
    lifetime = Token::lifetime,
    stale_while_revalidate = "1m",
    stale_if_error = "1h",
    jitter = "0%"
)]
async fn token() -> Result<Token, Error> {
    Token::next()
}

/// `None` if the backend is broken.
#[cached(ttl = "5m", lifetime = Token::lifetime, negative_ttl = "10s", jitter = "0%")]
fn perhaps(_user: &str) -> Option<Token> {
    Token::next().ok()
}

#[handler(report_every = 0)]
async fn required(_: Value) -> Result<u64, Error> {
    Ok(token().await?.number)
}

#[handler(report_every = 0)]
async fn optional(_: Value) -> Option<u64> {
    Some(perhaps("Ada")?.number)
}

fn reset(expires_in: u64) {
    BACKEND.reset();
    EXPIRES_IN.store(expires_in, SeqCst);
}

#[tokio::test]
async fn a_value_is_kept_for_the_shorter_of_ttl_and_its_lifetime() {
    let _turn = simulation().await;
    reset(120);
    let mut c = required::container().await;
    assert_eq!(number(c.invoke(json!({})).await), Ok(1));
    c.idle(119 * SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(1));
    EXPIRES_IN.store(600, SeqCst);
    c.idle(SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(2), "no window reaches beyond its lifetime");
    c.idle(300 * SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(2), "stale, and revalidated");
    assert_eq!(number(c.invoke(json!({})).await), Ok(3));
}

#[tokio::test]
async fn a_lifetime_bounds_the_stale_windows() {
    let _turn = simulation().await;
    reset(330);
    let mut c = required::container().await;
    assert_eq!(number(c.invoke(json!({})).await), Ok(1));
    BACKEND.is_broken(true);
    c.idle(329 * SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(1), "within both windows");
    c.idle(SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Err("fetch 3 failed".to_owned()));
    assert_eq!(token::stats().entries, 1, "the failure alone is kept, the token is dropped");
}

#[tokio::test]
async fn a_value_without_lifetime_is_not_kept() {
    let _turn = simulation().await;
    reset(0);
    let mut c = required::container().await;
    assert_eq!(number(c.invoke(json!({})).await), Ok(1));
    assert_eq!(number(c.invoke(json!({})).await), Ok(2));
    EXPIRES_IN.store(5, SeqCst);
    assert_eq!(number(c.invoke(json!({})).await), Ok(3));
    EXPIRES_IN.store(0, SeqCst);
    assert_eq!(number(c.invoke(json!({})).await), Ok(3));
    assert_eq!(token::refresh().await.unwrap().number, 4);
    assert_eq!(number(c.invoke(json!({})).await), Ok(5), "the value before it is gone");
}

#[tokio::test]
async fn a_panic_of_the_function_is_one_of_the_fetch() {
    let _turn = simulation().await;
    reset(666);
    let mut c = required::container().await;
    let error = c.invoke(json!({})).await.unwrap_err();
    assert!(error.error_message.contains("no such lifetime"), "{}", error.error_message);
    EXPIRES_IN.store(60, SeqCst);
    assert_eq!(number(c.invoke(json!({})).await), Ok(2));
    assert_eq!((token::stats().loads, token::stats().load_errors), (2, 1));
}

#[tokio::test]
async fn the_value_in_an_option_has_the_lifetime() {
    let _turn = simulation().await;
    reset(60);
    let mut c = optional::container().await;
    BACKEND.is_broken(true);
    assert_eq!(number(c.invoke(json!({})).await), Ok(0));
    BACKEND.is_broken(false);
    c.idle(9 * SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(0), "by negative_ttl");
    c.idle(SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(2));
    c.idle(59 * SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(2));
    c.idle(SECOND);
    assert_eq!(number(c.invoke(json!({})).await), Ok(3));
}
