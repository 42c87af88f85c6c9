//! Two resources and a cached value.

use rewarm::{cached, init};

use crate::shop::{Catalogue, Pool, Settings};

#[init]
pub async fn pool() -> Pool {
    Pool::connect().await
}

#[init]
pub async fn catalogue() -> Catalogue {
    Catalogue::load().await
}

#[cached(ttl = "5m")]
pub async fn settings() -> Settings {
    Settings::load().await
}
