//! The facade of the crate `metrics`. Events go to the recorder that the program has installed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::{Event, PanicGuarded, Sink, millis};

pub(super) static SINK: PanicGuarded<Facade> = PanicGuarded::new(Facade);

pub(super) struct Facade;

impl Sink for Facade {
    fn record(&self, event: &Event) {
        static DESCRIBED: AtomicBool = AtomicBool::new(false);
        // Set before the call, so that a recorder that panics here is not called again.
        if !DESCRIBED.swap(true, Relaxed) {
            describe();
        }
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
                counter!("rewarm_cache_misses", "cache" => cache.name)
                    .increment(cache.stats.misses);
                counter!("rewarm_cache_stale_hits", "cache" => cache.name)
                    .increment(cache.stats.stale_hits);
                if cache.stats.store_hits + cache.stats.store_errors > 0 {
                    counter!("rewarm_store_hits", "cache" => cache.name)
                        .increment(cache.stats.store_hits);
                    counter!("rewarm_store_errors", "cache" => cache.name)
                        .increment(cache.stats.store_errors);
                }
            }
            Event::Init(_) | Event::Report(_) | Event::Shutdown(_) => {}
        }
    }
}

fn describe() {
    describe_counter!("rewarm_invocations", Unit::Count, "Invocations that ended.");
    describe_counter!("rewarm_errors", Unit::Count, "Invocations that failed.");
    describe_counter!(
        "rewarm_deadline_exceeded",
        Unit::Count,
        "Invocations that were cancelled before Lambda's deadline."
    );
    describe_counter!("rewarm_cold_start", Unit::Count, "Invocations that waited for INIT.");
    describe_histogram!(
        "rewarm_duration",
        Unit::Milliseconds,
        "The time from the event to the response."
    );
    describe_histogram!(
        "rewarm_container_age",
        Unit::Milliseconds,
        "The age of the container at the end of an invocation."
    );
    describe_histogram!("rewarm_init_duration", Unit::Milliseconds, "The duration of INIT.");
    describe_histogram!(
        "rewarm_idle_gap",
        Unit::Milliseconds,
        "The time from the end of one invocation to the start of the next."
    );
    describe_counter!("rewarm_cache_hits", Unit::Count, "Calls that found a value in a cache.");
    describe_counter!("rewarm_cache_misses", Unit::Count, "Calls that waited for a fetch.");
    describe_counter!(
        "rewarm_cache_stale_hits",
        Unit::Count,
        "Calls that got a value past its TTL."
    );
    describe_counter!("rewarm_store_hits", Unit::Count, "Calls that found a value in a store.");
    describe_counter!(
        "rewarm_store_errors",
        Unit::Count,
        "Operations of a store that failed or timed out."
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::{Duration, SystemTime};

    use metrics::{
        Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
        SharedString,
    };

    use super::*;
    use crate::base::counters::Stats;
    use crate::container::snapshot::Start;
    use crate::metrics::{Cache, Invocation};

    /// A recorder that keeps the sum of each metric, by name and label.
    #[derive(Clone, Default)]
    struct Sums(Arc<Mutex<BTreeMap<String, f64>>>);

    struct Sum(String, Sums);

    impl Sum {
        fn add(&self, value: f64) {
            let mut sums = self.1.0.lock().unwrap_or_else(PoisonError::into_inner);
            *sums.entry(self.0.clone()).or_default() += value;
        }
    }

    impl CounterFn for Sum {
        fn increment(&self, value: u64) {
            self.add(value as f64);
        }
        fn absolute(&self, _: u64) {}
    }

    impl HistogramFn for Sum {
        fn record(&self, value: f64) {
            self.add(value);
        }
    }

    impl Sums {
        fn of(&self, key: &Key) -> Arc<Sum> {
            let labels: Vec<_> = key.labels().map(|label| format!(" {}", label.value())).collect();
            Arc::new(Sum(format!("{}{}", key.name(), labels.concat()), self.clone()))
        }
    }

    impl Recorder for Sums {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.of(key))
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.of(key))
        }
    }

    /// A recorder that panics.
    struct Broken;

    impl Recorder for Broken {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("no connection");
        }
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            panic!("no connection");
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn a_recorder_that_panics_does_not_affect_other_sinks() {
        let is_called = Arc::new(AtomicBool::new(false));
        struct Other(Arc<AtomicBool>);
        impl Sink for Other {
            fn record(&self, _: &Event) {
                self.0.store(true, Relaxed);
            }
        }
        crate::metrics::install(Other(Arc::clone(&is_called)));
        metrics::with_local_recorder(&Broken, || {
            for _ in 0..2 {
                let cache = Cache { name: "rate", stats: Stats::default() };
                crate::metrics::emit(&Event::Cache(cache));
            }
        });
        assert!(is_called.load(Relaxed), "the other sink did not get the event");
    }

    #[test]
    fn a_recorder_gets_every_metric() {
        let sums = Sums::default();
        let mut invocation = Invocation {
            handler: "pay",
            request_id: String::new(),
            container_id: String::new(),
            start: Start::OnDemand,
            number: 1,
            cold_start: true,
            ended: SystemTime::UNIX_EPOCH,
            duration: Duration::from_millis(30),
            init_duration: Some(Duration::from_millis(100)),
            idle_gap: None,
            container_age: Duration::from_secs(1),
            error: None,
            deadline_exceeded: false,
            cache_hits: 2,
            cache_misses: 1,
            cache_stale_hits: 0,
            store_hits: 0,
            store_errors: 0,
        };
        metrics::with_local_recorder(&sums, || {
            let stats = Stats { hits: 2, misses: 1, ..Stats::default() };
            Facade.record(&Event::Cache(Cache { name: "rate", stats }));
            Facade.record(&Event::Invocation(invocation.clone()));
            invocation.cold_start = false;
            (invocation.init_duration, invocation.idle_gap) = (None, Some(Duration::from_secs(2)));
            invocation.error = Some("DeadlineExceeded".to_owned());
            invocation.deadline_exceeded = true;
            Facade.record(&Event::Invocation(invocation));
        });
        let sums = sums.0.lock().unwrap();
        let expected = [
            ("rewarm_cache_hits rate", 2.0),
            ("rewarm_cache_misses rate", 1.0),
            ("rewarm_cache_stale_hits rate", 0.0),
            ("rewarm_cold_start", 1.0),
            ("rewarm_container_age", 2000.0),
            ("rewarm_deadline_exceeded", 1.0),
            ("rewarm_duration", 60.0),
            ("rewarm_errors", 1.0),
            ("rewarm_idle_gap", 2000.0),
            ("rewarm_init_duration", 100.0),
            ("rewarm_invocations", 2.0),
        ];
        assert_eq!(*sums, expected.map(|(name, sum)| (name.to_owned(), sum)).into());
    }
}
