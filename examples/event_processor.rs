//! An event bus in the container, shared by all invocations. Each starts its work, listens for the
//! event that completes or fails it, and waits at most 25 seconds, or until 5 seconds before Lambda's
//! deadline. Give the function a timeout of 30 seconds.
//!
//! This replaces `static BUS: Lazy<Mutex<Vec<Listener>>>`, which gains a listener with each
//! invocation that times out, and spawned tasks that freeze half done.
//!
//! `cargo run -p rewarm-examples --example event_processor -- --event '{"steps": 3}' --event '{"steps": 3, "fails_at": 2}'`

use std::process::ExitCode;
use std::time::Duration;

use rewarm::{Context, Error, handler, init};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// The end of the work of one invocation.
#[derive(Clone)]
struct Ended {
    request: String,
    outcome: Result<u64, String>,
}

/// Bounded: it keeps the last 1,024 events for slow listeners, and none without listeners.
#[init]
fn bus() -> broadcast::Sender<Ended> {
    broadcast::Sender::new(1024)
}

#[derive(Deserialize)]
struct Job {
    steps: u64,
    fails_at: Option<u64>,
    panics_at: Option<u64>,
}

#[derive(Serialize)]
struct Receipt {
    steps: u64,
    /// The number of listeners: this invocation, and concurrent ones.
    listeners: usize,
}

#[handler]
async fn process(
    job: Job,
    context: Context,
    bus: &broadcast::Sender<Ended>,
) -> Result<Receipt, Error> {
    // Both belong to this invocation. Its end (a response, an error, a panic, the deadline) drops
    // them, which unsubscribes the listener and aborts the work.
    let mut events = bus.subscribe();
    let mut workers = JoinSet::new();
    workers.spawn(work(job, context.request_id.clone(), bus.clone()));

    let outcome = async {
        loop {
            // An error is `Lagged`: the listener missed events, maybe its own.
            let event = events.recv().await?;
            if event.request == context.request_id {
                let steps = event.outcome.map_err(Error::msg)?;
                return Ok(Receipt { steps, listeners: bus.receiver_count() });
            }
        }
    };
    let left = rewarm::remaining().map(|left| left.saturating_sub(Duration::from_secs(5)));
    let limit = left.unwrap_or(Duration::MAX).min(Duration::from_secs(25));
    tokio::select! {
        outcome = tokio::time::timeout(limit, outcome) => {
            outcome.map_err(|_| Error::msg(format_args!("no outcome within {limit:?}")))?
        }
        // Work that panicked sends no event.
        Some(Err(panic)) = workers.join_next() => Err(panic.into()),
    }
}

/// The work. It sends to the bus, whether or not there are listeners.
async fn work(job: Job, request: String, bus: broadcast::Sender<Ended>) {
    let mut outcome = Ok(job.steps);
    for step in 1..=job.steps {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_ne!(job.panics_at, Some(step), "the step panicked");
        if job.fails_at == Some(step) {
            outcome = Err(format!("step {step} of {} failed", job.steps));
            break;
        }
    }
    let _no_listener = bus.send(Ended { request, outcome });
}

fn main() -> ExitCode {
    process::run()
}
