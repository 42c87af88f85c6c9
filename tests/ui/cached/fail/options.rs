//! Options that are written wrong or say nothing: one error for each, and no other because of it.

use rewarm::{Error, cached, init};

#[init]
fn pool() -> u8 {
    1
}

#[cached(time = "5m")]
fn other_name() -> u8 {
    1
}

#[cached("5m")]
fn no_name() -> u8 {
    1
}

#[cached(300)]
fn number() -> u8 {
    1
}

#[cached(ttl: "5m")]
fn colon() -> u8 {
    1
}

#[cached(ttl)]
fn no_value() -> u8 {
    1
}

#[cached(ttl = "300000d")]
fn too_long() -> u8 {
    1
}

#[cached(ttl = "5m", max_entries = -1)]
fn negative(_n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", max_entries = 99999999999999999999)]
fn too_many(_n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", max = 5)]
fn half(_n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", lazy)]
fn of_another() -> u8 {
    1
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h")]
fn never_fails() -> Vec<u8> {
    vec![1]
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h")]
async fn may_be_none() -> Option<u8> {
    None
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h", timeout = "2s")]
async fn may_take_too_long() -> std::string::String {
    String::new()
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h")]
async fn takes_a_resource(#[from] pool: &u8) -> (u8, u8) {
    (*pool, 1)
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h")]
async fn may_fail() -> Result<u8, Error> {
    Ok(1)
}

fn main() {
    // None of the faults above is one here.
    let _ = (other_name(), no_name(), number(), colon(), no_value(), half(1), never_fails());
}
