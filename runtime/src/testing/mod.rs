//! Containers in tests: a function put through what Lambda puts it through, without Lambda and
//! without waiting for time to pass.
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use rewarm::{cached, handler};
//! use rewarm::testing::assert_reuse_safe;
//! use serde_json::{Value, json};
//!
//! #[cached(ttl = "5m", jitter = "0%")]
//! async fn tax() -> f64 { 0.2 }
//!
//! #[handler]
//! async fn checkout(order: Value, tax: f64) -> Value {
//!     json!({ "total": order["net"].as_f64().unwrap_or(0.0) * (1.0 + tax) })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut container = checkout::container().await;
//! let first = container.invoke(json!({ "net": 10 })).await.unwrap();
//! container.idle(Duration::from_secs(600));
//! assert_eq!(first, container.invoke(json!({ "net": 10 })).await.unwrap());
//! assert_eq!(tax::stats().loads, 2);
//! drop(container);
//!
//! assert_reuse_safe(checkout::container, [json!({ "net": 1 }), json!({ "net": 2 })]).await;
//! # }
//! ```
#![cfg_attr(not(test), expect(clippy::panic, reason = "that is how a test fails"))]

mod lock;
mod reuse;
mod subprocess;
#[cfg(target_os = "linux")]
mod tmp_files;

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;

use crate::base::clock::{CLOCK, nanos};
use crate::base::panic::record_locations;
use crate::container::snapshot::{ContainerSnapshot, Start};
use crate::container::{container, lifecycle};
use crate::error::listed;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::{self, ActiveInvocation, Payload};
use crate::lambda::types::Context;
use lock::Lock;

pub use reuse::{assert_reuse_safe, assert_reuse_safe_except};

/// A simulated container. Its clocks stand still until they are told to move.
///
/// There is one at a time in a process: another waits until this one is dropped. A test that uses
/// resources or cached functions without an invocation holds a container, too: while any test holds
/// one, those without it see their caches emptied and the clock jump.
///
/// All resources, caches and counters start fresh. What a function keeps elsewhere, in statics of its own or in
/// `/tmp`, it keeps from one container to the next: that is what [`assert_reuse_safe`] finds.
pub struct Container<H> {
    deadline: Duration,
    requests: AtomicU64,
    handler: PhantomData<fn() -> H>,
    turn: Lock,
}

impl<H> Debug for Container<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A cold container that has gone through INIT.
///
/// # Panics
/// If INIT fails, with the errors of all resources that could not be built. If the test, or the task,
/// still holds another container: it would wait for itself.
pub async fn container_of<H: Handler>() -> Container<H> {
    let turn = Lock::take().await;
    record_locations();
    // A machine that has run for an hour, on a day in 2026.
    CLOCK.set_manual(Duration::from_secs(3600), Duration::from_secs(1_790_000_000));
    container().reset();
    container().begin(Start::OnDemand);
    let container = Container {
        deadline: Duration::from_secs(30),
        requests: AtomicU64::new(0),
        handler: PhantomData,
        turn,
    };
    if let Err(failures) = lifecycle::init(None).await {
        panic!("INIT failed: {}", listed(&failures));
    }
    container
}

impl<H: Handler> Container<H> {
    /// Invokes the function with an event: whatever can be written as JSON. Returns when what it
    /// deferred, or is to be refreshed after the response, is done.
    ///
    /// # Errors
    /// Error type and message as Lambda would see them.
    ///
    /// # Panics
    /// If the event cannot be written as JSON.
    pub async fn invoke(&mut self, event: impl Serialize) -> Result<Value, InvocationError> {
        let (invocation, answer) = self.answer(json(event)).await;
        invocation::end::<H>(invocation).await;
        answer
    }

    /// Invokes the function with all events at the same time, as a Lambda Managed Instance does.
    /// The answers are in the order of the events. What they defer runs when all are answered.
    ///
    /// # Panics
    /// If an event cannot be written as JSON.
    pub async fn invoke_all(
        &mut self,
        events: impl IntoIterator<Item = impl Serialize>,
    ) -> Vec<Result<Value, InvocationError>> {
        let answers = join_all(events.into_iter().map(|event| self.answer(json(event)))).await;
        let (scopes, answers): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        join_all(scopes.into_iter().map(invocation::end::<H>)).await;
        answers
    }

    async fn answer(&self, event: Value) -> (ActiveInvocation, Result<Value, InvocationError>) {
        self.turn.used();
        let json = event.to_string();
        let mut context = Context::default();
        context.request_id = format!("test-{}", self.requests.fetch_add(1, Relaxed) + 1);
        let invocation =
            invocation::begin::<H>(&Payload::Json(json.as_bytes()), &context, Some(self.deadline));
        let answer = invocation::respond_in_full::<H>(&invocation, json.as_bytes(), context).await;
        let answer = answer.map(|answer| match serde_json::from_str(answer.get()) {
            Ok(answer) => answer,
            Err(_) => unreachable!("an answer is JSON"),
        });
        (invocation, answer)
    }

    /// The time that each later invocation has until Lambda ends it; 30 seconds if not set.
    pub fn deadline(&mut self, timeout: Duration) {
        self.deadline = timeout;
    }

    /// The container is frozen so long: both clocks advance.
    pub fn idle(&mut self, time: Duration) {
        let time = nanos(time) as i64;
        CLOCK.move_manual(time, time);
    }

    /// Only the wall clock advances, as where the monotonic one stands still in a freeze.
    pub fn idle_wall(&mut self, time: Duration) {
        CLOCK.move_manual(0, nanos(time) as i64);
    }

    /// Only the monotonic clock advances, as where the wall clock is set back meanwhile.
    pub fn idle_monotonic(&mut self, time: Duration) {
        CLOCK.move_manual(nanos(time) as i64, 0);
    }

    /// SnapStart takes a snapshot and restores it on a machine that has just started.
    ///
    /// # Errors
    /// Those of all resources that could not be made usable, as one.
    pub async fn restore(&mut self) -> Result<(), crate::Error> {
        CLOCK.sync();
        CLOCK.young_manual();
        let restored = lifecycle::restore().await;
        restored.map_err(|failures| crate::Error::msg(listed(&failures)))
    }

    /// SIGTERM: every `close` runs, and the container is reported for the last time.
    pub async fn shutdown(self) {
        invocation::shutdown::<H>().await;
    }

    /// The container's record.
    pub fn snapshot(&self) -> ContainerSnapshot {
        container().snapshot()
    }
}

impl<H> Drop for Container<H> {
    fn drop(&mut self) {
        container().reset();
        CLOCK.set_system();
    }
}

/// An event as JSON.
fn json(event: impl Serialize) -> Value {
    match serde_json::to_value(event) {
        Ok(event) => event,
        Err(error) => panic!("the event cannot be written as JSON: {error}"),
    }
}
