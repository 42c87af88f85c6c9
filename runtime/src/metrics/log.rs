//! The log. At INFO, one line of `tracing` for each resource, report and shutdown; at DEBUG, one
//! for each invocation and for each cache that was used in it.

use tracing::Level;

use super::{Event, PanicGuarded, Sink, millis};
use crate::base::panic::{catch, log_caught};
use crate::container::snapshot::ResourceSnapshot;

/// True if the log has lines of this level.
pub(super) fn is_enabled(level: Level) -> bool {
    let is_enabled = || match level {
        Level::DEBUG => tracing::enabled!(Level::DEBUG),
        _ => tracing::enabled!(Level::INFO),
    };
    // A subscriber that panics gets no lines.
    catch(is_enabled).unwrap_or(false)
}

pub(super) static SINK: PanicGuarded<Log> = PanicGuarded::new(Log);

pub(super) struct Log;

impl Sink for Log {
    fn record(&self, event: &Event) {
        match event {
            Event::Init(init) => {
                let phase = if init.restore { "restore" } else { "init" };
                for resource in &init.resources {
                    ready(resource, phase);
                }
            }
            Event::Invocation(invocation) => tracing::debug!(
                invocation = invocation.number,
                request_id = invocation.request_id,
                ms = millis(invocation.duration),
                cold = invocation.cold_start,
                idle_ms = invocation.idle_gap.map(millis),
                error = invocation.error,
                cache_hits = invocation.cache_hits,
                cache_misses = invocation.cache_misses,
                cache_stale_hits = invocation.cache_stale_hits,
                store_hits = some(invocation.store_hits),
                store_errors = some(invocation.store_errors),
                "invocation"
            ),
            Event::Cache(cache) => tracing::debug!(
                cache = cache.name,
                hits = cache.stats.hits,
                misses = cache.stats.misses,
                stale_hits = cache.stats.stale_hits,
                store_hits = some(cache.stats.store_hits),
                store_misses = some(cache.stats.store_misses),
                store_errors = some(cache.stats.store_errors),
                store_waits = some(cache.stats.store_waits),
                loads = cache.stats.loads,
                load_errors = cache.stats.load_errors,
                load_ms = millis(cache.stats.load_time),
                entries = cache.stats.entries,
                "cache"
            ),
            Event::Report(report) => tracing::info!(
                uptime_s = report.uptime.as_secs_f64(),
                invocations = report.invocations,
                errors = report.errors,
                error_rate_percent = report.error_rate_percent,
                deadline_exceeded = report.deadline_exceeded,
                "container"
            ),
            Event::Shutdown(shutdown) => tracing::info!(
                uptime_s = shutdown.uptime.as_secs_f64(),
                ms = millis(shutdown.duration),
                "shutdown"
            ),
        }
    }
}

/// Logs that a resource has been built.
pub(crate) fn ready(resource: &ResourceSnapshot, phase: &str) {
    log_caught(|| {
        tracing::info!(
            resource = resource.name,
            ms = millis(resource.build_time.unwrap_or_default()),
            depth = resource.depth,
            generation = resource.generation,
            "{phase}"
        );
    });
}

/// The counts of a store, which most functions have not.
fn some(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}
