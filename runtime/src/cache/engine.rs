//! The engine of a cache, without the type of its values: lookups, single flight, and fetches.
//!
//! - **A fetch ends.** It is given up after its `timeout`, or 60 seconds. Callers join it only while
//!   it is younger than the TTL.
//! - **Panics** of a fetch are those of the caller that leads it; the next caller in line leads
//!   another one.
//! - **Locks**: what is taken out of a storage is dropped when no lock is held. Under the locks only
//!   `Hash` and `Eq` of keys run.

use std::collections::HashSet;
use std::collections::hash_map::HashMap;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;
use tokio::task::yield_now;

use super::entries::{Entries, Removed, Stamp};
use super::kept::{FetchId, Kept, Usable, drop_removed};
use super::key::Key;
use super::outcome::{Failure, Fetch, FetchResult, SharedResult};
use super::policy::{Facts, Policy, Runs};
use super::tier::{Fetched, Leading, Replacement, SecondTier};
use crate::base::clock::{CLOCK, Tick, nanos};
use crate::base::counters::{CacheCounters, Stats};
use crate::base::erased::{BoxFuture, Erased};
use crate::base::limit::{poll_until, run_until};
use crate::base::panic::{Panic, catch, catch_async, log_caught};
use crate::base::single_flight::{self, Completion, Follower, Leader, blocking};
use crate::error::{BoxError, ResourceError, chain};
use crate::invocation::context::{can_defer, carried, current, defer};
use crate::resource::{EnsureReady, EntryKind, RegistryEntry};
use crate::store::StoreError;

/// The limit of a fetch for which no `timeout` is set.
const FETCH_LIMIT: Duration = Duration::from_secs(60);
/// The time for which a lease lasts, if no `timeout` is set.
const LEASE: Duration = Duration::from_secs(10);

/// See the module.
pub struct Engine<K: 'static> {
    kept: Kept<K>,
    /// Makes the error of a fetch the source of another error.
    report: fn(&Erased) -> BoxError,
    /// Formats an error that is not `Clone`, for followers whose error can be made of a text.
    chain: Option<fn(&Erased) -> String>,
    as_resource: Option<AsResource<K>>,
    pub(super) tier: Option<&'static dyn SecondTier<K>>,
    /// The leader of a fetch has the same `Arc`, and takes it out of here before it drops its own: no
    /// key is dropped under the lock.
    in_flight: LazyLock<Mutex<InFlights<K>>>,
    /// Keys whose stale value was used in an invocation that fetches it after its response.
    revalidating: LazyLock<Mutex<HashSet<Arc<K>>>>,
    /// The number of fetches that began. Each has its own number.
    numbers: AtomicU64,
    /// The number of times that it was emptied because a resource that it is built from was rebuilt.
    generation: AtomicU64,
    /// The first fetch that began after the last [`invalidate`](Self::invalidate) of any key.
    invalidated: AtomicU64,
    /// The first fetch of this container: earlier ones belong to another simulated container.
    first: AtomicU64,
    pub(super) counters: CacheCounters,
}

/// The key of a cache that is a resource, and the function that begins its fetch.
pub(super) type AsResource<K> = (K, fn(K) -> Fetch);

/// Begins the fetch of a key.
pub(super) type Begin<'a, K> = Box<dyn FnOnce(K) -> Fetch + Send + 'a>;

type InFlights<K> = HashMap<Arc<K>, InFlight, foldhash::fast::RandomState>;

/// The fetch of a key that is under way.
struct InFlight {
    id: FetchId,
    /// The start of the wait for it. Unlike the age of its value, this does not include frozen time.
    began: tokio::time::Instant,
    source: Source,
    follower: Follower<SharedResult>,
}

/// The source of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The function alone.
    Function,
    /// The second tier if there is one, whose entry may be older than the call.
    AnyTier {
        /// True if a stale entry may be used while the value is fetched again.
        accepts_stale: bool,
    },
}

/// The value that a caller wants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// One that is fresh.
    Fresh,
    /// One whose fetch has this number or a later one: it begins after the call.
    Since(u64),
}

/// The next step of a caller.
enum Lookup<K: Key> {
    Use(FetchResult),
    Join(InFlightWait),
    /// Wait for a fetch that began too early, and look again.
    After(InFlightWait),
    Lead(FetchLeader<K>),
}

impl<K: Key> Engine<K> {
    pub(super) const fn new<E>(
        policy: Policy,
        facts: &Facts<E>,
        values: fn() -> &'static dyn Entries<K>,
        max_entries: usize,
        as_resource: Option<AsResource<K>>,
    ) -> Self {
        Self {
            kept: Kept::new(
                policy,
                facts.is_none,
                facts.clone_error.is_some(),
                values,
                max_entries,
            ),
            report: facts.report,
            chain: match facts.from_resource_error {
                Some(_) => Some(facts.chain),
                None => None,
            },
            as_resource,
            tier: None,
            in_flight: LazyLock::new(Mutex::default),
            revalidating: LazyLock::new(Mutex::default),
            numbers: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            invalidated: AtomicU64::new(0),
            first: AtomicU64::new(0),
            counters: CacheCounters::new(),
        }
    }

    fn in_flight(&self) -> MutexGuard<'_, InFlights<K>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revalidating(&self) -> MutexGuard<'_, HashSet<Arc<K>>> {
        self.revalidating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A demand for a value whose fetch begins from now on.
    pub(super) fn refetch(&self) -> Want {
        Want::Since(self.numbers.load(Relaxed))
    }

    /// An error that is not the function's own.
    fn error(&self, message: impl std::fmt::Display) -> ResourceError {
        ResourceError::new(self.kept.policy.name, crate::error::Error::msg(message).into(), false)
    }

    pub(super) fn stats(&self) -> Stats {
        let (entries, evictions) = self.kept.counts();
        Stats {
            hits: self.counters.hits.sum(),
            misses: self.counters.misses.load(Relaxed),
            loads: self.counters.loads.load(Relaxed),
            load_errors: self.counters.load_errors.load(Relaxed),
            stale_hits: self.counters.stale_hits.load(Relaxed),
            store_hits: self.counters.store_hits.load(Relaxed),
            store_misses: self.counters.store_misses.load(Relaxed),
            store_errors: self.counters.store_errors.load(Relaxed),
            store_waits: self.counters.store_waits.load(Relaxed),
            evictions,
            entries,
            load_time: Duration::from_nanos(self.counters.load_time.load(Relaxed)),
        }
    }

    /// Returns the result of a call that is not a hit.
    #[cold]
    pub(super) async fn look(&'static self, key: K, fetch: Begin<'_, K>) -> FetchResult {
        let key = Arc::new(key);
        match self.kept(&key, fetch) {
            Ok(result) => result,
            Err(fetch) => {
                let result = match self.kept.policy.stale_if_slow {
                    Some(limit) => self.fetch_unless_slow(&key, fetch, limit).await,
                    None => self.fetch(&key, fetch, Want::Fresh).await,
                };
                result.or_else(|failure| self.stale(&key).ok_or(failure))
            }
        }
    }

    /// Fetches, but awaits the fetch only for `limit` from its start where a stale value may be used
    /// in its place. The fetch goes on, and ends before the container can freeze.
    ///
    /// In a box: the futures of cached functions that call each other are on one stack.
    fn fetch_unless_slow<'a>(
        &'static self,
        key: &'a Arc<K>,
        fetch: Begin<'a, K>,
        limit: Duration,
    ) -> BoxFuture<'a, FetchResult> {
        Box::pin(async move {
            let began = self.in_flight().get(key).map(|other| other.began);
            let end = began.unwrap_or_else(tokio::time::Instant::now).checked_add(limit);
            let end = end.filter(|_| self.kept.stale(key).is_some());
            let mut fetch = pin!(self.fetch(key, fetch, Want::Fresh));
            if let Some(result) = poll_until(end, fetch.as_mut()).await {
                return result;
            }
            let Some((value, _)) = self.kept.stale(key) else {
                return fetch.await;
            };
            self.counters.stale_hits.fetch_add(1, Relaxed);
            let cache = self.kept.policy.name;
            log_caught(|| tracing::debug!(cache, "fetch is slow; using the stale value"));
            let follower = self.in_flight().get(key).map(|other| other.follower.clone());
            if let Some(follower) = follower.filter(|_| current().is_some()) {
                defer(async { drop(follower.wait().await) });
            }
            Ok(value)
        })
    }

    /// Returns the value of a cache that is a resource.
    pub(super) async fn resource(&'static self) -> Result<Erased, ResourceError> {
        // An expired or rebuilt dependency is not ready again so soon but for a lifetime that is
        // shorter than its fetch.
        const MAX_TRIES: u8 = 3;
        for _ in 1..MAX_TRIES {
            let dependencies = self.needed_now();
            let ready: Result<(), _> = join_all(dependencies).await.into_iter().collect();
            if let Err(error) = ready {
                return Err(ResourceError::new(self.kept.policy.name, Box::new(error), false));
            }
            match self.fetched().await {
                Err(error) if self.kept.policy.runs == Runs::Here && error.is_not_ready() => {}
                result => return result,
            }
        }
        self.fetched().await
    }

    /// Begins to make ready what a fetch takes that does not await.
    fn needed_now(&'static self) -> Vec<EnsureReady> {
        let is_kept = |(key, _): &AsResource<K>| self.kept.has_usable(key);
        if self.kept.policy.runs == Runs::InATask || self.as_resource.as_ref().is_some_and(is_kept)
        {
            return Vec::new();
        }
        self.dependencies().iter().map(|entry| entry.ensure_ready()).collect()
    }

    /// Returns the value of a cache that is a resource to a caller that does not await.
    ///
    /// # Errors
    /// One that [is not ready](ResourceError::is_not_ready) if a fetch would have to be awaited.
    pub(super) fn resource_blocking(&'static self) -> Result<Erased, ResourceError> {
        if self.kept.policy.runs == Runs::Here {
            return blocking(self.fetched());
        }
        let is_kept = |(key, _): &AsResource<K>| self.kept.has_usable(key);
        let is_kept = self.as_resource.as_ref().is_some_and(is_kept);
        let value = if is_kept { self.fetched().now_or_never() } else { None };
        value.unwrap_or_else(|| Err(ResourceError::not_ready(self.kept.policy.name)))
    }

    async fn fetched(&'static self) -> Result<Erased, ResourceError> {
        let Some((key, fetch)) = &self.as_resource else {
            unreachable!("a cache that is no resource is not waited for as one");
        };
        let result = self.look(key.clone(), Box::new(fetch));
        // A panic is an error of whatever is built from this.
        let result = catch_async(result).await;
        let failure = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(panic) => {
                return Err(ResourceError::new(self.kept.policy.name, panic.into_error(), false));
            }
        };
        Err(match failure {
            Failure::Error(error) => {
                ResourceError::new(self.kept.policy.name, (self.report)(&error), false)
            }
            Failure::Resource(error) | Failure::TimedOut(error)
                if error.resource() == self.kept.policy.name =>
            {
                error
            }
            Failure::Resource(error) | Failure::TimedOut(error) => {
                ResourceError::new(self.kept.policy.name, Box::new(error), false)
            }
        })
    }

    /// Returns a kept value or failure that may be used as it is.
    ///
    /// # Errors
    /// The function that begins a fetch, if there is none.
    fn kept<'a>(
        &'static self,
        key: &Arc<K>,
        fetch: Begin<'a, K>,
    ) -> Result<FetchResult, Begin<'a, K>> {
        // Without an invocation or a runtime there is no later time to fetch a stale value again.
        let Some(usable) = self.kept.usable(key, can_defer) else {
            self.counters.misses.fetch_add(1, Relaxed);
            return Err(fetch);
        };
        match &usable {
            Usable::Fresh(_) => self.counters.hits.add(),
            _ => drop(self.counters.stale_hits.fetch_add(1, Relaxed)),
        }
        Ok(match usable {
            Usable::Fresh(result) => result,
            Usable::Stale(value) => Ok(value),
            Usable::Revalidate(value) => {
                self.revalidate(Arc::clone(key), fetch);
                Ok(value)
            }
        })
    }

    /// Joins the fetch of this key, or leads one.
    pub(super) async fn fetch(
        &'static self,
        key: &Arc<K>,
        fetch: Begin<'_, K>,
        want: Want,
    ) -> FetchResult {
        let mut given_up = None;
        let source = match want {
            Want::Fresh => Source::AnyTier { accepts_stale: can_defer() },
            Want::Since(_) => Source::Function,
        };
        loop {
            match self.lookup(key, want, source, given_up) {
                Lookup::Use(result) => return result,
                Lookup::Join(wait) => match wait.completion().await {
                    Ok(completion) => {
                        if let Some(result) = self.joined(key, completion, want) {
                            return result;
                        }
                    }
                    Err(number) => given_up = Some(number),
                },
                Lookup::After(wait) => match wait.completion().await {
                    Ok(Completion::Circular) => return Err(self.circular()),
                    Ok(_) => {}
                    Err(number) => given_up = Some(number),
                },
                Lookup::Lead(leader) => return leader.fetch(fetch(K::clone(key)), want).await,
            }
        }
    }

    fn lookup(
        &'static self,
        key: &Arc<K>,
        want: Want,
        source: Source,
        given_up: Option<u64>,
    ) -> Lookup<K> {
        let mut in_flight = self.in_flight();
        let now = CLOCK.now();
        // A fetch may have ended since the caller looked.
        let kept = match want {
            Want::Fresh => self.kept.fresh(key),
            // A value that a later fetch found in the store may be older than the call.
            Want::Since(_) if self.tier.is_some() => None,
            Want::Since(number) => self.kept.fetched_since(key, number).map(Ok),
        };
        if let Some(result) = kept {
            return Lookup::Use(result);
        }
        if let Some(other) = in_flight.get(key) {
            let end = other.id.started.0.saturating_add(self.kept.policy.ttl);
            let left = Duration::from_nanos(end.saturating_sub(now.0));
            let is_wanted = match want {
                Want::Fresh => true,
                Want::Since(number) => {
                    let is_later = other.id.number >= number || !other.follower.has_begun();
                    is_later && (self.tier.is_none() || other.source == Source::Function)
                }
            };
            if left > Duration::ZERO && given_up != Some(other.id.number) {
                let follower = other.follower.clone();
                let wait = InFlightWait { number: other.id.number, follower, left };
                return match is_wanted {
                    true => Lookup::Join(wait),
                    false => Lookup::After(wait),
                };
            }
        }
        let (leader, follower) = single_flight::new();
        let number = self.numbers.fetch_add(1, Relaxed);
        let id = FetchId { number, started: now };
        let began = tokio::time::Instant::now();
        // An insertion in its place would keep the key of the leader before.
        in_flight.remove(key);
        in_flight.insert(Arc::clone(key), InFlight { id, began, source, follower });
        Lookup::Lead(FetchLeader {
            engine: self,
            key: Arc::clone(key),
            id,
            function_began: OnceLock::new(),
            source,
            is_counted: false,
            is_ended: false,
            leader,
        })
    }

    /// The result of a fetch for a caller that joined it; `None` if the caller has to look again.
    fn joined(
        &self,
        key: &K,
        completion: Completion<SharedResult>,
        want: Want,
    ) -> Option<FetchResult> {
        match completion {
            Completion::Completed(SharedResult::Done(result)) => Some(result),
            Completion::Completed(SharedResult::Failed) if want != Want::Fresh => None,
            Completion::Completed(SharedResult::Failed) => self.stale(key).map(Ok),
            Completion::Abandoned => None,
            Completion::Circular => Some(Err(self.circular())),
        }
    }

    fn circular(&self) -> Failure {
        Failure::Resource(self.error("its function needs itself"))
    }

    /// The stale value that may be used in the place of a failure.
    fn stale(&self, key: &K) -> Option<Erased> {
        let (value, is_stale) = self.kept.instead_of_failure(key)?;
        if !is_stale {
            return Some(value);
        }
        self.counters.stale_hits.fetch_add(1, Relaxed);
        let cache = self.kept.policy.name;
        log_caught(|| tracing::warn!(cache, "fetch failed; using the stale value"));
        Some(value)
    }

    /// Fetches after the response of this invocation, once for all callers that ask for it.
    fn revalidate(&'static self, key: Arc<K>, fetch: Begin<'_, K>) {
        if !self.revalidating().insert(Arc::clone(&key)) {
            return;
        }
        let revalidation = Revalidation { engine: self, key };
        let fetch = fetch(K::clone(&revalidation.key));
        defer(async move {
            let Revalidation { key, .. } = &revalidation;
            if self.kept.policy.runs == Runs::Here {
                // A fetch that does not await fails for those that are not ready then.
                join_all(self.dependencies().iter().map(|entry| entry.ensure_ready())).await;
            }
            let source = Source::AnyTier { accepts_stale: false };
            let Lookup::Lead(leader) = self.lookup(key, self.refetch(), source, None) else {
                return;
            };
            // The stale value stays for the next call.
            let error = match leader.run(fetch, false).await {
                Ok(Ok(_)) => return,
                Ok(Err(Failure::Error(error))) => chain(&*(self.report)(&error)),
                Ok(Err(Failure::Resource(error) | Failure::TimedOut(error))) => chain(&error),
                Err(panic) => match panic.resource_error() {
                    Some(error) => chain(error),
                    None => panic.to_string(),
                },
            };
            let cache = self.kept.policy.name;
            log_caught(|| tracing::warn!(cache, error, "revalidation failed"));
        });
    }

    /// Returns the time for which a lease lasts: the time limit of the function, or 10 seconds, and no
    /// longer than the TTL, for which callers wait.
    fn lease(&self) -> Duration {
        let Policy { timeout, ttl, .. } = self.kept.policy;
        timeout.unwrap_or(LEASE).min(Duration::from_nanos(ttl))
    }

    /// Fetches, and replaces the entry of the second tier by the value.
    ///
    /// # Errors
    /// That of the store.
    pub(super) async fn replace(
        &'static self,
        key: &Arc<K>,
        fetch: Begin<'_, K>,
    ) -> Result<FetchResult, StoreError> {
        let claim = match self.tier {
            Some(tier) => Some((tier, tier.claim(key, self.lease()).await)),
            None => None,
        };
        let (started, fetched_ms) = (CLOCK.now(), CLOCK.wall_ms());
        let result = self.fetch(key, fetch, self.refetch()).await;
        if let Some((tier, claim)) = claim {
            let replacement = result.as_ref().ok().map(|value| Replacement {
                value: Arc::clone(value),
                is_none: self.kept.is_none(value),
                // A panic of `lifetime` is one of the fetch, which has not failed.
                stamp: catch(|| self.kept.stamp_of(value, FetchId { number: 0, started }))
                    .ok()
                    .flatten(),
                fetched_ms,
            });
            match (claim, replacement) {
                (Ok(claim), replacement) => tier.replace(claim, replacement).await?,
                (Err(error), Some(_)) => return Err(error),
                (Err(_), None) => {}
            }
        }
        Ok(result)
    }

    /// Removes the value of a key. That of a fetch under way is not kept.
    pub(super) fn invalidate(&self, key: &K) {
        let mut removed = Removed::new();
        {
            let mut in_flight = self.in_flight();
            self.invalidated.store(self.numbers.load(Relaxed), Relaxed);
            in_flight.remove(key);
            self.kept.remove(key, &mut removed);
        }
        drop_removed(removed);
    }

    /// Removes all values, as [`invalidate`](Self::invalidate) does one.
    pub(super) fn clear(&self) {
        let mut removed = Removed::new();
        {
            let mut in_flight = self.in_flight();
            self.invalidated.store(self.numbers.load(Relaxed), Relaxed);
            in_flight.clear();
            self.kept.clear(&mut removed);
        }
        drop_removed(removed);
    }
}

impl<K: Key> RegistryEntry for Engine<K> {
    fn name(&self) -> &'static str {
        self.kept.policy.name
    }

    fn depth(&self) -> usize {
        self.kept.policy.depth
    }

    fn kind(&self) -> EntryKind {
        EntryKind::Cache
    }

    fn dependencies(&self) -> Vec<&'static dyn RegistryEntry> {
        (self.kept.policy.dependencies)()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    /// A value that others are built from is never older than what it is built from. Those of keys stay
    /// for their TTL.
    fn mark_stale(&self, is_rebuilt: bool) {
        if is_rebuilt && self.as_resource.is_some() {
            self.generation.fetch_add(1, AcqRel);
            self.clear();
        }
    }

    fn ensure_ready(&'static self) -> EnsureReady {
        // A kept value that may be used is no hit: no caller uses it here.
        match &self.as_resource {
            Some((key, _)) if !self.kept.has_usable(key) => {
                Box::pin(async { self.resource().await.map(drop) })
            }
            _ => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn purge(&self, now: Tick) {
        self.kept.purge(now);
    }

    fn has_store(&self) -> bool {
        self.tier.is_some()
    }

    fn stats(&self) -> Option<Stats> {
        Some(Engine::stats(self))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.first.store(self.numbers.load(Relaxed), Relaxed);
        self.clear();
        self.counters.reset();
        self.kept.reset();
        if let Some(tier) = self.tier {
            tier.reset();
        }
        self.revalidating().clear();
    }
}

/// The result of a fetch for the caller that leads it: a panic is that caller's.
fn ended(result: Result<FetchResult, Panic>) -> FetchResult {
    result.unwrap_or_else(|panic| match panic.resource_error() {
        // The function uses a static that is unavailable.
        Some(error) => Err(Failure::Resource(error.clone())),
        None => panic.resume(),
    })
}

/// Polls `future` once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.poll_unpin(cx))).await
}

/// A wait for a fetch while it is younger than the TTL.
struct InFlightWait {
    number: u64,
    follower: Follower<SharedResult>,
    left: Duration,
}

impl InFlightWait {
    /// Waits for the fetch. A thread that blocks outside of a runtime has no limit.
    ///
    /// In a box: the futures of cached functions that call each other are on one stack.
    ///
    /// # Errors
    /// The number of the fetch, if it is too old by now.
    fn completion(self) -> BoxFuture<'static, Result<Completion<SharedResult>, u64>> {
        let wait = self.follower.wait();
        match Handle::try_current() {
            Ok(_) => Box::pin(async move {
                tokio::time::timeout(self.left, wait).await.map_err(|_| self.number)
            }),
            Err(_) => Box::pin(async { Ok(wait.await) }),
        }
    }
}

/// The right and the duty to end a fetch. Dropping it leaves the fetch without a result.
struct FetchLeader<K: Key> {
    engine: &'static Engine<K>,
    key: Arc<K>,
    id: FetchId,
    /// The time at which the function was called, if it was.
    function_began: OnceLock<Instant>,
    source: Source,
    is_counted: bool,
    is_ended: bool,
    leader: Leader<SharedResult>,
}

impl<K: Key> FetchLeader<K> {
    /// Fetches. Without a tokio runtime this is done on the caller's thread in any case.
    ///
    /// The caller polls the fetch of a fresh value once: one that is ready then needs no task. A fetch
    /// that another fetch waits for has its task from the start, so that functions that call
    /// themselves need no deep stack; so has that of a refresh, which other callers share until it
    /// runs, one that may ask a store, and one that is slow if it blocks the thread.
    async fn fetch(self, fetch: Fetch, want: Want) -> FetchResult {
        let runs = self.engine.kept.policy.runs;
        let runtime = Handle::try_current().ok().filter(|_| runs == Runs::InATask);
        let is_tried = runtime.is_some()
            && want == Want::Fresh
            && self.engine.tier.is_none()
            && self.engine.kept.policy.stale_if_slow.is_none()
            && !single_flight::is_leading();
        let _waiting = self.leader.wait_for();
        let mut run = self.boxed(fetch, is_tried);
        let Some(runtime) = runtime else {
            return ended(run.await);
        };
        if is_tried && let Poll::Ready(result) = poll_once(&mut run).await {
            // Many of those do not keep other tasks waiting.
            consume_budget().await;
            return ended(result);
        }
        ended(match runtime.spawn(run).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => std::panic::resume_unwind(payload),
                // The runtime is being shut down, and this caller with it.
                Err(_) => pending().await,
            },
        })
    }

    /// The rest of the work, in the invocation of the caller: its deadline and its deferred work are
    /// those of the fetch. A function of its own, whose stack is free again when the fetch runs.
    #[inline(never)]
    fn boxed(self, fetch: Fetch, is_tried: bool) -> BoxFuture<'static, Result<FetchResult, Panic>> {
        Box::pin(carried(self.run(fetch, is_tried)))
    }

    /// Fetches, and ends the fetch. If the caller tries whether it is ready at once, a result that is
    /// not kept is not ready: callers that come before the next task runs share it.
    async fn run(self, fetch: Fetch, is_tried: bool) -> Result<FetchResult, Panic> {
        self.leader.begin();
        let fetched = match (self.engine.tier, self.source) {
            (Some(tier), Source::AnyTier { accepts_stale }) => {
                let work = tier.fetch(&self.key, &self, fetch, accepts_stale);
                catch_async(self.leader.run(work)).await
            }
            (tier, _) => {
                let result = Leading::run(&self, fetch).await;
                let mut fetched = Fetched::result(&self, result, self.id.started);
                if let Some(tier) = tier {
                    fetched.stamp = fetched.stamp.map(|stamp| tier.local(stamp));
                }
                Ok(fetched)
            }
        };
        let is_kept = matches!(&fetched, Ok(Fetched { result: Ok(Ok(_)), stamp: Some(_), .. }));
        if is_tried && !is_kept {
            yield_now().await;
        }
        self.end(fetched)
    }

    fn end(mut self, fetched: Result<Fetched, Panic>) -> Result<FetchResult, Panic> {
        self.count(matches!(fetched, Ok(Fetched { result: Ok(Ok(_)), .. })));
        // Dropping this sends the followers on, and the leader has the panic.
        let Fetched { result, stamp, revalidation } = fetched?;
        let result = result?;
        let engine = self.engine;
        let mut removed = Removed::new();
        {
            let mut in_flight = engine.in_flight();
            if self.is_current(&in_flight) {
                in_flight.remove(&self.key);
                engine.kept.store(&self.key, self.id, stamp, &result, &mut removed);
            } else if result.is_ok()
                && engine.tier.is_none()
                && self.id.number >= engine.invalidated.load(Relaxed)
            {
                // It took so long that another fetch began, which may not have ended yet.
                engine.kept.store_unless_older(&self.key, self.id, stamp, &result, &mut removed);
            }
        }
        self.is_ended = true;
        self.leader.complete(match &result {
            Err(Failure::Error(error)) if !engine.kept.shares_errors => match engine.chain {
                Some(chain) => {
                    SharedResult::Done(Err(Failure::Resource(engine.error(chain(error)))))
                }
                None => SharedResult::Failed,
            },
            result => SharedResult::Done(result.clone()),
        });
        drop_removed(removed);
        if let Some(fetch) = revalidation {
            engine.revalidate(Arc::clone(&self.key), Box::new(|_| fetch));
        }
        Ok(result)
    }

    /// False if the key was invalidated, or a younger fetch is under way.
    fn is_current(&self, in_flight: &InFlights<K>) -> bool {
        in_flight.get(&self.key).is_some_and(|other| other.id.number == self.id.number)
    }

    fn count(&mut self, succeeded: bool) {
        let engine = self.engine;
        let is_counted = std::mem::replace(&mut self.is_counted, true);
        let Some(began) = self.function_began.get() else { return };
        if !is_counted && self.id.number >= engine.first.load(Relaxed) {
            let counters = &engine.counters;
            counters.load_time.fetch_add(nanos(began.elapsed()), Relaxed);
            counters.loads.fetch_add(1, Relaxed);
            counters.load_errors.fetch_add(u64::from(!succeeded), Relaxed);
        }
    }
}

impl<K: Key> Leading for FetchLeader<K> {
    fn run(&self, fetch: Fetch) -> BoxFuture<'_, Result<FetchResult, Panic>> {
        Box::pin(async {
            self.function_began.get_or_init(Instant::now);
            let limit = self.engine.kept.policy.timeout.unwrap_or(FETCH_LIMIT);
            let end = tokio::time::Instant::now().checked_add(limit);
            let result = {
                let work = pin!(Some(catch_async(self.leader.run(fetch))));
                run_until(end, work).await
            };
            result.unwrap_or_else(|| {
                let error = self.engine.error(format_args!("no value after {limit:?}"));
                Ok(Err(Failure::TimedOut(error)))
            })
        })
    }

    fn lease(&self) -> Duration {
        self.engine.lease()
    }

    fn stamp(&self, value: &Erased, started: Tick) -> Result<Option<Stamp>, Panic> {
        let fetch = FetchId { number: self.id.number, started };
        catch(|| self.engine.kept.stamp_of(value, fetch))
    }

    fn is_none(&self, value: &Erased) -> bool {
        self.engine.kept.is_none(value)
    }

    fn valid(&self) -> Option<(Erased, Stamp)> {
        self.engine.kept.valid(&self.key)
    }

    fn stale(&self) -> Option<(Erased, Stamp)> {
        self.engine.kept.stale(&self.key)
    }

    fn keep(&self, value: Erased, stamp: Stamp) {
        let mut removed = Removed::new();
        {
            let in_flight = self.engine.in_flight();
            if self.is_current(&in_flight) {
                self.engine.kept.keep_stale(&self.key, value, stamp, &mut removed);
            } else {
                removed.push(value);
            }
        }
        drop_removed(removed);
    }

    fn counters(&self) -> &'static CacheCounters {
        &self.engine.counters
    }
}

impl<K: Key> Drop for FetchLeader<K> {
    fn drop(&mut self) {
        // A fetch that is dropped, as at the deadline, has failed.
        self.count(false);
        if !self.is_ended {
            // Found by its number: `Hash` or `Eq` of the key may be what panicked.
            self.engine.in_flight().retain(|_, other| other.id.number != self.id.number);
        }
    }
}

/// The revalidation of a key. It is over when this is dropped.
struct Revalidation<K: Key> {
    engine: &'static Engine<K>,
    key: Arc<K>,
}

impl<K: Key> Drop for Revalidation<K> {
    fn drop(&mut self) {
        let _ = catch(|| self.engine.revalidating().remove(&self.key));
    }
}
