//! The container: what it has been through, and the INIT of all its resources.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::clock::{CLOCK, Tick};
use crate::error::ResourceError;
use crate::random;
use crate::resource::{Kind, Node, REGISTRY};
use crate::scope;
use crate::stats::Stats;

static CONTAINER: Container = Container { record: Mutex::new(Record::new()) };

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
}

#[derive(Debug)]
struct Record {
    id: u64,
    start: Start,
    born: Tick,
    invocations: u64,
    pings: u64,
    errors: u64,
    in_flight: u64,
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
            in_flight: 0,
            ready: Tick::ZERO,
            ended: None,
            idle_gap: None,
        }
    }
}

/// How a container came to be: `AWS_LAMBDA_INITIALIZATION_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Start {
    /// For an event that waited for it.
    OnDemand,
    /// Ahead of events, by provisioned concurrency.
    Provisioned,
    /// From a snapshot.
    SnapStart,
    /// On a Lambda Managed Instance.
    ManagedInstances,
    /// Outside Lambda.
    Local,
}

impl Container {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this container from all others, and from itself before a SnapStart restore.
    pub fn id(&self) -> String {
        format!("{:016x}", self.record().id)
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

    /// How many warm-up pings it answered. They are no invocations.
    pub fn pings(&self) -> u64 {
        self.record().pings
    }

    /// The share of invocations that failed, from 0 to 1; 0 before the first.
    pub fn error_rate(&self) -> f64 {
        let record = self.record();
        record.errors as f64 / record.invocations.max(1) as f64
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
        scope::current().is_some_and(|scope| scope.cold)
    }

    /// Every `#[init]` of the program.
    pub fn resources(&self) -> Vec<ResourceSnapshot> {
        let resources = REGISTRY.iter().filter(|node| node.kind() != Kind::Cache);
        let mut resources: Vec<_> = resources.map(|node| ResourceSnapshot::of(*node)).collect();
        resources.sort_by_key(|resource| (resource.depth, resource.name));
        resources
    }

    /// Every `#[cached]` of the program.
    pub fn caches(&self) -> Vec<CacheSnapshot> {
        let mut caches: Vec<_> =
            REGISTRY.iter().filter_map(|node| CacheSnapshot::of(*node)).collect();
        caches.sort_by_key(|cache| cache.name);
        caches
    }

    /// All of it, as it is now.
    pub fn snapshot(&self) -> ContainerSnapshot {
        ContainerSnapshot {
            id: self.id(),
            start: self.start(),
            age: self.age(),
            invocations: self.invocations(),
            errors: self.errors(),
            error_rate: self.error_rate(),
            in_flight: self.in_flight(),
            idle_gap: self.idle_gap(),
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
        REGISTRY.iter().for_each(|node| node.reset());
        *self.record() = Record::new();
    }

    /// An invocation begins: gives its number, and whether it is cold. What grew too old while the
    /// container was frozen is gone when this returns.
    pub(crate) fn invocation_begins(&self, ping: bool) -> (u64, bool) {
        let now = CLOCK.sync();
        let (number, cold, idle) = {
            let mut record = self.record();
            let busy = record.in_flight > 0;
            let since = |tick| {
                if busy { Duration::ZERO } else { now.since(tick) }
            };
            record.idle_gap = record.ended.map(since);
            let waited = matches!(record.start, Start::OnDemand | Start::Local);
            let cold = waited && record.invocations + record.pings == 0;
            record.invocations += u64::from(!ping);
            record.pings += u64::from(ping);
            record.in_flight += 1;
            // Before its first invocation a container may sit idle, too: provisioned, or restored.
            (record.invocations, cold, since(record.ended.unwrap_or(record.ready)))
        };
        // What is built from something in doubt is in doubt, too: both are looked at when both are
        // used, and nobody sees the old one beside the new.
        if REGISTRY.iter().fold(false, |doubt, node| node.thaw(idle) | doubt) {
            REGISTRY.iter().for_each(|node| node.suspect());
        }
        REGISTRY.iter().for_each(|node| node.purge());
        (number, cold)
    }

    /// An invocation has been answered.
    pub(crate) fn invocation_answered(&self, failed: bool) {
        self.record().errors += u64::from(failed);
    }

    /// An invocation has ended, with all that it deferred: the container may be frozen now.
    pub(crate) fn invocation_ends(&self) {
        let now = CLOCK.sync();
        REGISTRY.iter().for_each(|node| node.purge());
        let mut record = self.record();
        record.in_flight = record.in_flight.saturating_sub(1);
        record.ended = Some(now);
    }
}

/// INIT: builds every resource that is not lazy, all at the same time.
///
/// What is still building when the `budget` is spent is carried into the first invocation, which
/// waits for what it needs of it.
///
/// # Errors
/// Those of all required resources that could not be built.
pub(crate) async fn init(budget: Option<Duration>) -> Result<(), Vec<ResourceError>> {
    let eager = |kind| REGISTRY.iter().copied().filter(move |node| node.kind() == kind);
    // Those that wait go first, so that what computes hides behind their I/O.
    let nodes = eager(Kind::Waiting).chain(eager(Kind::Computing)).collect();
    let outcome = settle_all(nodes, budget, "init").await;
    CONTAINER.record().ready = CLOCK.sync();
    outcome
}

/// After a SnapStart restore: a new container, in which everything that a snapshot breaks is checked
/// or built anew, and what grew too old is gone.
///
/// # Errors
/// Those of all required resources that could not be made usable.
pub(crate) async fn restore() -> Result<(), Vec<ResourceError>> {
    random::reseed();
    CLOCK.sync();
    CONTAINER.record().id = random::bits();
    REGISTRY.iter().for_each(|node| node.purge());
    let nodes = REGISTRY.iter().copied().filter(|node| node.restored()).collect();
    let outcome = settle_all(nodes, None, "restore").await;
    let mut record = CONTAINER.record();
    (record.ready, record.ended) = (CLOCK.sync(), None);
    outcome
}

async fn settle_all(
    nodes: Vec<&'static dyn Node>,
    budget: Option<Duration>,
    phase: &'static str,
) -> Result<(), Vec<ResourceError>> {
    let settle = |node: &'static dyn Node| async move { (node.name(), node, node.settle().await) };
    let mut building: FuturesUnordered<_> = nodes.iter().map(|node| settle(*node)).collect();
    let mut waiting: Vec<&str> = nodes.iter().map(|node| node.name()).collect();
    let end = budget.and_then(|budget| Instant::now().checked_add(budget));
    let mut failures = Vec::new();
    loop {
        let next = match end {
            None => building.next().await,
            Some(end) => match timeout_at(end, building.next()).await {
                Ok(next) => next,
                Err(_) => {
                    let resources = waiting.join(", ");
                    tracing::warn!(resources, "still building; carried into the first invocation");
                    break;
                }
            },
        };
        let Some((name, node, outcome)) = next else {
            break;
        };
        waiting.retain(|other| *other != name);
        match outcome {
            Ok(()) => tracing::info!(
                resource = name,
                ms = node.build_time().unwrap_or_default().as_micros() as f64 / 1e3,
                depth = node.depth(),
                generation = node.generation(),
                "{phase}"
            ),
            Err(error) if !node.is_recoverable() => failures.push(error),
            // Logged where it failed. Whoever needs it gets its error until it works.
            Err(_) => {}
        }
    }
    failures.sort_by_key(ResourceError::resource);
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// Whether anything wants to be closed at SHUTDOWN.
#[cfg(all(unix, feature = "graceful-shutdown"))]
pub(crate) fn has_close() -> bool {
    REGISTRY.iter().any(|node| node.has_close())
}

/// SHUTDOWN: closes everything, dependents before what they depend on. Each depth has its share of
/// the time that is left, so that one hook that hangs does not stop the others.
pub(crate) async fn shutdown() {
    let nodes = dependents_first();
    let depths: Vec<_> = nodes.chunk_by(|a, b| a.depth() == b.depth()).collect();
    let end = Instant::now() + SHUTDOWN_BUDGET;
    for (n, level) in depths.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(depths.len() - n).unwrap_or(u32::MAX);
        let closing = join_all(level.iter().filter_map(|node| node.close()));
        if tokio::time::timeout(share, closing).await.is_err() {
            let resources: Vec<_> = level.iter().map(|node| node.name()).collect();
            tracing::warn!(resources = resources.join(", "), "not closed in time");
        }
    }
}

/// Everything that wants to be closed, in the order in which it is.
fn dependents_first() -> Vec<&'static dyn Node> {
    let mut nodes: Vec<_> = REGISTRY.iter().copied().filter(|node| node.has_close()).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.depth()));
    nodes
}

/// Lambda kills the process 500 ms after SIGTERM where an internal extension is registered.
const SHUTDOWN_BUDGET: Duration = Duration::from_millis(300);

/// Closes the generations that were replaced and that nobody holds any more.
pub(crate) async fn close_retired() {
    for node in dependents_first() {
        if let Some(closing) = node.close_retired() {
            closing.await;
        }
    }
}

/// A container at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ContainerSnapshot {
    /// [`Container::id`].
    pub id: String,
    /// [`Container::start`].
    pub start: Start,
    /// [`Container::age`].
    pub age: Duration,
    /// [`Container::invocations`].
    pub invocations: u64,
    /// [`Container::errors`].
    pub errors: u64,
    /// [`Container::error_rate`].
    pub error_rate: f64,
    /// [`Container::in_flight`].
    pub in_flight: u64,
    /// [`Container::idle_gap`].
    pub idle_gap: Option<Duration>,
    /// [`Container::resources`].
    pub resources: Vec<ResourceSnapshot>,
    /// [`Container::caches`].
    pub caches: Vec<CacheSnapshot>,
}

/// One `#[init]` at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ResourceSnapshot {
    /// Its name, as declared.
    pub name: &'static str,
    /// One more than the deepest resource it is built from; 0 if it needs none.
    pub depth: usize,
    /// How often it was built.
    pub generation: u64,
    /// How long building it took the last time.
    pub build_time: Option<Duration>,
}

impl ResourceSnapshot {
    fn of(node: &dyn Node) -> Self {
        Self {
            name: node.name(),
            depth: node.depth(),
            generation: node.generation(),
            build_time: node.build_time(),
        }
    }
}

/// One `#[cached]` at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CacheSnapshot {
    /// The function's name.
    pub name: &'static str,
    /// What it counted.
    #[serde(flatten)]
    pub stats: Stats,
}

impl CacheSnapshot {
    fn of(node: &dyn Node) -> Option<Self> {
        Some(Self { name: node.name(), stats: node.stats()? })
    }
}
