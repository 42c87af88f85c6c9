//! An axum router as a Lambda function, over a connection pool. `#[init]` is in the place of a
//! `static POOL: OnceCell<SqlitePool>` with its `get_or_init`, `#[handler(http)]` in that of a
//! `main` which builds pool, state and router one after the other and hands them to `lambda_http`.
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

/// The pool. In the example's own database the shop is set up on the way.
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

/// A product, asked for once in thirty seconds.
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

/// Built in INIT, when the pool is there; again if the pool is.
#[handler(http)]
fn shop(db: &SqlitePool) -> Router {
    let products = get(show).post(add);
    Router::new().route("/products/{sku}", products).with_state(db.clone())
}

fn main() -> ExitCode {
    shop::run()
}
