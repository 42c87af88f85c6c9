//! The same function, with metrics for CloudWatch.

#[path = "../shop.rs"]
mod shop;

use std::process::ExitCode;

use rewarm::{cached, handler, init};
use shop::{Catalogue, Order, Pool, Receipt, Settings};

#[init]
async fn pool() -> Pool {
    Pool::connect().await
}

#[init]
async fn catalogue() -> Catalogue {
    Catalogue::load().await
}

#[cached(ttl = "5m")]
async fn settings() -> Settings {
    Settings::load().await
}

#[handler(namespace = "Shop")]
async fn checkout(
    order: Order,
    pool: &Pool,
    catalogue: &Catalogue,
    settings: &Settings,
) -> Result<Receipt, std::io::Error> {
    shop::checkout(order, pool, catalogue, settings)
}

fn main() -> ExitCode {
    checkout::run()
}
