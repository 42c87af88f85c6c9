//! What a container goes through, in simulated time: idle gaps, checks, rebuilds, restores,
//! lifetimes of cached values, deferred work and shutdown.

mod graph;
mod invocations;
mod lifetimes;
mod resources;
mod reuse;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::FutureExt;
use rewarm::testing::assert_reuse_safe;
use rewarm::{Error, cached, handler, init};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// The world outside the containers, which tests change: one test at a time.
async fn world() -> tokio::sync::MutexGuard<'static, ()> {
    static WORLD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let turn = WORLD.lock().await;
    resources::pool::MADE.store(0, SeqCst);
    resources::pool::ALIVE.store(true, SeqCst);
    resources::pool::BUILDS.store(true, SeqCst);
    lifetimes::values::FETCHES.store(0, SeqCst);
    lifetimes::values::BROKEN.store(false, SeqCst);
    notes();
    turn
}

/// What the functions of this file note as they run.
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(text: impl Into<String>) {
    NOTES.lock().unwrap().push(text.into());
}

fn notes() -> Vec<String> {
    std::mem::take(&mut NOTES.lock().unwrap())
}

fn pair(answer: Result<Value, rewarm::InvocationError>) -> (u64, u64) {
    serde_json::from_value(answer.unwrap()).unwrap()
}
