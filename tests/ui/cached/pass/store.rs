//! A second tier compiles with all kinds of functions.
#![deny(warnings)]

use rewarm::store::{Memory, Store, StoreError};
use rewarm::{Error, cached, init};
use std::sync::Arc;
use std::time::Duration;

#[init]
fn shared() -> Memory {
    Memory::new()
}

#[init]
fn boxed() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

#[init]
static STATIC: Memory = Memory::new();

mod inner {
    #[rewarm::init]
    pub(crate) fn elsewhere() -> rewarm::store::Memory {
        rewarm::store::Memory::new()
    }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Price {
    cents: u32,
}

impl Price {
    fn lifetime(&self) -> Duration {
        Duration::from_secs(self.cents.into())
    }
}

#[cached(
    ttl = "5m",
    store = shared,
    local_ttl = "10s",
    store_timeout = "50ms",
    version = 2,
    stale_while_revalidate = "1m",
    stale_if_error = "1h",
    stale_if_slow = "50ms",
    negative_ttl = "5s",
    lifetime = Price::lifetime,
    timeout = "2s",
    max_entries = 10
)]
async fn price(#[from] shared: &Memory, sku: &str, _n: u8) -> Result<Option<Price>, Error> {
    let _ = (shared, sku);
    Ok(None)
}

#[cached(ttl = "5m", store = boxed)]
async fn settings() -> String {
    String::new()
}

#[cached(ttl = "5m", store = STATIC)]
async fn of_a_static(#[skip] _n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", store = inner::elsewhere)]
async fn of_a_module(settings: String) -> u8 {
    settings.len() as u8
}

async fn uses() -> Result<(), StoreError> {
    let _ = price("tea", 1).await;
    let _: Result<Option<Price>, Error> = price::refresh("tea", 1).await?;
    price::invalidate("tea", 1).await?;
    price::clear().await?;
    let _: String = settings::refresh().await?;
    settings::invalidate().await?;
    let _ = (settings::peek(), settings::stats().store_hits, of_a_static(1).await);
    let _ = of_a_module(String::new()).await;
    Ok(())
}

fn main() {
    let _ = uses();
}
