//! The keys of entries: values of other code, arguments and tenants never mix.

use super::*;
use serde::{Deserialize, Serialize};

/// Two versions of a function, and of its module.
macro_rules! version {
    ($name:ident, $value:ty, $make:expr $(, $($options:tt)+)?) => {
        mod $name {
            use super::*;

            pub static FETCHES: Count = Count::new();

            #[cached(ttl = "5m", store = shared $(, $($options)+)?)]
            pub async fn price(_sku: &str) -> $value {
                let make: fn(u32) -> $value = $make;
                make(FETCHES.up())
            }
        }
    };
}

version!(plain, u32, |n| n);
version!(other_version, u32, |n| n, version = 1);
version!(other_code, u32, |n| n + 1);
version!(other_type, u64, |n| n.into());

#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Query {
    text: String,
    /// Not part of the JSON.
    #[serde(skip)]
    user: u32,
}

static FETCHES: Count = Count::new();

#[cached(ttl = "5m", store = shared)]
async fn search(_query: Query) -> u32 {
    FETCHES.up()
}

#[cached(ttl = "5m", store = shared)]
async fn bytes(_bytes: &[u8], _text: &str, _number: Option<u8>) -> u32 {
    FETCHES.up()
}

#[allow(clippy::too_many_arguments)]
#[cached(ttl = "5m", store = shared)]
async fn eight(_a: u8, _b: u8, _c: u8, _d: u8, _e: u8, _f: u8, _g: u8, _h: u8) -> u32 {
    FETCHES.up()
}

#[cached(ttl = "5m", store = shared)]
async fn settings() -> u32 {
    FETCHES.up()
}

#[handler(report_every = 0)]
async fn app(_: Value, settings: u32) -> u32 {
    settings
}

/// The key of the entry that `call` puts in a container of its own.
async fn key_of(call: impl Future) -> String {
    let c = app::container().await;
    OUTSIDE.reset().await;
    call.await;
    drop(c);
    OUTSIDE.last_put().0
}

#[tokio::test]
async fn a_key_is_readable() {
    let _turn = simulation().await;
    let key = key_of(bytes(&[1, 2], "a:b\"é", None)).await;
    let parts: Vec<_> = key.splitn(5, ':').collect();
    assert_eq!(parts[..2], ["shop", "second_tier"], "{key}");
    let (_, rest) = key.split_once("keys::bytes:").expect("the function");
    let (fingerprint, arguments) = rest.split_once(':').unwrap();
    assert_eq!(fingerprint.len(), 16);
    assert!(arguments.starts_with("[[1,2],\"a:b\\\"é\",null]:"), "{arguments}");
    assert!(key_of(settings()).await.ends_with(':'));
}

#[tokio::test]
async fn every_difference_of_the_arguments_is_another_key() {
    let _turn = simulation().await;
    let long = "x".repeat(10_000);
    let mut keys = vec![
        key_of(bytes(&[], "", None)).await,
        key_of(bytes(&[0], "", None)).await,
        key_of(bytes(&[], "0", None)).await,
        key_of(bytes(&[], "", Some(0))).await,
        key_of(bytes(&[], &long, None)).await,
        key_of(bytes(&[], &format!("{long}x"), None)).await,
        key_of(search(Query { text: "tea".into(), user: 1 })).await,
        key_of(search(Query { text: "tea".into(), user: 2 })).await,
        key_of(eight(1, 2, 3, 4, 5, 6, 7, 8)).await,
        key_of(eight(1, 2, 3, 4, 5, 6, 7, 9)).await,
        key_of(plain::price("tea")).await,
        key_of(other_version::price("tea")).await,
        key_of(other_code::price("tea")).await,
        key_of(other_type::price("tea")).await,
    ];
    assert!(keys.iter().all(|key| key.len() < 300), "{keys:#?}");
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(key_of(plain::price("tea")).await, key_of(plain::price("tea")).await);
}

#[tokio::test]
async fn a_long_key_is_hashed_and_its_entry_has_the_arguments() {
    let _turn = simulation().await;
    let long = "x".repeat(10_000);
    let mut _c = app::container().await;
    OUTSIDE.reset().await;
    let one = bytes(&[], &long, None).await;
    let (key, entry) = OUTSIDE.last_put();
    drop(_c);
    _c = app::container().await;
    assert_eq!(bytes(&[], &long, None).await, one, "from the store");
    drop(_c);
    // An entry of other arguments under the same key.
    OUTSIDE.reset().await;
    _c = app::container().await;
    OUTSIDE.write(&key, entry.fetched_ms(), b"[[],\"other\",null]\n77").await;
    assert_ne!(bytes(&[], &long, None).await, 77);
}
