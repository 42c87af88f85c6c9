//! The state of one invocation: its number, deadline, span and outcome, and the work that it
//! defers until its response has been sent.
//!
//! The context is a task-local of the invocation's task. Fetches and streams that run in tasks of
//! their own carry it along ([`carried`]).
//!
//! - **Cancellation and panics**: [`InvocationContext::end`] drops what was deferred and did not
//!   run. Each piece is dropped on its own, so that a panicking destructor does not stop the rest.
//! - **Concurrency**: an outcome is recorded once; later ones are ignored.
//! - **Locks** are not held while user code runs or is dropped.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;

use crate::base::erased::{BoxFuture, spawn};
use crate::base::panic::{drop_caught, log_caught};
use crate::base::single_flight::is_leading;
use crate::base::span::GuardedSpan;
use crate::error::{BoxError, ResourceError, chain};

tokio::task_local! {
    static CURRENT: Arc<InvocationContext>;
}

/// The facts about an invocation that the container establishes when it begins.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// 1 for the first invocation of the container.
    pub(crate) number: u64,
    /// True if the caller of this invocation waited for INIT.
    pub(crate) cold: bool,
    /// True for a warm-up ping, which does not reach the handler.
    pub(crate) ping: bool,
    /// See [`Invocation::idle_gap`](crate::metrics::Invocation::idle_gap).
    pub(crate) idle_gap: Option<Duration>,
}

/// One invocation, from its event to the end of its deferred work.
pub struct InvocationContext {
    pub(crate) begun: Begun,
    pub(crate) started: Instant,
    /// The moment at which Lambda ends the invocation; `None` without a limit.
    pub(crate) deadline: Option<Instant>,
    pub(crate) span: GuardedSpan,
    /// The request id, if a metrics sink wants it.
    pub(crate) request_id: Option<String>,
    /// The tenant, in tenant isolation mode.
    pub(crate) tenant_id: Option<String>,
    outcome: OnceLock<Outcome>,
    /// `None` once the invocation has ended.
    deferred: Mutex<Option<VecDeque<DeferredWork>>>,
}

/// Deferred work.
type DeferredWork = BoxFuture<'static, Result<(), BoxError>>;

/// The outcome of an invocation, as metrics need it.
pub(crate) struct Outcome {
    pub(crate) duration: Duration,
    /// The error type of a failed invocation.
    pub(crate) error: Option<String>,
    pub(crate) deadline_exceeded: bool,
}

impl InvocationContext {
    pub(crate) fn new(
        begun: Begun,
        remaining: Option<Duration>,
        span: Span,
        request_id: Option<String>,
        tenant_id: Option<String>,
    ) -> Self {
        let started = Instant::now();
        Self {
            begun,
            started,
            deadline: remaining.and_then(|remaining| started.checked_add(remaining)),
            span: GuardedSpan::new(span),
            request_id,
            tenant_id,
            outcome: OnceLock::new(),
            deferred: Mutex::new(Some(VecDeque::new())),
        }
    }

    /// Polls `work` inside this invocation and its span. The caller pins the future, because moving
    /// a large future from wrapper to wrapper is expensive.
    pub(crate) async fn enter<T>(
        self: &Arc<Self>,
        mut work: Pin<&mut (dyn Future<Output = T> + Send)>,
    ) -> T {
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
    }

    /// Calls `work` inside this invocation and its span.
    pub(crate) fn within<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        self.span.within(|| CURRENT.sync_scope(Arc::clone(self), work))
    }

    /// Writes to the log inside this invocation and its span.
    pub(crate) fn log(self: &Arc<Self>, log: impl FnOnce()) {
        self.within(|| log_caught(log));
    }

    /// Sets the outcome. Returns false if there is one already, which then stays.
    pub(crate) fn set_outcome(&self, outcome: Outcome) -> bool {
        self.outcome.set(outcome).is_ok()
    }

    /// Returns the outcome, once the handler or its streamed body is done.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// True while deferred work waits.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred().as_ref().is_some_and(|deferred| !deferred.is_empty())
    }

    /// Takes the work that was deferred first.
    pub(crate) fn next_deferred(&self) -> Option<DeferredWork> {
        self.deferred().as_mut()?.pop_front()
    }

    /// Drops the deferred work and returns the number of its pieces.
    pub(crate) fn drop_deferred(&self) -> usize {
        let deferred = self.deferred().as_mut().map(std::mem::take).unwrap_or_default();
        drop_each(deferred)
    }

    /// Ends the invocation: drops the deferred work that did not run, and accepts no more. Returns
    /// false if it has ended before.
    pub(crate) fn end(&self) -> bool {
        let deferred = self.deferred().take();
        deferred.map(drop_each).is_some()
    }

    /// Adds deferred work, or returns it if the invocation has ended.
    fn defer(&self, work: DeferredWork) -> Option<DeferredWork> {
        match &mut *self.deferred() {
            Some(deferred) => deferred.push_back(work),
            None => return Some(work),
        }
        None
    }

    fn deferred(&self) -> MutexGuard<'_, Option<VecDeque<DeferredWork>>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_each(deferred: VecDeque<DeferredWork>) -> usize {
    let count = deferred.len();
    deferred.into_iter().for_each(|work| drop_caught(work, "deferred work"));
    count
}

/// Carries the span and the invocation of the caller, if there is one, into `work`, on whichever task
/// it runs.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let invocation = current();
    GuardedSpan::current().carry(async {
        match invocation {
            Some(invocation) => CURRENT.scope(invocation, work).await,
            None => work.await,
        }
    })
}

/// Returns the current invocation.
pub(crate) fn current() -> Option<Arc<InvocationContext>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Returns the time until the deadline of the current invocation, at which Lambda ends it.
///
/// Returns `Duration::ZERO` after the deadline. Returns `None` outside an invocation, such as in
/// INIT, in a task that the handler spawned and in a unit test, and in an invocation without a
/// deadline, such as in the local runner.
///
/// The handler itself is cancelled a margin before the deadline: by default 250 ms, by the option
/// `deadline_margin` of [`#[handler]`](macro@crate::handler).
///
/// ```
/// # use std::time::Duration;
/// async fn as_many_as_fit(items: &[u64]) -> u64 {
///     let mut sum = 0;
///     for item in items {
///         if rewarm::remaining().is_some_and(|left| left < Duration::from_secs(2)) {
///             break;
///         }
///         sum += item;
///     }
///     sum
/// }
/// ```
pub fn remaining() -> Option<Duration> {
    let deadline = current()?.deadline?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// Runs `work` after the response of the current invocation has been sent, and before the next
/// event is polled.
///
/// Deferred work adds no latency to the response. Unlike the work of a spawned task, it is not
/// interrupted: Lambda may freeze the container as soon as the next event is polled.
///
/// - **Order**: work runs sequentially, in the order in which it was deferred. Work may defer more.
/// - **Deadline**: work that has not ended 50 ms before the invocation's deadline is dropped.
/// - **Errors**: an error, a panic and a drop at the deadline are logged and counted by
///   [`Container::deferred_errors`](crate::Container::deferred_errors). They affect neither the
///   response nor other deferred work.
/// - **Outside an invocation**, such as in a unit test that calls the handler as a function or in a
///   task that the handler spawned, work is spawned as a tokio task. Without a tokio runtime, it is
///   dropped and a warning is logged.
///
/// The output of `work` is `()`, or a `Result` whose error converts into
/// `Box<dyn Error + Send + Sync>`.
///
/// ```
/// async fn checkout(order: u64) -> u64 {
///     rewarm::defer(audit(order));
///     order
/// }
///
/// async fn audit(order: u64) -> std::io::Result<()> {
///     # let _ = order;
///     Ok(())
/// }
/// ```
pub fn defer(work: impl Future<Output: Deferred> + Send + 'static) {
    let work: DeferredWork = Box::pin(async { work.await.into_result() });
    let work = match current() {
        Some(invocation) => invocation.defer(work),
        None => Some(work),
    };
    let Some(work) = work else { return };
    match tokio::runtime::Handle::try_current() {
        Ok(_) => drop(spawn(async {
            if let Err(error) = work.await {
                let error = chain(&*error);
                log_caught(|| tracing::error!(error, "deferred work failed"));
            }
        })),
        Err(_) => {
            log_caught(|| {
                tracing::warn!("deferred work was dropped: there is no tokio runtime to run it");
            });
        }
    }
}

/// An output of [deferred](defer) work: `()`, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "deferred work cannot return `{Self}`",
    label = "neither `()` nor a `Result<(), E>` whose error can be logged",
    note = "deferred work runs after the response, when no caller can receive a value\n\
            help: return `()`, or a `Result<(), E>` whose error is a `std::error::Error` or a \
            `rewarm::Error`"
)]
pub trait Deferred {
    /// Returns the error of work that failed.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), BoxError>;
}

impl Deferred for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// For a block that diverges, such as `async { panic!() }`.
impl Deferred for Never {
    fn into_result(self) -> Result<(), BoxError> {
        self
    }
}

/// The type `!`. On stable Rust, it can be named only as the return type of a function.
type Never = <fn() -> ! as Returns>::Output;

/// See [`Never`].
pub trait Returns {
    /// The return type of a function pointer.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<BoxError>> Deferred for Result<T, E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map(drop).map_err(Into::into)
    }
}

/// True if deferred work would run.
pub(crate) fn can_defer() -> bool {
    current().is_some() || tokio::runtime::Handle::try_current().is_ok()
}

/// Leaves a function whose error type has no room for a [`ResourceError`].
///
/// # Panics
/// Always. In an invocation, the payload is the error, and the invocation fails with the error type
/// `ResourceUnavailable`; in an initialiser or a fetch, it is the source of that one's error. The
/// panic hook is not called there. Elsewhere, the message is the error with its sources, and the
/// location that of the use.
#[track_caller]
#[expect(clippy::panic, reason = "a panic is the only way out of such a function")]
pub(crate) fn unavailable(error: ResourceError) -> ! {
    if current().is_some() || is_leading() {
        std::panic::resume_unwind(Box::new(error));
    }
    panic!("{}", chain(&error));
}
