//! An axum router as a Lambda function, over a connection pool. `#[init]` replaces a
//! `static POOL: OnceCell<SqlitePool>`, and `#[handler(http)]` replaces a `main` that builds pool,
//! state and router sequentially and passes them to `lambda_http`.
//!
//! `cargo run --features http --example http_api -- --events examples/http_api.jsonl`

use std::process::ExitCode;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use rewarm::{Error, cached, handler, init};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

#[derive(Clone, Deserialize, Serialize, sqlx::FromRow)]
struct Product {
    sku: String,
    cents: i64,
}

/// The pool. The example's own database is filled first.
#[init]
async fn db() -> Result<SqlitePool, Error> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS product (sku TEXT PRIMARY KEY, cents INTEGER NOT NULL);
         INSERT OR IGNORE INTO product VALUES ('tea', 450), ('pot', 2900);",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

/// A product, queried once in thirty seconds.
#[cached(ttl = "30s", max_entries = 500)]
async fn product(#[from] db: &SqlitePool, sku: &str) -> Result<Option<Product>, Error> {
    let query = sqlx::query_as("SELECT sku, cents FROM product WHERE sku = ?");
    Ok(query.bind(sku).fetch_optional(db).await?)
}

async fn show(Path(sku): Path<String>) -> Result<Json<Product>, StatusCode> {
    match product(&sku).await {
        Ok(product) => product.map(Json).ok_or(StatusCode::NOT_FOUND),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn add(State(db): State<SqlitePool>, Json(new): Json<Product>) -> StatusCode {
    let query = sqlx::query("INSERT INTO product VALUES (?, ?)").bind(&new.sku).bind(new.cents);
    match query.execute(&db).await {
        Ok(_) => {
            product::invalidate(&new.sku);
            StatusCode::CREATED
        }
        Err(_) => StatusCode::CONFLICT,
    }
}

/// Built in INIT after the pool, and again after each rebuild of the pool.
#[handler(http)]
fn shop(db: &SqlitePool) -> Router {
    let products = get(show).post(add);
    Router::new().route("/products/{sku}", products).with_state(db.clone())
}

fn main() -> ExitCode {
    shop::run()
}
