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

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::clock::{CLOCK, nanos};
use crate::container::{self, container};
use crate::error::{ResourceError, chain};
use crate::event::Context;
use crate::invocation::{self, Event, Handler, InvocationError, Ongoing};
use crate::panic::remember_places;
use crate::reply::in_full;
use crate::snapshot::{ContainerSnapshot, Start};

/// The statics of a process are one container's: others wait for their turn.
static TURN: Mutex<()> = Mutex::const_new(());

/// A simulated container. Its clocks stand still until they are told to move.
///
/// There is one at a time in a process: another waits until this one is dropped. A test that uses
/// resources or cached functions without an invocation holds a container, too, so that no other
/// test's container makes them fresh under it.
///
/// All resources, caches and counters start fresh. What a function keeps elsewhere, in statics of its own or in
/// `/tmp`, it keeps from one container to the next: that is what [`assert_reuse_safe`] finds.
pub struct Container<H> {
    deadline: Duration,
    requests: AtomicU64,
    handler: PhantomData<fn() -> H>,
    _turn: MutexGuard<'static, ()>,
}

impl<H> Debug for Container<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A cold container that has gone through INIT.
///
/// # Panics
/// If INIT fails, with the errors of all resources that could not be built.
pub async fn container_of<H: Handler>() -> Container<H> {
    let turn = TURN.lock().await;
    remember_places();
    // A machine that has run for an hour, on a day in 2026.
    CLOCK.set_manual(Duration::from_secs(3600), Duration::from_secs(1_790_000_000));
    container().reset();
    container().begin(Start::OnDemand);
    let container = Container {
        deadline: Duration::from_secs(30),
        requests: AtomicU64::new(0),
        handler: PhantomData,
        _turn: turn,
    };
    if let Err(failures) = container::init(None).await {
        panic!("INIT failed: {}", listed(&failures));
    }
    container
}

impl<H: Handler> Container<H> {
    /// Invokes the function. Returns when what it deferred, or is to be refreshed after the
    /// response, is done.
    ///
    /// # Errors
    /// Error type and message as Lambda would see them.
    pub async fn invoke(&mut self, event: impl Into<Value>) -> Result<Value, InvocationError> {
        let (scope, answer) = self.answer(event.into()).await;
        invocation::end::<H>(scope).await;
        answer
    }

    /// Invokes the function with all events at the same time, as a Lambda Managed Instance does.
    /// The answers are in the order of the events. What they defer runs when all are answered.
    pub async fn invoke_all(
        &mut self,
        events: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Vec<Result<Value, InvocationError>> {
        let answers = join_all(events.into_iter().map(|event| self.answer(event.into()))).await;
        let (scopes, answers): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        join_all(scopes.into_iter().map(invocation::end::<H>)).await;
        answers
    }

    async fn answer(&self, event: Value) -> (Ongoing, Result<Value, InvocationError>) {
        let json = event.to_string();
        let event = Event::Json(json.as_bytes());
        let mut context = Context::default();
        context.request_id = format!("test-{}", self.requests.fetch_add(1, Relaxed) + 1);
        let scope = invocation::begin::<H>(&event, &context, Some(self.deadline));
        let answer = async {
            let answer = invocation::answer::<H>(&scope, event, context).await?;
            in_full(answer).await
        };
        let answer = scope.clone().enter(answer).await;
        let answer = answer.map(|answer| match serde_json::from_str(answer.get()) {
            Ok(answer) => answer,
            Err(_) => unreachable!("an answer is JSON"),
        });
        (scope, answer)
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
        let restored = container::restore().await;
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

fn listed(failures: &[ResourceError]) -> String {
    let all: Vec<String> = failures.iter().map(|failure| chain(failure)).collect();
    all.join("; ")
}

/// Holds that reuse changes nothing: each event alone in a cold container, then all in one, then
/// all in one in reverse, then all at the same time, have the same answers.
///
/// Under `cargo test` each cold container has a process of its own, so that state is found wherever
/// it hides: in statics of a library, too. `container` makes one: the handler's own `container` function.
///
/// # Panics
/// At the first answer that differs, with the place in it.
pub async fn assert_reuse_safe<H, F, E>(container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Into<Value>>,
{
    assert_reuse_safe_except(&[], container, events).await;
}

/// As [`assert_reuse_safe`], but for the places in an answer that may differ, as times and ids do:
/// JSON pointers (RFC 6901), as `/order/id`.
///
/// ```standalone_crate
/// use rewarm::handler;
/// use rewarm::testing::assert_reuse_safe_except;
/// use serde_json::{Value, json};
///
/// #[handler]
/// async fn order(event: Value) -> Value {
///     json!({ "id": rewarm::container().invocations(), "order": event })
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_reuse_safe_except(&["/id"], order::container, [json!(1), json!(2)]).await;
/// # }
/// ```
///
/// # Panics
/// As [`assert_reuse_safe`].
pub async fn assert_reuse_safe_except<H, F, E>(ignore: &[&str], container: F, events: E)
where
    H: Handler,
    F: AsyncFn() -> Container<H>,
    E: IntoIterator<Item: Into<Value>>,
{
    let events: Vec<Value> = events.into_iter().map(Into::into).collect();
    let call = fresh::CALLS.replace(fresh::CALLS.get() + 1);
    if let Some((wanted, n)) = fresh::wanted() {
        if wanted == call {
            let answer = container().await.invoke(events[n].clone()).await;
            fresh::answer(&comparable(answer, ignore));
        }
        return;
    }
    let mut alone = Vec::new();
    for (n, event) in events.iter().enumerate() {
        alone.push(match fresh::ask(call, n) {
            Some(answer) => answer,
            None => comparable(container().await.invoke(event.clone()).await, ignore),
        });
    }
    let compare = |n: usize, how: &str, answer| {
        if let Some(place) = difference(&alone[n], &comparable(answer, ignore), "") {
            panic!("reuse changes an answer\n  event {n}: {}\n  {how}\n  {place}", events[n]);
        }
    };
    {
        let mut warm = container().await;
        for (n, event) in events.iter().enumerate() {
            compare(n, "after the events before it", warm.invoke(event.clone()).await);
        }
    }
    {
        let mut warm = container().await;
        for (n, event) in events.iter().enumerate().rev() {
            compare(n, "after the events behind it", warm.invoke(event.clone()).await);
        }
    }
    let answers = container().await.invoke_all(events.clone()).await;
    for (n, answer) in answers.into_iter().enumerate() {
        compare(n, "at the same time as the others", answer);
    }
}

/// A process of its own for each cold container: statics outside of rewarm's reach are fresh there,
/// too. The test's binary is run once more, for that test alone, and told which answer is wanted;
/// it stops when it has it. Where the test's name is not known (in a documentation test, or with one
/// test thread) the cold container is one of this process.
mod fresh {
    use std::cell::Cell;
    use std::process::Command;

    use serde_json::Value;

    thread_local! {
        /// How often this test asserted. Each test has its own thread.
        pub(super) static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    const WANTED: &str = "REWARM_TESTING_WANTED";
    const MARK: &str = "rewarm-testing-answer ";

    /// The assertion and the event that this process is to answer.
    pub(super) fn wanted() -> Option<(usize, usize)> {
        let wanted = std::env::var(WANTED).ok()?;
        let (call, n) = wanted.split_once(':')?;
        Some((call.parse().ok()?, n.parse().ok()?))
    }

    /// Gives the answer to the process that wants it.
    pub(super) fn answer(answer: &Value) -> ! {
        println!("\n{MARK}{answer}");
        std::process::exit(0)
    }

    /// Asks a process for an answer.
    pub(super) fn ask(call: usize, n: usize) -> Option<Value> {
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main")?;
        let output = Command::new(std::env::current_exe().ok()?)
            .args([test, "--exact", "--nocapture"])
            .env(WANTED, format!("{call}:{n}"))
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answer = text.lines().find_map(|line| line.strip_prefix(MARK))?;
        serde_json::from_str(answer).ok()
    }
}

/// An answer, or the error in its place, without what may differ.
fn comparable(answer: Result<Value, InvocationError>, ignore: &[&str]) -> Value {
    let mut answer = answer.unwrap_or_else(|error| Value::String(error.to_string()));
    for pointer in ignore {
        if let Some(place) = answer.pointer_mut(pointer) {
            *place = Value::Null;
        }
    }
    answer
}

/// The first place at which two answers differ, and both values there.
fn difference(cold: &Value, warm: &Value, place: &str) -> Option<String> {
    match (cold, warm) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| difference(value, &b[key], &format!("{place}/{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(n, (a, b))| difference(a, b, &format!("{place}/{n}")))
        }
        _ if cold == warm => None,
        _ => {
            let place = if place.is_empty() { "the answer" } else { place };
            Some(format!("{place}: {cold} in a cold container, {warm} here"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named() {
        let cold = json!({ "order": { "items": [1, 2, 3] }, "id": 7 });
        assert_eq!(difference(&cold, &cold.clone(), ""), None);
        let warm = json!({ "order": { "items": [1, 5, 6] }, "id": 7 });
        let first = difference(&cold, &warm, "").unwrap();
        assert_eq!(first, "/order/items/1: 2 in a cold container, 5 here");
        let other = difference(&json!(1), &json!({ "a": 1 }), "").unwrap();
        assert_eq!(other, "the answer: 1 in a cold container, {\"a\":1} here");
    }

    #[test]
    fn what_is_ignored_does_not_differ() {
        let cold = comparable(Ok(json!({ "id": 1, "at": [1, 2] })), &["/id", "/at/1", "/none"]);
        assert_eq!(cold, json!({ "id": null, "at": [1, null] }));
    }
}
