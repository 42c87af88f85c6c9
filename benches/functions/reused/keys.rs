//! A function that asks its cache for as many keys as the event says, all of them new.

use std::process::ExitCode;

use rewarm::{cached, handler};
use serde::Deserialize;

#[cached(ttl = "5m", max_entries = 1000)]
async fn price(sku: &str) -> u64 {
    sku.len() as u64
}

#[derive(Deserialize)]
struct Range {
    from: u64,
    to: u64,
}

#[handler]
async fn total(range: Range) -> u64 {
    let mut total = 0;
    for n in range.from..range.to {
        total += price(&format!("sku-{n}")).await;
    }
    total
}

fn main() -> ExitCode {
    total::run()
}
