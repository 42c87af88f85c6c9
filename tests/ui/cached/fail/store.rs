//! The options of a second tier, and the types that it needs.

use rewarm::store::Memory;
use rewarm::{cached, init};
use std::time::Duration;

#[init]
fn shared() -> Memory {
    Memory::new()
}

#[init]
fn pool() -> String {
    String::new()
}


#[cached(ttl = "5m", local_ttl = "10s", store_timeout = "50ms", version = 2)]
async fn no_store() -> u8 {
    1
}

#[cached(ttl = "5m", local_ttl = "10m", store = shared)]
async fn longer() -> u8 {
    1
}

#[cached(ttl = "5m", store = shared)]
fn does_not_await() -> u8 {
    1
}

#[cached(ttl = "5m", store = pool)]
async fn other_resource() -> u8 {
    1
}


#[cached(ttl = "5m", store = "shared")]
async fn text() -> u8 {
    1
}

#[derive(Clone)]
struct Opaque;

#[cached(ttl = "5m", store = shared)]
async fn value() -> Opaque {
    Opaque
}

#[cached(ttl = "5m", store = shared)]
async fn fallible(_n: u8) -> Result<Option<Opaque>, rewarm::Error> {
    Ok(None)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Sku(u8);

#[cached(ttl = "5m", store = shared)]
async fn by_sku(_sku: Sku, _other: &Sku) -> u8 {
    1
}

#[cached(ttl = "5m", store = shared)]
async fn api_key() -> String {
    String::new()
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct AccessToken(String);

#[cached(ttl = "5m", store = shared)]
async fn token() -> Option<AccessToken> {
    None
}

#[cached(ttl = "5m", store = shared, allow(secret_in_store))]
async fn public_api_key() -> String {
    String::new()
}

#[cached(ttl = "5m", stale_if_slow = "50ms")]
async fn no_window() -> u8 {
    1
}

#[cached(ttl = "5m", stale_while_revalidate = "1m", stale_if_slow = "50ms")]
fn slow() -> u8 {
    1
}

fn minutes(value: &u8) -> u8 {
    *value
}

#[cached(ttl = "5m", lifetime = minutes)]
async fn no_duration() -> u8 {
    1
}

fn of_another(_: &u16) -> Duration {
    Duration::ZERO
}

#[cached(ttl = "5m", lifetime = of_another)]
async fn other_value(_key: u8) -> Option<u8> {
    None
}

fn main() {}
