//! Records of a Kinesis stream, of which some fail: with `ReportBatchItemFailures` Lambda delivers the
//! batch again from the first record that failed. What was done before is not done twice, since the
//! totals are written with the number of the record.
//!
//! `cargo run -p rewarm-examples --example kinesis_stream -- --events stream.json`

use std::process::ExitCode;

use aws_lambda_events::kinesis::{KinesisEvent, KinesisEventRecord};
use aws_lambda_events::streams::KinesisEventResponse;
use rewarm::{Error, handler, init, tracing};
use serde::Deserialize;
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

/// The body of a record.
#[derive(Deserialize)]
struct Sale {
    sku: String,
    cents: i64,
}

#[init]
async fn db() -> Result<SqlitePool, sqlx::Error> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS sale (number TEXT PRIMARY KEY, sku TEXT, cents INTEGER)",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

#[handler]
async fn total(event: KinesisEvent, db: &SqlitePool) -> KinesisEventResponse {
    let mut response = KinesisEventResponse::default();
    for record in event.records {
        if let Err(error) = add(&record, db).await {
            let number = record.kinesis.sequence_number;
            tracing::warn!(number, %error, "a record failed");
            response.add_failure(number);
            break; // the order counts: Lambda delivers the rest again
        }
    }
    response
}

async fn add(record: &KinesisEventRecord, db: &SqlitePool) -> Result<(), Error> {
    let sale: Sale = serde_json::from_slice(&record.kinesis.data)?;
    sqlx::query("INSERT OR IGNORE INTO sale VALUES (?, ?, ?)")
        .bind(&record.kinesis.sequence_number)
        .bind(sale.sku)
        .bind(sale.cents)
        .execute(db)
        .await?;
    Ok(())
}

fn main() -> ExitCode {
    total::run()
}
