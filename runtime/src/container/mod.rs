//! The container: what it has been through, and the INIT of all its resources.

pub(crate) mod snapshot;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use crate::base::clock::{CLOCK, Tick};
use crate::base::counters::Stats;
use crate::base::erased::{BoxFuture, spawn};
use crate::base::random;
use crate::container::snapshot::{CacheSnapshot, ContainerSnapshot, ResourceSnapshot, Start};
use crate::error::ResourceError;
use crate::invocation::context::{Begun, current};
use crate::metrics::{self, Event, Init, Report, Shutdown};
use crate::resource::{EntryKind, RegistryEntry, mark_dependents_stale, registry};

static CONTAINER: Container =
    Container { record: Mutex::new(Record::new()), told: Mutex::new(Vec::new()) };

/// The record of the container that this code runs in.
///
/// ```
/// let container = rewarm::container();
/// println!("{} invocations, {} failed", container.invocations(), container.errors());
/// ```
pub fn container() -> &'static Container {
    &CONTAINER
}

/// A container's life so far. One Lambda execution environment is one container, and one process.
#[derive(Debug)]
pub struct Container {
    record: Mutex<Record>,
    /// What each node of the registry had counted when that was last told.
    told: Mutex<Vec<Stats>>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    id: u64,
    start: Start,
    born: Tick,
    invocations: u64,
    pings: u64,
    errors: u64,
    deadline_exceeded: u64,
    deferred_errors: u64,
    in_flight: u64,
    /// Whether the invocation that began last was a cold start.
    cold: bool,
    /// How long INIT or a restore took, until an invocation has told it.
    init: Option<Duration>,
    /// When INIT or a restore ended.
    ready: Tick,
    /// When the last invocation ended.
    ended: Option<Tick>,
    idle_gap: Option<Duration>,
}

impl Record {
    const fn new() -> Self {
        Self {
            id: 0,
            start: Start::Local,
            born: Tick::ZERO,
            invocations: 0,
            pings: 0,
            errors: 0,
            deadline_exceeded: 0,
            deferred_errors: 0,
            in_flight: 0,
            cold: false,
            init: None,
            ready: Tick::ZERO,
            ended: None,
            idle_gap: None,
        }
    }

    fn id(&self) -> String {
        format!("{:016x}", self.id)
    }

    fn error_rate(&self) -> f64 {
        self.errors as f64 / self.invocations.max(1) as f64
    }
}

impl Container {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this container from all others, and from itself before a SnapStart restore.
    pub fn id(&self) -> String {
        self.record().id()
    }

    /// How long ago the process started, the time in which it was frozen included.
    pub fn age(&self) -> Duration {
        CLOCK.now().since(self.record().born)
    }

    /// How many invocations it began.
    pub fn invocations(&self) -> u64 {
        self.record().invocations
    }

    /// How many of them failed.
    pub fn errors(&self) -> u64 {
        self.record().errors
    }

    /// How many of those failed because Lambda's deadline came near.
    pub fn deadline_exceeded(&self) -> u64 {
        self.record().deadline_exceeded
    }

    /// How often work that was [deferred](crate::defer) failed, or was dropped at the deadline.
    pub fn deferred_errors(&self) -> u64 {
        self.record().deferred_errors
    }

    /// How many warm-up pings it answered. They are no invocations.
    pub fn pings(&self) -> u64 {
        self.record().pings
    }

    /// The share of invocations that failed, from 0 to 1; 0 before the first.
    pub fn error_rate(&self) -> f64 {
        self.record().error_rate()
    }

    /// How many invocations run now.
    pub fn in_flight(&self) -> u64 {
        self.record().in_flight
    }

    /// How long ago the last invocation ended; `None` before that.
    pub fn last_invocation(&self) -> Option<Duration> {
        Some(CLOCK.now().since(self.record().ended?))
    }

    /// The time between the end of the last invocation and the start of this one; `None` in the
    /// first.
    pub fn idle_gap(&self) -> Option<Duration> {
        self.record().idle_gap
    }

    /// How it came to be.
    pub fn start(&self) -> Start {
        self.record().start
    }

    /// Whether this invocation is the container's first and its caller waited for INIT. Provisioned
    /// concurrency and a restored snapshot are not cold. `false` outside an invocation.
    pub fn is_cold_start(&self) -> bool {
        current().is_some_and(|invocation| invocation.cold)
    }

    /// Every `#[init]` of the program.
    pub fn resources(&self) -> Vec<ResourceSnapshot> {
        let entries = in_order().into_iter().filter(|entry| entry.kind() != EntryKind::Cache);
        entries.map(ResourceSnapshot::of).collect()
    }

    /// Every `#[cached]` of the program.
    pub fn caches(&self) -> Vec<CacheSnapshot> {
        in_order().into_iter().filter_map(CacheSnapshot::of).collect()
    }

    /// All of it, as it is now.
    pub fn snapshot(&self) -> ContainerSnapshot {
        let (record, now) = (*self.record(), CLOCK.now());
        ContainerSnapshot {
            id: record.id(),
            start: record.start,
            age: now.since(record.born),
            invocations: record.invocations,
            errors: record.errors,
            error_rate: record.error_rate(),
            deadline_exceeded: record.deadline_exceeded,
            deferred_errors: record.deferred_errors,
            pings: record.pings,
            in_flight: record.in_flight,
            last_invocation: record.ended.map(|ended| now.since(ended)),
            idle_gap: record.idle_gap,
            is_cold_start: current().map_or(record.cold, |invocation| invocation.cold),
            resources: self.resources(),
            caches: self.caches(),
        }
    }

    /// A new container: a new record, from now on.
    pub(crate) fn begin(&self, start: Start) {
        let born = CLOCK.sync();
        *self.record() = Record { id: random::bits(), start, born, ..Record::new() };
    }

    #[cfg(feature = "testing")]
    pub(crate) fn reset(&self) {
        registry().for_each(|entry| entry.reset());
        let told = registry().map(|entry| entry.stats().unwrap_or_default());
        *self.told() = told.collect();
        *self.record() = Record::new();
    }

    /// Begins, unless it has begun.
    pub(crate) fn begin_once(&self, start: Start) {
        if self.record().id == 0 {
            self.begin(start);
        }
    }

    /// An invocation begins. What grew too old while the container was frozen is gone when this
    /// returns.
    pub(crate) fn invocation_begins(&self, ping: bool) -> Begun {
        let now = CLOCK.sync();
        let (begun, idle) = {
            let mut record = self.record();
            let busy = record.in_flight > 0;
            if !busy {
                CLOCK.resume(now);
            }
            let since = |tick| {
                if busy { Duration::ZERO } else { now.since(tick) }
            };
            record.idle_gap = record.ended.map(since);
            let waited = matches!(record.start, Start::OnDemand | Start::Local);
            let cold = waited && record.invocations + record.pings == 0;
            record.invocations += u64::from(!ping);
            record.pings += u64::from(ping);
            record.in_flight += 1;
            record.cold = cold;
            // Before its first invocation a container may sit idle, too: provisioned, or restored.
            let idle = since(record.ended.unwrap_or(record.ready));
            let idle_gap = record.idle_gap.filter(|_| !busy);
            (Begun { number: record.invocations, cold, ping, idle_gap }, idle)
        };
        // What is built from something in doubt is in doubt, too: both are looked at when both are
        // used, and nobody sees the old one beside the new.
        let mut doubtful = Vec::new();
        for entry in registry() {
            entry.purge(now);
            if entry.on_invocation_start(idle) {
                doubtful.push(entry);
            }
        }
        mark_dependents_stale(doubtful);
        begun
    }

    /// An invocation has been answered.
    pub(crate) fn invocation_answered(&self, failed: bool, deadline_exceeded: bool) {
        let mut record = self.record();
        record.errors += u64::from(failed);
        record.deadline_exceeded += u64::from(deadline_exceeded);
    }

    /// So much of the work that an invocation had deferred failed.
    pub(crate) fn deferred_failed(&self, count: usize) {
        self.record().deferred_errors += count as u64;
    }

    /// An invocation has ended, with all that it deferred: the container may be frozen now.
    pub(crate) fn invocation_ends(&self) {
        let now = CLOCK.sync();
        registry().for_each(|entry| entry.purge(now));
        let mut record = self.record();
        record.in_flight = record.in_flight.saturating_sub(1);
        record.ended = Some(now);
    }

    /// What is told of the container with an invocation. Its INIT is told once.
    pub(crate) fn told_with_invocation(&self) -> ToldWithInvocation {
        let mut record = self.record();
        ToldWithInvocation {
            container_id: record.id(),
            start: record.start,
            age: CLOCK.now().since(record.born),
            init: record.init.take(),
        }
    }

    /// The caches that were used since this was last asked, with what they counted in that time.
    pub(crate) fn used_caches(&self) -> Vec<metrics::Cache> {
        let mut told = self.told();
        told.resize(registry().count(), Stats::default());
        let caches = registry().zip(&mut *told).filter_map(|(entry, told)| {
            let now = entry.stats()?;
            let stats = now.since(&std::mem::replace(told, now));
            stats.is_used().then(|| metrics::Cache { name: entry.name(), stats })
        });
        caches.collect()
    }

    fn told(&self) -> MutexGuard<'_, Vec<Stats>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the container is doing.
    pub(crate) fn report(&self) -> Report {
        let record = *self.record();
        Report {
            container_id: record.id(),
            start: record.start,
            uptime: CLOCK.now().since(record.born),
            invocations: record.invocations,
            errors: record.errors,
            error_rate_percent: record.error_rate() * 100.0,
            deadline_exceeded: record.deadline_exceeded,
            pings: record.pings,
        }
    }
}

/// See [`Container::told_with_invocation`].
pub(crate) struct ToldWithInvocation {
    pub(crate) container_id: String,
    pub(crate) start: Start,
    pub(crate) age: Duration,
    pub(crate) init: Option<Duration>,
}

/// INIT: builds every resource that is not lazy, all at the same time.
///
/// What is still building when the `budget` is spent is carried into the first invocation, which
/// waits for what it needs of it.
///
/// # Errors
/// Those of all required resources that could not be built.
pub(crate) async fn init(budget: Option<Duration>) -> Result<(), Vec<ResourceError>> {
    let eager = |kind| registry().filter(move |entry| entry.kind() == kind);
    // Those that wait go first, so that what computes hides behind their I/O.
    let entries = eager(EntryKind::PendingValue).chain(eager(EntryKind::Computing)).collect();
    ensure_all_ready(entries, budget, false).await
}

/// After a SnapStart restore: a new container, in which everything that a snapshot breaks is checked
/// or built anew, and what grew too old is gone.
///
/// # Errors
/// Those of all required resources that could not be made usable.
pub(crate) async fn restore() -> Result<(), Vec<ResourceError>> {
    random::reseed();
    let now = CLOCK.sync();
    CLOCK.resume(now);
    CONTAINER.record().id = random::bits();
    registry().for_each(|entry| entry.purge(now));
    mark_dependents_stale(registry().filter(|entry| entry.restored()).collect());
    {
        let mut record = CONTAINER.record();
        (record.ended, record.cold) = (None, false);
    }
    ensure_all_ready(registry().filter(|entry| entry.is_stale()).collect(), None, true).await
}

/// In a box, since it is rare and large.
fn ensure_all_ready(
    entries: Vec<&'static dyn RegistryEntry>,
    budget: Option<Duration>,
    restore: bool,
) -> BoxFuture<'static, Result<(), Vec<ResourceError>>> {
    Box::pin(ensure_each_ready(entries, budget, restore))
}

async fn ensure_each_ready(
    entries: Vec<&'static dyn RegistryEntry>,
    budget: Option<Duration>,
    restore: bool,
) -> Result<(), Vec<ResourceError>> {
    let start = Instant::now();
    let ensure_ready =
        |entry: &'static dyn RegistryEntry| async move { (entry, entry.ensure_ready().await) };
    let mut building: FuturesUnordered<_> =
        entries.iter().map(|entry| ensure_ready(*entry)).collect();
    let mut waiting = entries;
    let end = budget.and_then(|budget| start.checked_add(budget));
    let (mut ready, mut failed, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let next = match end {
            None => building.next().await,
            Some(end) => match timeout_at(end, building.next()).await {
                Ok(next) => next,
                Err(_) => {
                    let resources = names(&waiting).join(", ");
                    tracing::warn!(resources, "still building; carried into the first invocation");
                    break;
                }
            },
        };
        let Some((entry, outcome)) = next else {
            break;
        };
        let name = entry.name();
        waiting.retain(|other| !std::ptr::addr_eq(*other, entry));
        match outcome {
            // Seen where the time of INIT runs out before it is over.
            Ok(()) => {
                tracing::debug!(resource = name, "ready");
                ready.push(ResourceSnapshot::of(entry));
            }
            Err(error) => {
                failed.push(name);
                // Of one that is recoverable, or needs one that is, whoever needs it gets the error
                // until it works. All are logged where they fail.
                if !error.is_recoverable() {
                    // By name, so that a report reads the same each time.
                    let before = |other: &ResourceError| other.resource() < error.resource();
                    failures.insert(failures.partition_point(before), error);
                }
            }
        }
    }
    if !waiting.is_empty() {
        // Each has its line in the log when it is there.
        drop(spawn(async move {
            while let Some((entry, outcome)) = building.next().await {
                if outcome.is_ok() {
                    metrics::log::ready(&ResourceSnapshot::of(entry), "init");
                }
            }
        }));
    }
    let duration = start.elapsed();
    let (container_id, start) = {
        let mut record = CONTAINER.record();
        (record.ready, record.init) = (CLOCK.sync(), Some(duration));
        (record.id(), record.start)
    };
    metrics::emit(&Event::Init(Init {
        container_id,
        start,
        restore,
        duration,
        resources: ready,
        failed,
        carried: names(&waiting),
    }));
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

fn names(entries: &[&dyn RegistryEntry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.name()).collect()
}

/// Whether anything wants to be closed at SHUTDOWN.
#[cfg(all(unix, feature = "graceful-shutdown"))]
pub(crate) fn has_close() -> bool {
    registry().any(|entry| entry.has_close())
}

/// SHUTDOWN: closes everything, dependents before what they depend on. Each depth has its share of
/// the time that is left, so that one hook that hangs does not stop the others.
pub(crate) fn shutdown() -> BoxFuture<'static, ()> {
    Box::pin(close_all())
}

async fn close_all() {
    let entries = dependents_first();
    let depths: Vec<_> = entries.chunk_by(|a, b| a.depth() == b.depth()).collect();
    let start = Instant::now();
    let end = start + SHUTDOWN_BUDGET;
    let mut unclosed = Vec::new();
    for (n, level) in depths.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(depths.len() - n).unwrap_or(u32::MAX);
        let closing = join_all(level.iter().filter_map(|entry| entry.close()));
        if tokio::time::timeout(share, closing).await.is_err() {
            let resources = names(level);
            tracing::warn!(resources = resources.join(", "), "not closed in time");
            unclosed.extend(resources);
        }
    }
    let (container_id, uptime) = (CONTAINER.id(), CONTAINER.age());
    let duration = start.elapsed();
    metrics::emit(&Event::Shutdown(Shutdown { container_id, uptime, duration, unclosed }));
}

/// Everything that wants to be closed, in the order in which it is.
fn dependents_first() -> Vec<&'static dyn RegistryEntry> {
    in_order().into_iter().rev().filter(|entry| entry.has_close()).collect()
}

/// All nodes, each after what it is built from; of one depth by name.
fn in_order() -> Vec<&'static dyn RegistryEntry> {
    let storage = |entry: &&dyn RegistryEntry| (entry.depth(), entry.name());
    let mut entries = Vec::new();
    for entry in registry() {
        entries.insert(entries.partition_point(|other| storage(other) < storage(&entry)), entry);
    }
    entries
}

/// Lambda kills the process 500 ms after SIGTERM where an internal extension is registered.
const SHUTDOWN_BUDGET: Duration = Duration::from_millis(300);

/// What is being built now, by name.
pub(crate) fn building() -> Vec<&'static str> {
    let building: Vec<_> = registry().filter(|entry| entry.is_building()).collect();
    names(&building)
}

/// Whether a generation that was replaced waits to be closed.
pub(crate) fn has_retired() -> bool {
    registry().any(|entry| entry.has_retired())
}

/// Closes the generations that were replaced and that nobody holds any more.
pub(crate) async fn close_retired() {
    for entry in dependents_first() {
        if let Some(closing) = entry.close_retired() {
            closing.await;
        }
    }
}
