//! Simulated containers for tests: INIT, invocations, idle time, restores and shutdown, without
//! Lambda and without waiting.
//!
//! The `container` function of a handler starts a [`Container`]. [`assert_reuse_safe`] compares the
//! responses of a function in cold and in reused containers. [`store_conformance`] checks a
//! [`Store`](crate::store::Store) of your own.
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
#![cfg_attr(not(test), expect(clippy::panic, reason = "an assertion fails by a panic"))]

mod lock;
mod reuse;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "it finds nothing there"))]
pub(crate) mod statics;
mod store_conformance;
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
use crate::invocation::handler::{Handler, needs};
use crate::invocation::{self, ActiveInvocation, Payload};
use crate::lambda::types::Context;
use lock::Lock;

pub use reuse::{assert_reuse_safe, assert_reuse_safe_except};
pub use store_conformance::store_conformance;

/// A simulated container of a handler. The handler's `container` function starts one and runs INIT.
///
/// All resources, caches and counters of rewarm start fresh. State that the function keeps
/// elsewhere, in statics of its own or in `/tmp`, stays from one container to the next:
/// [`assert_reuse_safe`] detects it.
///
/// The clocks of the container stand still, during invocations, too. Only [`idle`](Self::idle),
/// [`idle_wall`](Self::idle_wall) and [`idle_monotonic`](Self::idle_monotonic) move them. Timers of
/// tokio, such as a `timeout`, run in real time.
///
/// # One container per process
///
/// A process has one container at a time. Starting another waits until this one is dropped, or
/// panics if the same test or task holds it.
///
/// A container resets all resources and caches of the process when it starts and when it is
/// dropped, and sets the clock. A test that uses resources or cached functions without a container
/// is disturbed by that, if it runs at the same time as a test with one. Such a test should hold a
/// container, too.
///
/// # Examples
///
/// ```standalone_crate
/// use std::time::Duration;
/// use rewarm::{cached, handler, init};
/// use serde_json::json;
///
/// #[init(restore = rebuild)]
/// async fn greeting() -> String {
///     "Hello".to_owned()
/// }
///
/// #[cached(ttl = "1m")]
/// async fn day() -> u64 {
///     1
/// }
///
/// #[handler]
/// async fn hello(name: String, greeting: &String, day: u64) -> String {
///     format!("{greeting}, {name}, on day {day}")
/// }
///
/// # /*
/// #[tokio::test]
/// # */
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { greets().await }
/// async fn greets() {
///     let mut container = hello::container().await;
///
///     // An invocation, and its error if the event does not fit.
///     assert_eq!(container.invoke("Ada").await.unwrap(), json!("Hello, Ada, on day 1"));
///     let error = container.invoke(7).await.unwrap_err();
///     assert_eq!(error.error_type, "InvalidEvent");
///
///     // Two concurrent invocations, with 10 seconds each.
///     container.deadline(Duration::from_secs(10));
///     let responses = container.invoke_all(["Ada", "Alan"]).await;
///     assert!(responses.iter().all(Result::is_ok));
///
///     // After two idle minutes the cached value has expired.
///     container.idle(Duration::from_secs(120));
///     container.invoke("Ada").await.unwrap();
///     assert_eq!(day::stats().loads, 2);
///
///     // A SnapStart restore rebuilds the resource.
///     container.restore().await.unwrap();
///     let snapshot = container.snapshot();
///     assert_eq!((snapshot.invocations, snapshot.errors), (5, 1));
///     assert_eq!(snapshot.resources[0].generation, 2);
///
///     // SIGTERM.
///     container.shutdown().await;
/// }
/// ```
pub struct Container<H> {
    deadline: Duration,
    requests: AtomicU64,
    handler: PhantomData<fn() -> H>,
    lock: Lock,
}

impl<H> Debug for Container<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Starts a cold container and runs INIT in it. `name::container()` calls this for a handler
/// `name`. Waits while another test holds a container.
///
/// # Panics
/// If INIT fails, with the errors of all resources that could not be built. If the test or task
/// holds a container, since it would wait for itself.
pub async fn container_of<H: Handler>() -> Container<H> {
    let lock = Lock::acquire().await;
    record_locations();
    // A machine that has been up for an hour, on a day in 2026.
    CLOCK.set_manual(Duration::from_secs(3600), Duration::from_secs(1_790_000_000));
    container().reset();
    container().begin(Start::OnDemand);
    let container = Container {
        deadline: Duration::from_secs(30),
        requests: AtomicU64::new(0),
        handler: PhantomData,
        lock,
    };
    if let Err(failures) = lifecycle::init(needs::<H>(), None).await {
        panic!("INIT failed: {}", listed(&failures));
    }
    container
}

impl<H: Handler> Container<H> {
    /// Invokes the function with an event, and returns its response. A streamed response is
    /// collected into one JSON value with `statusCode`, `headers` and `body`.
    ///
    /// Returns after the deferred work and the refreshes of stale values. See the
    /// [example](Self#examples).
    ///
    /// # Errors
    /// The error of the invocation, with type and message as Lambda would show them.
    ///
    /// # Panics
    /// If the event cannot be serialized as JSON.
    pub async fn invoke(&mut self, event: impl Serialize) -> Result<Value, InvocationError> {
        let (invocation, response) = self.respond(json(event)).await;
        invocation::end::<H>(invocation).await;
        response
    }

    /// Invokes the function with all events concurrently, as a Lambda Managed Instance does.
    /// Returns the responses, or the errors of failed invocations, in the order of the events.
    ///
    /// Deferred work runs after the last response. See the [example](Self#examples).
    ///
    /// # Panics
    /// If an event cannot be serialized as JSON.
    pub async fn invoke_all(
        &mut self,
        events: impl IntoIterator<Item = impl Serialize>,
    ) -> Vec<Result<Value, InvocationError>> {
        let results = join_all(events.into_iter().map(|event| self.respond(json(event)))).await;
        let (invocations, responses): (Vec<_>, Vec<_>) = results.into_iter().unzip();
        join_all(invocations.into_iter().map(invocation::end::<H>)).await;
        responses
    }

    async fn respond(&self, event: Value) -> (ActiveInvocation, Result<Value, InvocationError>) {
        self.lock.set_holder();
        let json = event.to_string();
        let mut context = Context::default();
        context.request_id = format!("test-{}", self.requests.fetch_add(1, Relaxed) + 1);
        let invocation =
            invocation::begin::<H>(&Payload::Json(json.as_bytes()), &context, Some(self.deadline));
        let response =
            invocation::respond_in_full::<H>(&invocation, json.as_bytes(), context).await;
        let response = response.map(|json| match serde_json::from_str(json.get()) {
            Ok(response) => response,
            Err(_) => unreachable!("a response is JSON"),
        });
        (invocation, response)
    }

    /// Sets the time from the start of each later invocation to its deadline, at which Lambda would
    /// end it. The default is 30 seconds.
    ///
    /// The deadline is in tokio's time: with `#[tokio::test(start_paused = true)]` a test of a
    /// handler that hangs does not wait. See the [example](Self#examples).
    pub fn deadline(&mut self, timeout: Duration) {
        self.deadline = timeout;
    }

    /// Freezes the container for `time`: the wall clock and the monotonic clock advance. Returns at
    /// once. See the [example](Self#examples).
    pub fn idle(&mut self, time: Duration) {
        let time = nanos(time) as i64;
        CLOCK.move_manual(time, time);
    }

    /// Like [`idle`](Self::idle), on a machine whose monotonic clock stops while the container is
    /// frozen: only the wall clock advances.
    pub fn idle_wall(&mut self, time: Duration) {
        CLOCK.move_manual(0, nanos(time) as i64);
    }

    /// Like [`idle`](Self::idle), on a machine whose wall clock is set back meanwhile: only the
    /// monotonic clock advances.
    pub fn idle_monotonic(&mut self, time: Duration) {
        CLOCK.move_manual(nanos(time) as i64, 0);
    }

    /// Takes a SnapStart snapshot of the container and restores it on a machine that has just
    /// started. Resources are kept, checked or rebuilt by their option `restore`. See the
    /// [example](Self#examples).
    ///
    /// # Errors
    /// The errors of all required resources that could not be made ready, as one error.
    pub async fn restore(&mut self) -> Result<(), crate::error::Error> {
        CLOCK.sync();
        CLOCK.restart_manual();
        let restored = lifecycle::restore().await;
        restored.map_err(|failures| crate::error::Error::msg(listed(&failures)))
    }

    /// Shuts the container down, as SIGTERM does: runs every `close` hook and emits the last
    /// report. See the [example](Self#examples).
    pub async fn shutdown(self) {
        invocation::shutdown::<H>().await;
    }

    /// Returns the record of the container: its counters, resources and caches. See the
    /// [example](Self#examples).
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

/// Serializes an event.
fn json(event: impl Serialize) -> Value {
    match serde_json::to_value(event) {
        Ok(event) => event,
        Err(error) => panic!("the event cannot be serialized as JSON: {error}"),
    }
}
