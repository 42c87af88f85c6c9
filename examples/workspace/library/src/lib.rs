//! The resources of a workspace with two functions.

use rewarm::{Error, init};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

// `#[handler]` checks the crate of a function. A library asks for the same.
rewarm::audit!();

/// A document to be printed.
#[derive(Debug, Deserialize, Serialize)]
pub struct Job {
    /// Jobs with the same id are printed once.
    pub id: i64,
    /// The number of pages.
    pub pages: i64,
}

/// The queue to which the producer sends jobs.
#[derive(Debug)]
pub struct Queue {
    client: reqwest::Client,
    url: String,
}

impl Queue {
    /// Sends a job.
    ///
    /// # Errors
    /// The queue does not take it.
    pub async fn send(&self, job: &Job) -> Result<(), Error> {
        self.client.post(&self.url).json(job).send().await?.error_for_status()?;
        Ok(())
    }
}

/// Needed by the producer alone: the consumer has no `QUEUE_URL`.
///
/// # Errors
/// `QUEUE_URL` is not set.
#[init]
pub fn queue() -> Result<Queue, Error> {
    let url = std::env::var("QUEUE_URL").map_err(|_| Error::msg("QUEUE_URL is not set"))?;
    Ok(Queue { client: reqwest::Client::new(), url })
}

/// The jobs that are done. Without `DATABASE_URL` they are kept in memory.
///
/// # Errors
/// The database cannot be opened.
#[init]
pub async fn db() -> Result<SqlitePool, sqlx::Error> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&url).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS done (id INTEGER PRIMARY KEY, pages INTEGER)")
        .execute(&pool)
        .await?;
    Ok(pool)
}
