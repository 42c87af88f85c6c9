//! Records the outcome of an invocation: in the container's record, in the invocation's span, and
//! for its metrics.

use std::sync::Arc;
use std::time::Duration;

use tracing::Level;

use crate::base::clock::CLOCK;
use crate::base::counters::Stats;
use crate::base::panic::log_caught;
use crate::container::container;
use crate::invocation::context::{InvocationContext, Outcome};
use crate::invocation::error::InvocationError;
use crate::invocation::span;
use crate::metrics::{self, Event, Invocation};

/// Records the outcome of an invocation. The first outcome counts: a streamed body that is dropped
/// after it failed does not succeed.
pub(crate) fn record(
    invocation: &InvocationContext,
    error: Option<&InvocationError>,
    deadline_exceeded: bool,
) {
    // The duration is read for metrics sinks only; with one, there is a request id.
    let duration =
        invocation.request_id.as_ref().map_or(Duration::ZERO, |_| invocation.started.elapsed());
    let error_type = error.map(|error| error.error_type.clone());
    let outcome = Outcome { duration, error: error_type, deadline_exceeded };
    if invocation.set_outcome(outcome) {
        container().invocation_done(error.is_some(), deadline_exceeded);
        if let Some(error) = error {
            span::fail(&invocation.span, error);
            invocation.span.within(|| log_caught(|| log(error)));
        }
    }
}

/// Logs the error of an invocation. Under this target it is visible with any filter that does not name
/// this crate.
fn log(error: &InvocationError) {
    let InvocationError { error_type, error_message } = error;
    tracing::error!(target: "rewarm", error_type, error = error_message, "invocation failed");
}

/// Emits the metrics of an invocation that has ended, and the report that may be due.
pub(crate) fn emit(
    invocation: Arc<InvocationContext>,
    handler: &'static str,
    not_sent: Option<String>,
    report_every: u64,
) {
    let number = invocation.begun.number;
    if let (Some(request_id), Some(outcome)) = (&invocation.request_id, invocation.outcome()) {
        let caches = container().used_caches();
        let sum = |count: fn(&Stats) -> u64| caches.iter().map(|cache| count(&cache.stats)).sum();
        let facts = container().facts_for_invocation();
        let event = Event::Invocation(Invocation {
            handler,
            request_id: request_id.clone(),
            container_id: facts.container_id,
            start: facts.start,
            number,
            cold_start: invocation.begun.cold,
            ended: CLOCK.wall(),
            duration: outcome.duration,
            init_duration: facts.init,
            idle_gap: invocation.begun.idle_gap,
            container_age: facts.age,
            error: not_sent.or_else(|| outcome.error.clone()),
            deadline_exceeded: outcome.deadline_exceeded,
            cache_hits: sum(|stats| stats.hits),
            cache_misses: sum(|stats| stats.misses),
            cache_stale_hits: sum(|stats| stats.stale_hits),
            store_hits: sum(|stats| stats.store_hits),
            store_errors: sum(|stats| stats.store_errors),
        });
        // Ends the span, so that a sink can export it.
        drop(invocation);
        for cache in caches {
            metrics::emit(&Event::Cache(cache));
        }
        metrics::emit(&event);
    }
    if report_every > 0 && number.is_multiple_of(report_every) {
        report();
    }
}

/// Emits a report of the container.
pub(crate) fn report() {
    if metrics::wanted(Level::INFO) {
        metrics::emit(&Event::Report(container().report()));
    }
}
