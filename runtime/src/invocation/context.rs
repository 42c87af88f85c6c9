//! What belongs to one invocation: its number, its deadline, and the work that it leaves for the
//! moment after its response has been sent and before the next event is asked for, the one moment
//! that Lambda gives without adding to anybody's latency.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;

use crate::base::erased::{BoxFuture, spawn};
use crate::error::{BoxError, ResourceError, chain};

tokio::task_local! {
    static CURRENT: Arc<InvocationContext>;
}

/// An invocation that has begun.
pub(crate) struct Begun {
    /// 1 for the container's first.
    pub(crate) number: u64,
    /// Whether its caller waited for INIT.
    pub(crate) cold: bool,
    /// Whether it is a warm-up ping, which the handler does not see.
    pub(crate) ping: bool,
    /// See [`Invocation::idle_gap`](crate::metrics::Invocation::idle_gap).
    pub(crate) idle_gap: Option<Duration>,
}

/// One invocation. Lives as long as its event is worked on, deferred work included.
pub struct InvocationContext {
    /// 1 for the container's first.
    pub(crate) number: u64,
    /// Whether its caller waited for INIT.
    pub(crate) cold: bool,
    /// Whether it is a warm-up ping, which the handler does not see.
    pub(crate) ping: bool,
    /// From the end of the last one to its start.
    pub(crate) idle_gap: Option<Duration>,
    pub(crate) started: Instant,
    /// When Lambda ends it; `None` if nobody does.
    pub(crate) deadline: Option<Instant>,
    pub(crate) span: Span,
    /// What Lambda calls it, if a metrics sink wants to know.
    pub(crate) request_id: Option<String>,
    /// What it came to.
    pub(crate) record_outcome: OnceLock<InvocationOutcome>,
    /// `None` once the invocation has ended.
    deferred: Mutex<Option<VecDeque<DeferredWork>>>,
}

/// Work that is deferred.
type DeferredWork = BoxFuture<'static, Result<(), BoxError>>;

/// What an invocation came to.
pub(crate) struct InvocationOutcome {
    pub(crate) duration: Duration,
    /// The error type.
    pub(crate) error: Option<String>,
    pub(crate) deadline_exceeded: bool,
}

impl InvocationContext {
    pub(crate) fn new(
        begun: Begun,
        remaining: Option<Duration>,
        span: Span,
        request_id: Option<String>,
    ) -> Self {
        let Begun { number, cold, ping, idle_gap } = begun;
        let started = Instant::now();
        Self {
            number,
            cold,
            ping,
            idle_gap,
            started,
            deadline: remaining.and_then(|remaining| started.checked_add(remaining)),
            span,
            request_id,
            record_outcome: OnceLock::new(),
            deferred: Mutex::new(Some(VecDeque::new())),
        }
    }

    /// Runs `work` as a part of this invocation, in its span. It stays where it is: moving a large
    /// future from one wrapper to the next costs more than what it does.
    pub(crate) async fn enter<T>(
        self: &Arc<Self>,
        mut work: Pin<&mut (dyn Future<Output = T> + Send)>,
    ) -> T {
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
    }

    /// The same for what waits for nothing.
    pub(crate) fn within<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(|| CURRENT.sync_scope(Arc::clone(self), work))
    }

    /// Whether anything waits for the response to be sent.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred().as_ref().is_some_and(|deferred| !deferred.is_empty())
    }

    /// Takes what was deferred first.
    pub(crate) fn next_deferred(&self) -> Option<DeferredWork> {
        self.deferred().as_mut()?.pop_front()
    }

    /// Drops what was deferred; how much there was.
    pub(crate) fn drop_deferred(&self) -> usize {
        let deferred = self.deferred().as_mut().map(std::mem::take).unwrap_or_default();
        deferred.len()
    }

    /// The invocation has ended: what it deferred and did not run is dropped. Whether it had not
    /// ended before.
    pub(crate) fn end(&self) -> bool {
        let deferred = self.deferred().take();
        deferred.is_some() // dropped when nothing is locked any more
    }

    /// Keeps work for later; gives it back if there is no later.
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

/// Runs `work` as a part of the invocation that the caller is a part of, if there is one, on
/// whatever task.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let invocation = current();
    async move {
        match invocation {
            // In whatever span the caller is.
            Some(invocation) => CURRENT.scope(invocation, work).await,
            None => work.await,
        }
    }
}

/// The invocation that the caller is a part of.
pub(crate) fn current() -> Option<Arc<InvocationContext>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The time that is left until Lambda ends this invocation; `None` outside of one, and where there
/// is no deadline.
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

/// Runs `work` after the response of this invocation has been sent and before the next event is
/// asked for.
///
/// That is the one moment that costs no latency: once the response is out, the container may be
/// frozen as soon as it asks for the next event, and whatever still runs then stops half done.
/// Work runs in the order in which it was deferred, one piece after the other, bounded by the invocation's
/// deadline: what hangs, and what waits for it, is dropped there. It ends with `()` or a `Result`; an error,
/// a panic or a drop is logged and counted
/// ([`Container::deferred_errors`](crate::Container::deferred_errors)) and harms nothing else.
///
/// Outside an invocation (in a unit test that calls the handler as a function, in a task that it
/// spawned) it is spawned as a task; without a tokio runtime it is dropped, with a warning.
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
                tracing::error!(error = chain(&*error), "deferred work failed");
            }
        })),
        Err(_) => {
            tracing::warn!("deferred work was dropped: there is no tokio runtime to run it");
        }
    }
}

/// What deferred work can end with.
#[diagnostic::on_unimplemented(
    message = "deferred work cannot return `{Self}`",
    label = "neither `()` nor a `Result<(), E>` whose error can be logged",
    note = "deferred work runs after the response, when no caller can receive a value\n\
            help: return `()`, or a `Result<(), E>` whose error is a `std::error::Error` or a \
            `rewarm::Error`"
)]
pub trait Deferred {
    /// The error, if it failed.
    #[doc(hidden)]
    fn into_result(self) -> Result<(), BoxError>;
}

impl Deferred for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Of a block that ends by a panic, as `async { panic!() }`.
impl Deferred for Never {
    fn into_result(self) -> Result<(), BoxError> {
        self
    }
}

/// The type `!`, which has no name yet but as what a function returns.
type Never = <fn() -> ! as Returns>::Output;

/// See [`Never`].
pub trait Returns {
    /// What the function returns.
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

/// Whether there is a later, for work that is deferred.
pub(crate) fn can_defer() -> bool {
    current().is_some() || tokio::runtime::Handle::try_current().is_ok()
}

/// Leaves a function whose own error cannot say that a resource is unavailable. Inside an
/// invocation that ends it as `ResourceUnavailable`; elsewhere it is a panic with the whole story.
#[expect(clippy::panic, reason = "the only way out of such a function")]
pub(crate) fn unavailable(error: ResourceError) -> ! {
    if current().is_some() {
        std::panic::resume_unwind(Box::new(error));
    }
    panic!("{}", chain(&error));
}
