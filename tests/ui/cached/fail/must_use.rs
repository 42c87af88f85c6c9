//! `#[must_use]` is for the callers, on whichever side of ours it stands.
#![deny(unused_must_use)]

use rewarm::cached;

#[must_use]
#[cached(ttl = "5m")]
fn before() -> u8 {
    1
}

#[cached(ttl = "5m")]
#[must_use = "it was dear"]
async fn behind(n: u8) -> u8 {
    n
}

async fn calls() {
    before();
    behind(1).await;
}

fn main() {
    drop(calls());
}
