//! One invocation, from the bytes of its event to the end of its deferred work.
//!
//! [`begin`], [`respond`] and [`end`] are called in this order, by the loop under Lambda, by the
//! local runner, by simulated containers and by [`Service`](crate::lambda::service::Service). Every
//! way to fail becomes the [`InvocationError`] that Lambda shows.

pub(crate) mod app;
pub(crate) mod context;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod handler;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod layer;
pub(crate) mod outcome;
pub(crate) mod response;
pub(crate) mod span;
pub(crate) mod streaming;
mod warmup;

use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tracing::Level;

use crate::base::panic::{Panic, catch, catch_async, log_caught};
use crate::container::{container, lifecycle};
use crate::error::chain;
use crate::lambda::types::{Context, OfContext};
use crate::metrics;
use context::InvocationContext;
use deadline::Guard;
use error::InvocationError;
use handler::Handler;
use outcome::record;
use response::Response;

/// The event of an invocation.
pub(crate) enum Payload<'a, T> {
    /// Its bytes.
    Json(&'a [u8]),
    /// A value that lambda_runtime has deserialized.
    Typed(T),
    /// The Runtime API did not deliver it in whole.
    Broken(InvocationError),
}

/// An invocation that has begun. Dropping it ends it: without an outcome, as when a time limit in a
/// user's own layer drops the invocation, it has failed.
pub(crate) struct ActiveInvocation {
    context: Arc<InvocationContext>,
    /// The error type of a response that was not delivered.
    not_sent: Option<String>,
}

impl Deref for ActiveInvocation {
    type Target = Arc<InvocationContext>;

    fn deref(&self) -> &Arc<InvocationContext> {
        &self.context
    }
}

impl ActiveInvocation {
    /// Records that the response was not delivered.
    pub(crate) fn not_sent(&mut self, error: &InvocationError, deadline_exceeded: bool) {
        record(&self.context, Some(error), deadline_exceeded);
        // If the handler had succeeded, that outcome is recorded already, and stays.
        if self.outcome().is_some_and(|outcome| outcome.error.is_none()) && !self.begun.ping {
            container().response_not_sent();
            self.not_sent = Some(error.error_type.clone());
        }
    }
}

impl Drop for ActiveInvocation {
    fn drop(&mut self) {
        if self.end() {
            if self.outcome().is_none() && !self.begun.ping {
                container().invocation_done(true, false);
            }
            container().invocation_ends();
        }
    }
}

/// Begins an invocation that Lambda ends after `remaining`.
pub(crate) fn begin<H: Handler>(
    payload: &Payload<'_, H::Event>,
    context: &Context,
    remaining: Option<Duration>,
) -> ActiveInvocation {
    let ping = matches!(payload, Payload::Json(json) if warmup::is_ping(json, &H::SPEC));
    let begun = container().invocation_begins(ping);
    let created =
        catch(|| (span::begin(&H::SPEC, context, begun.cold), metrics::wanted(Level::DEBUG)));
    let (span, has_metrics) = created.unwrap_or_else(|panic| {
        // A `tracing` subscriber panicked. An invocation that has begun ends all the same.
        container().invocation_done(!ping, false);
        container().invocation_ends();
        panic.resume()
    });
    let request_id = (has_metrics && !ping).then(|| context.request_id.clone());
    let tenant_id = context.tenant_id.clone();
    let context = InvocationContext::new(begun, remaining, span, request_id, tenant_id);
    let context = Arc::new(context);
    ActiveInvocation { context, not_sent: None }
}

/// Runs the handler for one event. The event is deserialized before this returns, so that its bytes
/// can be dropped. To be called and awaited inside the invocation.
pub(crate) fn respond<H: Handler>(
    invocation: Arc<InvocationContext>,
    payload: Payload<'_, H::Event>,
    context: &mut Context,
) -> Pin<Box<impl Future<Output = Result<H::Response, InvocationError>> + Send + use<H>>> {
    let ping = invocation.begun.ping;
    let event = (!ping).then(|| catch(|| read(payload)).unwrap_or_else(|panic| Err(panic.into())));
    let context = H::Context::take(context);
    // In a box, and pinned there: a future around a large one would move it.
    Box::pin(async move {
        let guard = Guard::new(invocation.deadline, H::SPEC.deadline_margin);
        let Some(event) = event else {
            guard.hold(pin!(Some(warmup::hold(&H::SPEC)))).await;
            return Ok(H::Response::to_ping());
        };
        let (result, deadline_exceeded) = match event {
            Ok(event) => {
                let call = pin!(Some(catch_async(H::call(event, context))));
                match guard.hold(call).await {
                    Some(Ok(result)) => {
                        (result.map(|response| response.within(&invocation, guard)), false)
                    }
                    Some(Err(panic)) => (Err(panic.into()), false),
                    None => (Err(guard.exceeded(invocation.has_deferred())), true),
                }
            }
            Err(error) => (Err(error), false),
        };
        // The outcome of a streamed response is known when its body has ended.
        if !result.as_ref().is_ok_and(Response::goes_on) {
            record(&invocation, result.as_ref().err(), deadline_exceeded);
        }
        result
    })
}

/// Runs the handler for one event and collects the whole response as JSON, where responses cannot
/// be streamed.
#[cfg(any(feature = "local", feature = "testing"))]
pub(crate) async fn respond_in_full<H: Handler>(
    invocation: &Arc<InvocationContext>,
    event: &[u8],
    mut context: Context,
) -> Result<response::Json, InvocationError> {
    let work = pin!(async {
        let response = respond::<H>(invocation.clone(), Payload::Json(event), &mut context);
        streaming::collect(response.await?).await
    });
    invocation.enter(work).await
}

/// Gives the event its type.
fn read<T: DeserializeOwned>(payload: Payload<'_, T>) -> Result<T, InvocationError> {
    match payload {
        Payload::Typed(event) => Ok(event),
        Payload::Json(json) => deserialize(json),
        Payload::Broken(error) => Err(error),
    }
}

/// Deserializes an event. The error names the place in the event.
fn deserialize<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvocationError> {
    let does_not_fit = |place: &str, error: serde_json::Error| {
        let text = format!("the event does not fit{place}: {error}");
        InvocationError::new("InvalidEvent", text)
    };
    serde_json::from_slice(json).or_else(|_| {
        // A second time, with the path: only an invalid event costs this.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let event = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let place = match error.path().to_string().as_str() {
                "." | "?" => String::new(),
                path => format!(" at `{path}`"),
            };
            does_not_fit(&place, error.into_inner())
        })?;
        // A valid event may be followed by something else.
        let end = deserializer.end();
        end.map_err(|error| does_not_fit("", error))?;
        Ok(event)
    })
}

/// Ends an invocation whose response has been sent: runs its deferred work until the deadline, and
/// emits its metrics.
pub(crate) async fn end<H: Handler>(mut active: ActiveInvocation) {
    let invocation = Arc::clone(&active);
    if invocation.has_deferred() || lifecycle::has_retired() {
        let runs = AtomicBool::new(false);
        let guard = Guard::new(invocation.deadline, DEADLINE_RESERVE);
        let done = {
            let work = pin!(Some(run_deferred(&invocation, &runs)));
            let work = pin!(guard.hold(work));
            invocation.enter(work).await.is_some()
        };
        let dropped = match done {
            true => 0,
            false => invocation.drop_deferred() + usize::from(runs.load(Relaxed)),
        };
        if dropped > 0 {
            invocation.log(|| {
                tracing::error!(dropped, "deferred work was dropped at the deadline");
            });
            container().deferred_failed(dropped);
        }
    }
    let not_sent = active.not_sent.take();
    drop(active);
    if !invocation.begun.ping {
        outcome::emit(invocation, H::SPEC.name, not_sent, H::SPEC.report_every);
    }
}

/// Runs deferred work sequentially, in the order in which it was deferred, and then closes replaced
/// values. `runs` is true while a piece of deferred work runs.
async fn run_deferred(invocation: &InvocationContext, runs: &AtomicBool) {
    // Deferred work may defer more.
    while let Some(work) = invocation.next_deferred() {
        runs.store(true, Relaxed);
        let result = catch_async(work).await;
        runs.store(false, Relaxed);
        if let Err(error) = result.map_err(Panic::into_error).and_then(|result| result) {
            let error = chain(&*error);
            log_caught(|| tracing::error!(error, "deferred work failed"));
            container().deferred_failed(1);
        }
    }
    lifecycle::close_retired().await;
}

/// The time before Lambda's deadline at which deferred work is dropped.
const DEADLINE_RESERVE: Duration = Duration::from_millis(50);

/// SHUTDOWN: closes everything and emits the last report of the container.
pub(crate) async fn shutdown<H: Handler>() {
    if lifecycle::shutdown().await && H::SPEC.report_every > 0 {
        outcome::report();
    }
}
