//! What clippy would say of functions that have to be as the attributes want them.
#![deny(clippy::missing_const_for_fn, clippy::unused_async, clippy::used_underscore_binding)]

use rewarm::{cached, handler, init};

#[init]
async fn one() -> u8 {
    1
}

#[init]
fn two() -> u8 {
    2
}

#[cached(ttl = "5m")]
async fn three(_unused: u8, #[skip] _passed: &str) -> u8 {
    3
}

#[cached(ttl = "5m")]
fn four(_unused: &str) -> u8 {
    4
}

#[handler]
async fn answer(_event: u8, one: &u8, two: &u8) -> u8 {
    *one + *two
}

#[tokio::test]
async fn they_answer() {
    assert_eq!(answer(0, &1, &2).await + three(0, "").await + four(""), 10);
}
