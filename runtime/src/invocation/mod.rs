//! One invocation, from the bytes of its event to the bytes of its answer: resources, deadline, and
//! every way to fail turned into the error that Lambda shows.

pub(crate) mod context;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod handler;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod record;
pub(crate) mod response;
pub(crate) mod span;
pub(crate) mod streaming;

use std::borrow::Cow;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tracing::Level;

use crate::base::clock::CLOCK;
use crate::base::counters::Stats;
use crate::base::panic::{Panic, catch, catch_async};
use crate::container::{self, container};
use crate::error::chain;
use crate::invocation::context::InvocationContext;
use crate::invocation::deadline::Guard;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::record::record_outcome;
#[cfg(any(feature = "local", feature = "testing"))]
use crate::invocation::response::Json;
use crate::invocation::response::Response;
use crate::lambda::types::{Context, OfContext};
use crate::metrics;

/// How an invocation ends.
type Outcome<R> = Result<R, InvocationError>;

/// An invocation's event, still or already read.
pub(crate) enum Event<'a, T> {
    Json(&'a [u8]),
    Typed(T),
}

/// An invocation that has begun, and ends with this: dropped on the way, as by a time limit of a
/// user's own layer, it has failed, and what it deferred is dropped with it.
pub(crate) struct Ongoing(Arc<InvocationContext>);

impl Deref for Ongoing {
    type Target = Arc<InvocationContext>;

    fn deref(&self) -> &Arc<InvocationContext> {
        &self.0
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if self.end() {
            if self.record_outcome.get().is_none() && !self.ping {
                container().invocation_answered(true, false);
            }
            container().invocation_ends();
        }
    }
}

/// Begins an invocation that has so much time left.
pub(crate) fn begin<H: Handler>(
    event: &Event<'_, H::Event>,
    context: &Context,
    remaining: Option<Duration>,
) -> Ongoing {
    let ping = H::SPEC.warmup && matches!(event, Event::Json(json) if is_ping(json));
    let begun = container().invocation_begins(ping);
    let span = span::begin(&H::SPEC, context, begun.cold);
    let told = !ping && metrics::wanted(Level::DEBUG);
    let request_id = told.then(|| context.request_id.clone());
    Ongoing(Arc::new(InvocationContext::new(begun, remaining, span, request_id)))
}

/// Whether an event is a warm-up ping: serverless-plugin-warmup's, or `{"warmup": true}`.
fn is_ping(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Ping<'a> {
        #[serde(borrow)]
        source: Option<Cow<'a, str>>,
        warmup: Option<bool>,
    }
    serde_json::from_slice(json).is_ok_and(|ping: Ping<'_>| {
        ping.warmup == Some(true) || ping.source.as_deref() == Some("serverless-plugin-warmup")
    })
}

/// Runs the handler for one event, which is read at once. Called from within `scope`.
pub(crate) fn answer<H: Handler>(
    invocation: Arc<InvocationContext>,
    event: Event<'_, H::Event>,
    context: &mut Context,
) -> Pin<Box<impl Future<Output = Outcome<H::Response>> + Send + use<H>>> {
    let payload =
        (!invocation.ping).then(|| catch(|| read(event)).unwrap_or_else(|panic| Err(panic.into())));
    let context = H::Context::take(context);
    // In a box, and pinned there: every future around a large one would move it.
    Box::pin(async move {
        let Some(payload) = payload else {
            return Ok(H::Response::to_ping());
        };
        let (outcome, deadline_exceeded) = match payload {
            Ok(payload) => {
                let call = pin!(H::call(payload, context));
                guarded(&invocation, H::SPEC.deadline_margin, call).await
            }
            Err(error) => (Err(error), false),
        };
        // What is streamed is answered when its body is.
        if !outcome.as_ref().is_ok_and(Response::goes_on) {
            record_outcome(&invocation, outcome.as_ref().err(), deadline_exceeded);
        }
        outcome
    })
}

/// The same for those to whom nothing can be streamed: the whole answer, as JSON.
#[cfg(any(feature = "local", feature = "testing"))]
pub(crate) async fn answer_in_full<H: Handler>(
    invocation: &Arc<InvocationContext>,
    event: &[u8],
    mut context: Context,
) -> Outcome<Json> {
    let work = pin!(async {
        let answer = answer::<H>(invocation.clone(), Event::Json(event), &mut context);
        crate::invocation::streaming::in_full(answer.await?).await
    });
    invocation.enter(work).await
}

/// The answer, and whether it is missing because the deadline came near.
async fn guarded<R: Response>(
    invocation: &Arc<InvocationContext>,
    margin: Duration,
    call: impl Future<Output = Outcome<R>>,
) -> (Outcome<R>, bool) {
    let guard = Guard::new(invocation.deadline, margin);
    let Some(outcome) = guard.hold(catch_async(call)).await else {
        return (Err(guard.exceeded()), true);
    };
    let outcome = outcome.unwrap_or_else(|panic| Err(panic.into()));
    (outcome.map(|response| response.within(invocation, guard)), false)
}

/// The handler's first parameter.
fn read<T: DeserializeOwned>(event: Event<'_, T>) -> Result<T, InvocationError> {
    match event {
        Event::Typed(payload) => Ok(payload),
        Event::Json(json) => decode(json),
    }
}

/// Reads an event, and says where it is wrong if it is.
fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvocationError> {
    let does_not_fit = |place: &str, error: serde_json::Error| {
        let text = format!("the event does not fit{place}: {error}");
        InvocationError::new("InvalidEvent", text)
    };
    serde_json::from_slice(json).or_else(|_| {
        // Once more, with the path: only a wrong event pays for it.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let event = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let place = match error.path().to_string().as_str() {
                "." | "?" => String::new(),
                path => format!(" at `{path}`"),
            };
            does_not_fit(&place, error.into_inner())
        })?;
        // What is wrong may come after an event that is right.
        let end = deserializer.end();
        end.map_err(|error| does_not_fit("", error))?;
        Ok(event)
    })
}

/// Ends an invocation whose response has been sent: runs what it deferred, bounded by its deadline.
pub(crate) async fn end<H: Handler>(ongoing: Ongoing) {
    let invocation = Arc::clone(&ongoing);
    if invocation.has_deferred() || container::has_retired() {
        let runs = AtomicBool::new(false);
        let work = pin!(run_deferred(&invocation, &runs));
        let work = invocation.enter(work);
        match invocation.deadline {
            None => work.await,
            Some(deadline) => {
                let end = deadline.checked_sub(DEADLINE_RESERVE).unwrap_or_else(Instant::now);
                if timeout_at(end, work).await.is_err() {
                    let dropped = invocation.drop_deferred() + usize::from(runs.load(Relaxed));
                    invocation.within(|| {
                        tracing::error!(dropped, "deferred work was dropped at the deadline");
                    });
                    container().deferred_failed(dropped);
                }
            }
        }
    }
    drop(ongoing);
    if !invocation.ping {
        tell::<H>(invocation);
    }
}

/// Tells the metrics sinks of an invocation that is over.
fn tell<H: Handler>(invocation: Arc<InvocationContext>) {
    let number = invocation.number;
    if let (Some(request_id), Some(record_outcome)) =
        (&invocation.request_id, invocation.record_outcome.get())
    {
        let caches = container().used_caches();
        let sum = |count: fn(&Stats) -> u64| caches.iter().map(|cache| count(&cache.stats)).sum();
        let told = container().told_with_invocation();
        let event = metrics::Event::Invocation(metrics::Invocation {
            handler: H::SPEC.name,
            request_id: request_id.clone(),
            container_id: told.container_id,
            start: told.start,
            number: invocation.number,
            cold_start: invocation.cold,
            ended: CLOCK.wall(),
            duration: record_outcome.duration,
            init_duration: told.init,
            idle_gap: invocation.idle_gap,
            container_age: told.age,
            error: record_outcome.error.clone(),
            deadline_exceeded: record_outcome.deadline_exceeded,
            cache_hits: sum(|stats| stats.hits),
            cache_misses: sum(|stats| stats.misses),
            cache_stale_hits: sum(|stats| stats.stale_hits),
        });
        // Its span is over, too, so that a sink can export it.
        drop(invocation);
        for cache in caches {
            metrics::emit(&metrics::Event::Cache(cache));
        }
        metrics::emit(&event);
    }
    let every = H::SPEC.report_every;
    if every > 0 && number % every == 0 {
        report();
    }
}

/// Runs it piece by piece, in the order in which it was deferred; `runs` while one does.
async fn run_deferred(invocation: &InvocationContext, runs: &AtomicBool) {
    container::close_retired().await;
    // Deferred work may defer more.
    while let Some(work) = invocation.next_deferred() {
        runs.store(true, Relaxed);
        let outcome = catch_async(work).await;
        runs.store(false, Relaxed);
        if let Err(error) = outcome.map_err(Panic::into_error).and_then(|outcome| outcome) {
            tracing::error!(error = chain(&*error), "deferred work failed");
            container().deferred_failed(1);
        }
    }
}

/// What deferred work leaves of the time until Lambda's deadline.
const DEADLINE_RESERVE: Duration = Duration::from_millis(50);

/// SHUTDOWN: closes everything, and tells for the last time how the container is doing.
pub(crate) async fn shutdown<H: Handler>() {
    container::shutdown().await;
    if H::SPEC.report_every > 0 {
        report();
    }
}

/// Tells how the container is doing.
pub(crate) fn report() {
    if metrics::wanted(Level::INFO) {
        metrics::emit(&metrics::Event::Report(container().report()));
    }
}
