//! Prices that all containers share: a price is fetched once for all of them, and is at most five
//! minutes old everywhere. While the store is down, each container fetches for itself.
//!
//! Without a store, a thousand containers that start after a deployment send a thousand equal
//! requests to the service of the prices.
//!
//! `cargo run -p rewarm-examples --features redis --example shared_prices -- --event '"tea"' --repeat 3`
//!
//! With `REDIS_URL=redis://127.0.0.1:6379` two of these commands share their prices. With
//! `--features all-stores` and `PRICES_TABLE=prices` they are in DynamoDB.

use std::process::ExitCode;
use std::sync::Arc;

use rewarm::store::{Memory, Redis, Store};
use rewarm::{Error, cached, handler, init};
use rewarm_examples::mock;
use serde::{Deserialize, Serialize};

#[init]
async fn shared() -> Result<Arc<dyn Store>, Error> {
    if let Ok(url) = std::env::var("REDIS_URL") {
        return Ok(Arc::new(Redis::connect(&url).await?));
    }
    #[cfg(feature = "all-stores")]
    if let Ok(table) = std::env::var("PRICES_TABLE") {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        let client = aws_sdk_dynamodb::Client::new(&config);
        return Ok(Arc::new(rewarm::store::DynamoDb::new(client, table)));
    }
    eprintln!("REDIS_URL is not set: the store is this process");
    Ok(Arc::new(Memory::new()))
}

/// The service of the prices.
struct Prices {
    http: reqwest::Client,
    url: String,
}

#[init]
async fn prices() -> Result<Prices, Error> {
    let url = mock::url("PRICES_URL", "540")?;
    Ok(Prices { http: reqwest::Client::builder().build()?, url })
}

#[derive(Clone, Serialize, Deserialize)]
struct Price {
    sku: String,
    cents: u32,
}

#[cached(
    ttl = "5m",
    store = shared,
    local_ttl = "30s",
    stale_while_revalidate = "1m",
    stale_if_error = "1h",
    timeout = "2s"
)]
async fn price(#[from] prices: &Prices, sku: &str) -> Result<Price, Error> {
    let response = prices.http.get(&prices.url).query(&[("sku", sku)]).send().await?;
    let cents = response.error_for_status()?.text().await?;
    Ok(Price { sku: sku.to_owned(), cents: cents.trim().parse()? })
}

#[handler]
async fn quote(sku: String) -> Result<Price, Error> {
    price(&sku).await
}

fn main() -> ExitCode {
    quote::run()
}
