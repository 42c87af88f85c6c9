//! The container's record: its identity, its counters and its times.
//!
//! One lock guards the record. No user code runs under it, so a poisoned lock is as good as another.

pub(crate) mod counters;
pub(crate) mod lifecycle;
pub(crate) mod snapshot;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::clock::{CLOCK, Tick};
use crate::base::counters::Stats;
use crate::base::random;
use crate::invocation::context::{Begun, current};
use crate::metrics::{self, Report};
use crate::resource::{EntryKind, RegistryEntry, mark_dependents_stale, registry};
use counters::{Counters, each_counter};
use snapshot::{CacheSnapshot, ContainerSnapshot, ResourceSnapshot, Start};

static CONTAINER: Container =
    Container { record: Mutex::new(Record::new()), emitted: Mutex::new(Vec::new()) };

/// Returns the record of the container that this code runs in.
///
/// ```
/// let container = rewarm::container();
/// println!("{} invocations, {} failed", container.invocations(), container.errors());
/// ```
pub fn container() -> &'static Container {
    &CONTAINER
}

/// The record of a container. One Lambda execution environment is one container and one process.
///
/// Get it with [`container`](crate::container()):
///
/// ```
/// # use rewarm::handler;
/// #[handler]
/// async fn status(_event: serde_json::Value) -> serde_json::Value {
///     let container = rewarm::container();
///     serde_json::json!({
///         "id": container.id(),
///         "start": container.start(),
///         "cold": container.is_cold_start(),
///         "age_s": container.age().as_secs(),
///         "idle_gap_s": container.idle_gap().map(|gap| gap.as_secs()),
///         "error_rate": container.error_rate(),
///         "resources": container.resources(),
///         "caches": container.caches(),
///     })
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Container {
    record: Mutex<Record>,
    /// The statistics of each entry of the registry that were last emitted.
    emitted: Mutex<Vec<Stats>>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    id: u64,
    start: Start,
    born: Tick,
    counters: Counters,
    /// True if the invocation that began last was a cold start.
    cold: bool,
    /// The duration of INIT or of a restore, until it is emitted with an invocation.
    init: Option<Duration>,
    /// The end of INIT or of a restore.
    ready: Tick,
    /// The end of the last invocation.
    ended: Option<Tick>,
    idle_gap: Option<Duration>,
    is_shut_down: bool,
}

impl Record {
    const fn new() -> Self {
        Self {
            id: 0,
            start: Start::Local,
            born: Tick::ZERO,
            counters: Counters::ZERO,
            cold: false,
            init: None,
            ready: Tick::ZERO,
            ended: None,
            idle_gap: None,
            is_shut_down: false,
        }
    }

    fn id(&self) -> String {
        format!("{:016x}", self.id)
    }
}

macro_rules! getters {
    ($($(#[$doc:meta])+ $name:ident)+) => {
        impl Container {
            $(
                $(#[$doc])+
                pub fn $name(&self) -> u64 {
                    self.record().counters.$name
                }
            )+
        }
    };
}
each_counter!(getters);

impl Container {
    /// Returns a random id. No other container has it, nor has this one after a SnapStart restore.
    pub fn id(&self) -> String {
        self.record().id()
    }

    /// Returns the time since the process started, frozen time included.
    pub fn age(&self) -> Duration {
        CLOCK.now().since(self.record().born)
    }

    /// Returns the share of invocations that failed, from 0 to 1; 0 before the first.
    pub fn error_rate(&self) -> f64 {
        self.record().counters.error_rate()
    }

    /// Returns the time since the last invocation ended; `None` before that.
    pub fn last_invocation(&self) -> Option<Duration> {
        Some(CLOCK.now().since(self.record().ended?))
    }

    /// Returns the time from the end of the last invocation to the start of the one that began
    /// last; `None` in the first. Where invocations run concurrently this is the gap of whichever
    /// began last, and zero if another was still running then.
    pub fn idle_gap(&self) -> Option<Duration> {
        self.record().idle_gap
    }

    /// Returns how the container was started.
    pub fn start(&self) -> Start {
        self.record().start
    }

    /// Returns true in the first invocation of a container whose caller waited for INIT. Provisioned
    /// concurrency and a restored snapshot are not cold. Returns false outside an invocation.
    pub fn is_cold_start(&self) -> bool {
        current().is_some_and(|invocation| invocation.begun.cold)
    }

    /// Returns every `#[init]` of the program.
    pub fn resources(&self) -> Vec<ResourceSnapshot> {
        let entries = in_order().into_iter().filter(|entry| entry.kind() != EntryKind::Cache);
        entries.map(ResourceSnapshot::of).collect()
    }

    /// Returns every `#[cached]` of the program, with its statistics.
    pub fn caches(&self) -> Vec<CacheSnapshot> {
        in_order().into_iter().filter_map(CacheSnapshot::of).collect()
    }

    /// Returns all of it at this moment, to be logged or serialized.
    pub fn snapshot(&self) -> ContainerSnapshot {
        let (record, now) = (*self.record(), CLOCK.now());
        ContainerSnapshot {
            id: record.id(),
            start: record.start,
            age: now.since(record.born),
            last_invocation: record.ended.map(|ended| now.since(ended)),
            idle_gap: record.idle_gap,
            is_cold_start: current().map_or(record.cold, |invocation| invocation.begun.cold),
            resources: self.resources(),
            caches: self.caches(),
            ..ContainerSnapshot::of(record.counters)
        }
    }

    /// Starts a new record.
    pub(crate) fn begin(&self, start: Start) {
        let born = CLOCK.sync();
        *self.record() = Record { id: random::bits(), start, born, ..Record::new() };
    }

    /// Starts a new record, unless there is one.
    pub(crate) fn begin_once(&self, start: Start) {
        if self.record().id == 0 {
            self.begin(start);
        }
    }

    /// Continues as another container after a SnapStart restore.
    fn restored(&self) {
        let mut record = self.record();
        (record.id, record.ended, record.cold) = (random::bits(), None, false);
    }

    /// Begins SHUTDOWN. Returns false if it has begun before.
    fn begin_shutdown(&self) -> bool {
        !std::mem::replace(&mut self.record().is_shut_down, true)
    }

    /// INIT or a restore is done. Returns the container's id and start.
    fn init_done(&self, duration: Duration) -> (String, Start) {
        let mut record = self.record();
        (record.ready, record.init) = (CLOCK.sync(), Some(duration));
        (record.id(), record.start)
    }

    /// Resets everything to the state in which the process started.
    #[cfg(feature = "testing")]
    pub(crate) fn reset(&self) {
        registry().for_each(|entry| entry.reset());
        let emitted = registry().map(|entry| entry.stats().unwrap_or_default());
        *self.emitted() = emitted.collect();
        *self.record() = Record::new();
    }

    /// Begins an invocation. Connections that may have died while the container was frozen are marked
    /// for their check, and values that expired are dropped, before this returns.
    pub(crate) fn invocation_begins(&self, ping: bool) -> Begun {
        let now = CLOCK.sync();
        let begun = {
            let mut record = self.record();
            let busy = record.counters.in_flight > 0;
            let since = |tick| {
                if busy { Duration::ZERO } else { now.since(tick) }
            };
            record.idle_gap = record.ended.map(since);
            let waited = matches!(record.start, Start::OnDemand | Start::Local);
            let cold = waited && record.counters.invocations + record.counters.pings == 0;
            record.counters.invocations += u64::from(!ping);
            record.counters.pings += u64::from(ping);
            record.counters.in_flight += 1;
            record.cold = cold;
            // A provisioned or restored container may be idle before its first invocation, too.
            let idle = since(record.ended.unwrap_or(record.ready));
            // Under the lock: another invocation that begins now finds everything marked. What is
            // built from something stale is stale, too: both are checked when both are used, and no
            // caller sees the old one beside the new.
            let due = registry().filter(|entry| entry.on_invocation_start(idle)).collect();
            mark_dependents_stale(due, false);
            let idle_gap = record.idle_gap.filter(|_| !busy);
            Begun { number: record.counters.invocations, cold, ping, idle_gap }
        };
        registry().for_each(|entry| entry.purge(now));
        begun
    }

    /// The handler, or the body of its response, is done.
    pub(crate) fn invocation_done(&self, failed: bool, deadline_exceeded: bool) {
        let mut record = self.record();
        record.counters.errors += u64::from(failed);
        record.counters.deadline_exceeded += u64::from(deadline_exceeded);
    }

    /// The response of an invocation that had succeeded was not delivered.
    pub(crate) fn response_not_sent(&self) {
        self.record().counters.errors += 1;
    }

    /// Some pieces of deferred work failed.
    pub(crate) fn deferred_failed(&self, count: usize) {
        self.record().counters.deferred_errors += count as u64;
    }

    /// Ends an invocation with its deferred work: the container may be frozen now.
    pub(crate) fn invocation_ends(&self) {
        let now = CLOCK.sync();
        registry().for_each(|entry| entry.purge(now));
        let mut record = self.record();
        record.counters.in_flight = record.counters.in_flight.saturating_sub(1);
        record.ended = Some(now);
    }

    /// Returns the facts about the container that are emitted with an invocation. The duration of
    /// INIT is among them once.
    pub(crate) fn facts_for_invocation(&self) -> FactsForInvocation {
        let mut record = self.record();
        FactsForInvocation {
            container_id: record.id(),
            start: record.start,
            age: CLOCK.now().since(record.born),
            init: record.init.take(),
        }
    }

    /// Returns the caches that were used since the last call, with the statistics of that time.
    pub(crate) fn used_caches(&self) -> Vec<metrics::Cache> {
        let mut emitted = self.emitted();
        emitted.resize(registry().count(), Stats::default());
        let caches = registry().zip(&mut *emitted).filter_map(|(entry, emitted)| {
            let now = entry.stats()?;
            let stats = now.since(&std::mem::replace(emitted, now));
            stats.is_used().then(|| metrics::Cache { name: entry.name(), stats })
        });
        caches.collect()
    }

    /// Returns a report of the container.
    pub(crate) fn report(&self) -> Report {
        let record = *self.record();
        Report {
            container_id: record.id(),
            start: record.start,
            uptime: CLOCK.now().since(record.born),
            ..Report::of(record.counters)
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emitted(&self) -> MutexGuard<'_, Vec<Stats>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Container::facts_for_invocation`].
pub(crate) struct FactsForInvocation {
    pub(crate) container_id: String,
    pub(crate) start: Start,
    pub(crate) age: Duration,
    pub(crate) init: Option<Duration>,
}

/// Returns all entries of the registry, each after those that it is built from; those of one depth
/// by name.
fn in_order() -> Vec<&'static dyn RegistryEntry> {
    let place = |entry: &&dyn RegistryEntry| (entry.depth(), entry.name());
    let mut entries = Vec::new();
    for entry in registry() {
        entries.insert(entries.partition_point(|other| place(other) < place(&entry)), entry);
    }
    entries
}
