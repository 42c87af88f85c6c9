//! An event bus inside the container, shared by all invocations: each starts its work, listens for
//! the event that completes or fails it, and waits 25 seconds at most, or until 5 seconds before
//! Lambda's deadline (give the function a timeout of 30).
//!
//! It replaces `static BUS: Lazy<Mutex<Vec<Listener>>>`, which grows by one listener with each
//! invocation that times out, and the spawned tasks that freeze half done behind them.
//!
//! `cargo run -p rewarm-examples --example event_processor -- --event '{"steps": 3}' --event '{"steps": 3, "fails_at": 2}'`

use std::process::ExitCode;
use std::time::Duration;

use rewarm::{Context, Error, handler, init};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// How the work of one invocation ended.
#[derive(Clone)]
struct Ended {
    request: String,
    outcome: Result<u64, String>,
}

/// Bounded: it keeps the last 1,024 events for listeners that are slow, and none without listeners.
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
    /// Everyone who listens now: this invocation, and those at the same time.
    listeners: usize,
}

#[handler]
async fn process(
    job: Job,
    context: Context,
    bus: &broadcast::Sender<Ended>,
) -> Result<Receipt, Error> {
    // Both are this invocation's own. Whatever ends it (an answer, an error, a panic, the deadline)
    // drops them: the listener is unsubscribed, the work aborted.
    let mut events = bus.subscribe();
    let mut workers = JoinSet::new();
    workers.spawn(work(job, context.request_id.clone(), bus.clone()));

    let outcome = async {
        loop {
            // An error is `Lagged`: the listener was overtaken by 1,024 others, its event maybe lost.
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
        // Work that panicked says nothing on the bus.
        Some(Err(panic)) = workers.join_next() => Err(panic.into()),
    }
}

/// The work. It knows the bus, not who listens.
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
    let _nobody_listens = bus.send(Ended { request, outcome });
}

fn main() -> ExitCode {
    process::run()
}
