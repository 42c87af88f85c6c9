//! Does the jobs that SQS delivers. It needs `library::db`, and runs without the producer's `QUEUE_URL`.
//!
//! `cargo run -p consumer -- --event '{"Records": [{"messageId": "a", "body": "{\"id\": 1, \"pages\": 3}"}]}'`

use std::process::ExitCode;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use library::{Job, db};
use rewarm::{Error, handler, tracing};
use sqlx::SqlitePool;

/// A message that fails is delivered again, and the others are not.
#[handler]
async fn consume(event: SqsEvent, db: &SqlitePool) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Err(error) = print(&message, db).await {
            let id = message.message_id.unwrap_or_default();
            tracing::warn!(id, %error, "a job failed");
            response.add_failure(id);
        }
    }
    response
}

async fn print(message: &SqsMessage, db: &SqlitePool) -> Result<(), Error> {
    let job: Job = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    sqlx::query("INSERT OR IGNORE INTO done VALUES (?, ?)")
        .bind(job.id)
        .bind(job.pages)
        .execute(db)
        .await?;
    Ok(())
}

fn main() -> ExitCode {
    consume::run()
}
