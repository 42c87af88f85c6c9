//! The facade of the crate `metrics`: whatever recorder the program has installed there.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::sync::Once;

use super::{Event, millis};

pub(super) fn record(event: &Event) {
    static DESCRIBED: Once = Once::new();
    DESCRIBED.call_once(describe);
    match event {
        Event::Invocation(invocation) => {
            counter!("rewarm_invocations").increment(1);
            counter!("rewarm_errors").increment(invocation.error.is_some().into());
            counter!("rewarm_deadline_exceeded").increment(invocation.deadline_exceeded.into());
            counter!("rewarm_cold_start").increment(invocation.cold_start.into());
            histogram!("rewarm_duration").record(millis(invocation.duration));
            histogram!("rewarm_container_age").record(millis(invocation.container_age));
            if let Some(time) = invocation.init_duration {
                histogram!("rewarm_init_duration").record(millis(time));
            }
            if let Some(time) = invocation.idle_gap {
                histogram!("rewarm_idle_gap").record(millis(time));
            }
        }
        Event::Cache(cache) => {
            counter!("rewarm_cache_hits", "cache" => cache.name).increment(cache.stats.hits);
            counter!("rewarm_cache_misses", "cache" => cache.name).increment(cache.stats.misses);
            counter!("rewarm_cache_stale_hits", "cache" => cache.name)
                .increment(cache.stats.stale_hits);
        }
        Event::Init(_) | Event::Report(_) | Event::Shutdown(_) => {}
    }
}

fn describe() {
    describe_counter!("rewarm_invocations", Unit::Count, "Invocations that are over.");
    describe_counter!("rewarm_errors", Unit::Count, "Invocations that failed.");
    describe_counter!(
        "rewarm_deadline_exceeded",
        Unit::Count,
        "Invocations that were cancelled ahead of Lambda's deadline."
    );
    describe_counter!("rewarm_cold_start", Unit::Count, "Invocations that waited for INIT.");
    describe_histogram!("rewarm_duration", Unit::Milliseconds, "From the event to the answer.");
    describe_histogram!(
        "rewarm_container_age",
        Unit::Milliseconds,
        "How old the container was at the end of an invocation."
    );
    describe_histogram!("rewarm_init_duration", Unit::Milliseconds, "How long INIT took.");
    describe_histogram!(
        "rewarm_idle_gap",
        Unit::Milliseconds,
        "From the end of one invocation to the start of the next."
    );
    describe_counter!("rewarm_cache_hits", Unit::Count, "Calls answered from a cache.");
    describe_counter!("rewarm_cache_misses", Unit::Count, "Calls that had to fetch.");
    describe_counter!(
        "rewarm_cache_stale_hits",
        Unit::Count,
        "Calls answered with a value past its TTL."
    );
}
