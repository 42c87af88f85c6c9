//! A function with metrics for CloudWatch that also prints. Its events select their outcomes, its
//! environment selects the sinks.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use rewarm::metrics::{Event, Sink};
use rewarm::{Error, Stats, cached, handler, init};
use serde::{Deserialize, Serialize};

async fn close(_: &u64) {}

#[init(close = close)]
async fn stock() -> u64 {
    tokio::time::sleep(Duration::from_millis(20)).await;
    7
}

#[cached(ttl = "5m")]
async fn price(sku: u64) -> u64 {
    sku * 100
}

#[cached(ttl = "5m")]
async fn discount() -> u64 {
    10
}

#[derive(Deserialize)]
struct Order {
    #[serde(rename = "do")]
    deed: String,
    #[serde(default)]
    sku: u64,
    #[serde(default)]
    warmup: bool,
}

/// The statistics of both caches, and the age of the container.
#[derive(Serialize)]
struct Receipt {
    caches: [Stats; 2],
    age_ms: u128,
}

#[handler(namespace = "Shop", dimensions(function, stage = "prod"), warmup)]
async fn shop(order: Order, stock: &u64) -> Result<Receipt, Error> {
    assert!(!order.warmup, "pings are answered without the handler");
    println!("order of {} from a stock of {stock}", order.sku);
    // A line without an end, in front of the metrics.
    print!("half a line, ");
    tracing::info!(sku = order.sku, "order");
    for sku in [order.sku, order.sku, 1] {
        let _ = price(sku).await + discount().await;
    }
    match order.deed.as_str() {
        "fail" => return Err(Error::msg("sold out")),
        "panic" => panic!("the till is broken"),
        "hang" => std::future::pending().await,
        "defer" => rewarm::defer(async move {
            price(order.sku + 1000).await;
        }),
        _ => {}
    }
    let age_ms = rewarm::container().age().as_millis();
    Ok(Receipt { caches: [price::stats(), discount::stats()], age_ms })
}

/// Prints each event to stderr.
struct Print;

impl Sink for Print {
    fn record(&self, event: &Event) {
        let json = serde_json::to_string(event).expect("an event is JSON");
        let seen = rewarm::container().invocations();
        writeln!(std::io::stderr(), "event after {seen}: {json}").expect("stderr is open");
    }
}

struct Broken;

impl Sink for Broken {
    fn record(&self, _: &Event) {
        panic!("no more paper");
    }
}

fn main() -> ExitCode {
    match std::env::var("SINKS").as_deref() {
        Ok("broken") => {
            rewarm::metrics::install(Broken);
            rewarm::metrics::install(Print);
        }
        Ok("print") => rewarm::metrics::install(Print),
        _ => {}
    }
    shop::run()
}
