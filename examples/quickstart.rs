//! A checkout: a connection pool built once per container, a configuration that is at most five
//! minutes old, and prices that are queried once in thirty seconds.
//!
//! `cargo run --example quickstart -- --event '{"sku": "tea"}' --event '{"sku": "tea"}'`

use std::process::ExitCode;

use rewarm::{Error, cached, handler, init};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

#[derive(Clone)]
struct Settings {
    database_url: String,
    tax_percent: i64,
}

/// The configuration. A real function would query its parameter store here.
#[cached(ttl = "5m", stale_if_error = "1h")]
async fn settings() -> Result<Settings, Error> {
    let tax = std::env::var("TAX_PERCENT").unwrap_or_else(|_| "20".to_owned());
    Ok(Settings {
        database_url: std::env::var("DATABASE_URL")
            .unwrap_or_else(|_| "sqlite::memory:".to_owned()),
        tax_percent: tax.parse()?,
    })
}

/// The pool. The example's own database is filled first.
#[init]
async fn db(settings: &Settings) -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&settings.database_url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS product (sku TEXT PRIMARY KEY, cents INTEGER NOT NULL);
         INSERT OR IGNORE INTO product VALUES ('tea', 450), ('pot', 2900);",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

/// A price in cents, or `None` if there is no such product.
#[cached(ttl = "30s", max_entries = 500)]
async fn price(#[from] db: &SqlitePool, sku: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT cents FROM product WHERE sku = ?").bind(sku).fetch_optional(db).await
}

#[derive(Deserialize)]
struct Order {
    sku: String,
    #[serde(default = "one")]
    quantity: i64,
}

fn one() -> i64 {
    1
}

#[derive(Serialize)]
struct Receipt {
    sku: String,
    total_cents: i64,
}

#[handler]
async fn checkout(order: Order, settings: Settings) -> Result<Receipt, Error> {
    let Some(cents) = price(&order.sku).await? else {
        return Err(Error::msg(format_args!("there is no product {:?}", order.sku)));
    };
    let net = cents.checked_mul(order.quantity).ok_or_else(|| Error::msg("that is too much"))?;
    Ok(Receipt { total_cents: net + net * settings.tax_percent / 100, sku: order.sku })
}

fn main() -> ExitCode {
    checkout::run()
}
