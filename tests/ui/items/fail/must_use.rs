//! `#[must_use]` is for the callers of a resource and of a handler, too.
#![deny(unused_must_use)]

use rewarm::{handler, init};

#[must_use = "it connects"]
#[init]
async fn db() -> u8 {
    1
}

#[init]
#[cfg_attr(all(), must_use = "it is read once")]
fn settings() -> Result<u8, rewarm::Error> {
    Ok(1)
}

#[handler]
#[must_use = "it is the response"]
async fn answer(event: u8) -> u8 {
    event
}

async fn calls() {
    db().await;
    settings();
    answer(1).await;
}

fn main() {
    drop(calls());
}
