//! Trait objects and `'static` references in values, errors and keys, from wherever the function is
//! called.
#![deny(warnings)]

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use rewarm::{Error, cached, handler, init};

trait Rate: Send + Sync {
    fn rate(&self) -> usize;
}

impl Rate for usize {
    fn rate(&self) -> usize {
        *self
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

#[cached(ttl = "5m")]
async fn boxed(text: &str) -> Result<usize, Box<dyn StdError + Send + Sync>> {
    Ok(text.len())
}

#[cached(ttl = "5m")]
async fn boxed_once() -> Result<usize, BoxError> {
    Ok(1)
}

#[cached(ttl = "5m", negative_ttl = "1s")]
async fn shared(n: usize) -> Result<usize, Arc<dyn StdError + Send + Sync>> {
    Ok(n)
}

#[cached(ttl = "5m", stale_while_revalidate = "1m")]
async fn dynamic(n: usize) -> Arc<dyn Rate + Send + Sync> {
    Arc::new(n)
}

#[cached(ttl = "5m")]
async fn dynamic_once() -> Arc<dyn Rate> {
    Arc::new(1)
}

#[cached(ttl = "5m", negative_ttl = "1s")]
async fn text(_n: usize) -> Result<&'static str, &'static str> {
    Ok("a")
}

#[cached(ttl = "5m")]
async fn text_once() -> Result<&'static str, Error> {
    Ok("a")
}

#[cached(ttl = "5m")]
async fn texts(_n: usize) -> Vec<&'static str> {
    vec!["a"]
}

#[cached(ttl = "5m")]
async fn texts_once() -> Vec<&'static str> {
    vec!["a"]
}

#[cached(ttl = "5m")]
async fn cow(text: Cow<'static, str>, again: &Cow<'static, str>) -> Cow<'static, str> {
    if text == *again { text } else { again.clone() }
}

#[cached(ttl = "5m")]
async fn cow_once() -> Cow<'static, str> {
    "a".into()
}

// A reference that lives for good is a key like any other, and is passed on as it is.
#[cached(ttl = "5m")]
async fn for_good(key: &'static str, n: &'static usize, #[skip] passed: &'static [u8]) -> usize {
    key.len() + n + passed.len()
}

#[cached(ttl = "5m")]
fn for_good_at_once(key: &'static str, #[skip] passed: &'static str) -> usize {
    key.len() + passed.len()
}

// So is a function, whatever it is called with.
#[cached(ttl = "5m")]
fn called(key: fn(&str) -> &str) -> Arc<dyn for<'a> Fn(&'a str) -> usize + Send + Sync> {
    let length = key("a").len();
    Arc::new(move |text| text.len() + length)
}

// Lifetimes that are written out.
#[cached(ttl = "5m")]
async fn written_out<'a, 'b: 'a>(key: &'a str, #[skip] passed: &'b str) -> usize {
    key.len() + passed.len()
}

macro_rules! everything {
    () => {
        boxed("a").await.unwrap_or(1)
            + boxed_once().await.unwrap_or(1)
            + shared(1).await.unwrap_or(1)
            + dynamic(1).await.rate()
            + dynamic_once().await.rate()
            + text(1).await.map_or(1, str::len)
            + text_once().await.map_or(1, str::len)
            + texts(1).await.len()
            + texts_once().await.len()
            + cow("a".into(), &"b".into()).await.len()
            + cow_once().await.len()
            + for_good("a", &1, &[]).await
            + for_good_at_once("a", "b")
            + called(str::trim)("a")
            + written_out("a", &String::new()).await
            + boxed::refresh("a").await.unwrap_or(1)
            + dynamic::refresh(1).await.rate()
            + written_out::refresh("a", "b").await
            + written_out::peek("a").unwrap_or(1)
    };
}

#[cached(ttl = "5m")]
async fn by_cached() -> usize {
    everything!()
}

#[init]
async fn by_init(dynamic_once: &dyn Rate, texts_once: &[&'static str]) -> usize {
    everything!() + dynamic_once.rate() + texts_once.len()
}

#[init]
static BY_STATIC: usize = boxed("a").await? + dynamic(1).await.rate() + cow_once().await.len();

#[handler]
async fn by_handler(
    _event: u8,
    by_init: &usize,
    dynamic_once: Arc<dyn Rate>,
    #[from(cow_once)] cow_text: Cow<'static, str>,
) -> Result<usize, BoxError> {
    let spawned = tokio::spawn(async { everything!() });
    let called = boxed("a").await? + shared(1).await?;
    Ok(spawned.await? + called + everything!() + by_init + dynamic_once.rate() + cow_text.len())
}

fn main() {}
