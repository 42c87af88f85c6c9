//! Clippy has no warnings for functions whose form an attribute requires.
#![deny(clippy::missing_const_for_fn, clippy::unused_async, clippy::used_underscore_binding)]

use super::*;

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
async fn sum(_event: u8, one: &u8, two: &u8) -> u8 {
    *one + *two
}

#[tokio::test]
async fn they_return_values() {
    let _turn = outside_containers().await;
    assert_eq!(sum(0, &1, &2).await + three(0, "").await + four(""), 10);
}
