//! All of a cache but the types of its answers: who joins which fetch, what may be given while it is
//! stale, what is forgotten when.

use std::collections::HashSet;
use std::collections::hash_map::{Entry as Storage, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::entries::{Entries, Entry, Map, Stamp};
use super::fetch::{FetchLeader, InFlight, Lookup, Revalidation, Runs};
use super::key::Key;
use super::outcome::{Failure, Fetch, FetchResult, SharedResult};
use super::policy::{Facts, Policy};
use crate::base::clock::{CLOCK, Tick};
use crate::base::counters::{Counters, Stats};
use crate::base::erased::Erased;
use crate::base::random;
use crate::base::single_flight::{self, Completion};
use crate::error::{BoxError, ResourceError};
use crate::resource::{EnsureReady, EntryKind, RegistryEntry};

/// See the module.
pub struct Engine<K: 'static> {
    pub(super) policy: Policy,
    /// Whether a value says that there is none.
    is_none: fn(&Erased) -> bool,
    /// An error of the function as the source of another.
    report: fn(&Erased) -> BoxError,
    /// Whether all who wait for a fetch can have its error.
    pub(super) shares_errors: bool,
    as_resource: Option<AsResource<K>>,
    /// Where its values are kept.
    values: fn() -> &'static dyn Entries<K>,
    /// Errors that are kept under `negative_ttl`.
    failures: Map<K>,
    in_flight: LazyLock<Mutex<HashMap<K, InFlight>>>,
    /// Keys whose stale answer was given in an invocation that will fetch it after its response.
    revalidating: LazyLock<Mutex<HashSet<K>>>,
    /// No entry dies before this.
    next_expiry: AtomicU64,
    /// How many fetches were begun: each has its own number.
    numbers: AtomicU64,
    /// The first fetch of this container: those before it are another's, in a test.
    pub(super) first: AtomicU64,
    pub(super) counters: Counters,
}

/// The key of a cache that is a resource, and what begins its fetch.
pub(super) type AsResource<K> = (K, fn(K) -> Fetch);

/// Begins the fetch of a key.
pub(super) type Begin<'a, K> = Box<dyn FnOnce(K) -> Fetch + Send + 'a>;

impl<K: Key> Engine<K> {
    /// Of a cache whose values are kept there, at most so many.
    pub(super) const fn new<E>(
        policy: Policy,
        facts: &Facts<E>,
        values: fn() -> &'static dyn Entries<K>,
        max_entries: usize,
        as_resource: Option<AsResource<K>>,
    ) -> Self {
        Self {
            policy,
            is_none: facts.is_none,
            report: facts.report,
            shares_errors: facts.clone_error.is_some(),
            as_resource,
            values,
            failures: Map::new(max_entries),
            in_flight: LazyLock::new(Mutex::default),
            revalidating: LazyLock::new(Mutex::default),
            next_expiry: AtomicU64::new(u64::MAX),
            numbers: AtomicU64::new(0),
            first: AtomicU64::new(0),
            counters: Counters::new(),
        }
    }

    fn values(&self) -> &'static dyn Entries<K> {
        (self.values)()
    }

    pub(super) fn in_flight(&self) -> MutexGuard<'_, HashMap<K, InFlight>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revalidating(&self) -> MutexGuard<'_, HashSet<K>> {
        self.revalidating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why there is no answer, where it is not the function that says so.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> ResourceError {
        ResourceError::new(self.policy.name, crate::Error::msg(message).into(), false)
    }

    /// Until when a value may be given that is allowed so long after its TTL.
    fn usable_until(stamp: Stamp, window: u64) -> Tick {
        let window = if stamp.is_none { 0 } else { window };
        Tick(stamp.fresh_until.0.saturating_add(window))
    }

    /// When nobody may be given it any more.
    fn expires_at(&self, stamp: Stamp) -> Tick {
        let Policy { stale_while_revalidate, stale_if_error, .. } = self.policy;
        Self::usable_until(stamp, stale_while_revalidate.max(stale_if_error))
    }

    /// Nothing is dropped before this.
    fn expires(&self, at: Tick) {
        self.next_expiry.fetch_min(at.0, Relaxed);
    }

    /// Of what is kept for a lifetime that began with the fetch.
    fn stamp(&self, started: Tick, ttl: u64, is_none: bool) -> Stamp {
        let lifetime = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        Stamp { fresh_until: Tick(started.0.saturating_add(lifetime)), is_none }
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            hits: self.counters.hits.sum(),
            misses: self.counters.misses.load(Relaxed),
            loads: self.counters.loads.load(Relaxed),
            load_errors: self.counters.load_errors.load(Relaxed),
            stale_hits: self.counters.stale_hits.load(Relaxed),
            evictions: self.values().evictions() + self.failures.evictions(),
            entries: self.values().len() + self.failures.len(),
            load_time: Duration::from_nanos(self.counters.load_time.load(Relaxed)),
        }
    }

    /// What is not a hit.
    #[cold]
    pub(super) async fn look(
        &'static self,
        key: K,
        fetch: Begin<'_, K>,
        runs: Runs,
    ) -> FetchResult {
        match self.kept(&key, fetch) {
            Ok(outcome) => outcome,
            Err(fetch) => {
                let outcome = self.fetch(key.clone(), fetch, runs, false).await;
                self.or_stale(&key, outcome)
            }
        }
    }

    /// The value of a cache that is a resource.
    pub(super) async fn resource(&'static self) -> Result<Erased, ResourceError> {
        let Some((key, fetch)) = &self.as_resource else {
            unreachable!("what is no resource is not held");
        };
        let looked = self.look(key.clone(), Box::new(fetch), Runs::InATask).await;
        looked.map_err(|failure| match failure {
            Failure::Error(error) => {
                ResourceError::new(self.policy.name, (self.report)(&error), false)
            }
            Failure::Resource(error) if error.resource() == self.policy.name => error,
            Failure::Resource(error) => {
                ResourceError::new(self.policy.name, Box::new(error), false)
            }
        })
    }

    /// The answer, if it may be given as it is; one that is stale is fetched again after the
    /// response, unless it was just found that that fails.
    ///
    /// # Errors
    /// There is none: gives back what begins its fetch.
    fn kept<'a>(&'static self, key: &K, fetch: Begin<'a, K>) -> Result<FetchResult, Begin<'a, K>> {
        let (policy, now) = (&self.policy, CLOCK.now());
        let failure = self.failures.find(key).filter(|entry| now < entry.stamp.fresh_until);
        let usable = |stamp, window| now < Self::usable_until(stamp, window);
        if let Some(Entry { value, stamp }) = self.values().find(key) {
            if now < stamp.fresh_until {
                self.counters.hits.add();
                return Ok(Ok(value));
            }
            let revalidates = usable(stamp, policy.stale_while_revalidate);
            if failure.is_some() && (revalidates || usable(stamp, policy.stale_if_error)) {
                self.counters.stale_hits.fetch_add(1, Relaxed);
                return Ok(Ok(value));
            }
            // Without a later there is no time to fetch it but now.
            if revalidates && crate::invocation::context::can_defer() {
                self.counters.stale_hits.fetch_add(1, Relaxed);
                self.revalidate(key.clone(), fetch);
                return Ok(Ok(value));
            }
        }
        match failure {
            Some(failure) => {
                self.counters.hits.add();
                Ok(Err(Failure::Error(failure.value)))
            }
            None => {
                self.counters.misses.fetch_add(1, Relaxed);
                Err(fetch)
            }
        }
    }

    /// Joins the fetch of this key or makes it; `anew`, whether or not there is an answer.
    pub(super) async fn fetch(
        &'static self,
        key: K,
        fetch: Begin<'_, K>,
        runs: Runs,
        anew: bool,
    ) -> FetchResult {
        loop {
            match self.next(&key, anew) {
                Lookup::Use(outcome) => return outcome,
                Lookup::Join(follower) => {
                    if let Some(outcome) = self.joined(&key, follower.wait().await, anew) {
                        return outcome;
                    }
                }
                Lookup::Fetch(leader) => return leader.fetch(fetch(key), runs).await,
            }
        }
    }

    fn next(&'static self, key: &K, anew: bool) -> Lookup<K> {
        let mut in_flight = self.in_flight();
        let now = CLOCK.now();
        if !anew {
            // A fetch may have ended since the caller looked.
            let fresh = |entry: &Entry| now < entry.stamp.fresh_until;
            if let Some(entry) = self.values().find(key).filter(fresh) {
                return Lookup::Use(Ok(entry.value));
            }
            if let Some(failure) = self.failures.find(key).filter(fresh) {
                return Lookup::Use(Err(Failure::Error(failure.value)));
            }
        }
        let storage = in_flight.entry(key.clone());
        if let Storage::Occupied(storage) = &storage {
            let other = storage.get();
            // What was asked for before a freeze may have been answered before it, too.
            let young = now < Tick(other.started.0.saturating_add(self.policy.ttl));
            if young || !CLOCK.has_rested_since(other.started) {
                return Lookup::Join(other.follower.clone());
            }
        }
        let (leader, follower) = single_flight::new();
        let number = self.numbers.fetch_add(1, Relaxed);
        storage.insert_entry(InFlight { number, started: now, follower });
        Lookup::Fetch(FetchLeader { engine: self, key: key.clone(), number, started: now, leader })
    }

    /// What a fetch that was joined came to; `None` if the caller has to try for itself.
    fn joined(
        &self,
        key: &K,
        arrival: Completion<SharedResult>,
        anew: bool,
    ) -> Option<FetchResult> {
        match arrival {
            Completion::Completed(SharedResult::Done(outcome)) => Some(outcome),
            Completion::Completed(SharedResult::Failed) if anew => None,
            Completion::Completed(SharedResult::Failed) => self.stale(key).map(Ok),
            Completion::Abandoned => None,
            Completion::Circular => {
                let error = self.error("its function needs itself");
                Some(Err(Failure::Resource(error)))
            }
        }
    }

    /// The old value in the place of an error, while that is allowed.
    fn or_stale(&self, key: &K, outcome: FetchResult) -> FetchResult {
        outcome.or_else(|failure| self.stale(key).ok_or(failure))
    }

    fn stale(&self, key: &K) -> Option<Erased> {
        let Entry { value, stamp } = self.values().find(key)?;
        let now = CLOCK.now();
        if now < stamp.fresh_until {
            return Some(value); // another fetch has brought it
        }
        if now >= Self::usable_until(stamp, self.policy.stale_if_error) {
            return None;
        }
        self.counters.stale_hits.fetch_add(1, Relaxed);
        tracing::warn!(cache = self.policy.name, "fetching failed; the stale value is used");
        Some(value)
    }

    /// Fetches again after the response of this invocation, once however often it is asked for.
    fn revalidate(&'static self, key: K, fetch: Begin<'_, K>) {
        if !self.revalidating().insert(key.clone()) {
            return;
        }
        let fetch = fetch(key.clone());
        let turn = Revalidation { engine: self, key };
        crate::invocation::context::defer(async move {
            let turn = turn;
            if let Lookup::Fetch(leader) = self.next(&turn.key, true) {
                // Counted where it ends; the old value is still there for the next use.
                let _ = leader.run(fetch).await;
            }
        });
    }

    /// Keeps what a fetch brought, as far as it is to be kept.
    pub(super) fn ensure_ready(&self, key: &K, started: Tick, outcome: &FetchResult) {
        let Policy { ttl, negative_ttl, .. } = self.policy;
        match outcome {
            Ok(value) => {
                let is_none = (self.is_none)(value);
                let ttl = if is_none { negative_ttl } else { ttl };
                if ttl == 0 {
                    self.values().remove(key);
                } else {
                    self.keep(self.values(), key, value, self.stamp(started, ttl, is_none));
                }
                self.failures.remove(key);
            }
            // Beside a value that may still be given, in place of the error.
            Err(Failure::Error(error)) if negative_ttl > 0 && self.shares_errors => {
                self.keep(&self.failures, key, error, self.stamp(started, negative_ttl, true));
            }
            Err(_) => {}
        }
    }

    fn keep(&self, store: &dyn Entries<K>, key: &K, value: &Erased, stamp: Stamp) {
        self.expires(self.expires_at(stamp));
        store.insert(key.clone(), Entry { value: Arc::clone(value), stamp });
    }

    /// Forgets the answer of a key. That of a fetch under way is not kept.
    pub(super) fn invalidate(&self, key: &K) {
        let mut in_flight = self.in_flight();
        in_flight.remove(key);
        self.values().remove(key);
        self.failures.remove(key);
    }

    /// Forgets all answers, as [`invalidate`](Self::invalidate) does one.
    pub(super) fn clear(&self) {
        let mut in_flight = self.in_flight();
        in_flight.clear();
        self.values().retain(&|_| false);
        self.failures.retain(&|_| false);
    }
}

impl<K: Key> RegistryEntry for Engine<K> {
    fn name(&self) -> &'static str {
        self.policy.name
    }

    fn depth(&self) -> usize {
        self.policy.depth
    }

    fn kind(&self) -> EntryKind {
        EntryKind::Cache
    }

    fn ensure_ready(&'static self) -> EnsureReady {
        // One that may be given as it is is no hit: nobody is given it here.
        let is_usable = |entry: Entry| {
            let window = self.policy.stale_while_revalidate;
            CLOCK.now() < Self::usable_until(entry.stamp, window)
        };
        match &self.as_resource {
            Some((key, _)) if !self.values().find(key).is_some_and(is_usable) => {
                Box::pin(async { self.resource().await.map(drop) })
            }
            _ => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn purge(&self, now: Tick) {
        if now.0 < self.next_expiry.load(Relaxed) {
            return;
        }
        self.next_expiry.store(u64::MAX, Relaxed);
        let lives = |expires_at: Tick| {
            if now < expires_at {
                self.expires(expires_at);
            }
            now < expires_at
        };
        let lives = |stamp| lives(self.expires_at(stamp));
        self.values().retain(&lives);
        self.failures.retain(&lives);
    }

    fn stats(&self) -> Option<Stats> {
        Some(Engine::stats(self))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.in_flight().clear();
        self.first.store(self.numbers.load(Relaxed), Relaxed);
        self.counters.reset();
        self.failures.reset();
        self.values().reset();
        self.revalidating().clear();
    }
}
