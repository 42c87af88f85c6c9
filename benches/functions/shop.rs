//! The shop that all functions share: the same handler over the same three things, whoever keeps
//! them.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A pool of connections.
pub struct Pool {
    pub size: u64,
}

impl Pool {
    pub async fn connect() -> Self {
        tokio::task::yield_now().await;
        Self { size: 8 }
    }
}

/// What there is to buy.
pub struct Catalogue(HashMap<String, u64>);

impl Catalogue {
    pub async fn load() -> Self {
        Self((0..100).map(|n| (format!("sku-{n}"), 100 + n)).collect())
    }
}

#[derive(Clone)]
pub struct Settings {
    pub tax_percent: u64,
}

impl Settings {
    pub async fn load() -> Self {
        Self { tax_percent: 20 }
    }
}

#[derive(Deserialize)]
pub struct Order {
    sku: String,
    quantity: u64,
}

#[derive(Serialize)]
pub struct Receipt {
    sku: String,
    total: u64,
    pool: u64,
}

pub fn checkout(
    order: Order,
    pool: &Pool,
    catalogue: &Catalogue,
    settings: &Settings,
) -> Result<Receipt, std::io::Error> {
    let price = catalogue.0.get(&order.sku).copied();
    let price = price.ok_or_else(|| std::io::Error::other("there is no such product"))?;
    let net = price * order.quantity;
    let total = net + net * settings.tax_percent / 100;
    Ok(Receipt { sku: order.sku, total, pool: pool.size })
}
