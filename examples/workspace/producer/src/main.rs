//! Sends jobs to the queue. It needs `library::queue`, and not the database.
//!
//! `QUEUE_URL=http://127.0.0.1:8080 cargo run -p producer -- --event '{"id": 1, "pages": 3}'`

use std::process::ExitCode;

use library::{Job, Queue, queue};
use rewarm::{Error, handler, tracing};

#[handler]
async fn produce(job: Job, queue: &Queue) -> Result<(), Error> {
    if job.pages < 1 {
        return Err(Error::msg("a job has at least one page"));
    }
    queue.send(&job).await?;
    tracing::info!(id = job.id, "sent");
    Ok(())
}

fn main() -> ExitCode {
    produce::run()
}
