use rewarm::{cached, handler, init};

#[init(allow(unbounded_grow))]
fn a() -> u8 {
    1
}

#[cached(ttl = "5m", allow(static_mut))]
fn b() -> u8 {
    1
}

#[handler(allow(guard_across_await, everything))]
async fn c(_event: u8) {}

#[init(allow = "leak")]
fn d() -> u8 {
    1
}

#[handler(allow(hidden_static))]
async fn e(_event: u8) {}

fn main() {}
