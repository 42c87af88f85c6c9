//! The half of a cache that knows the keys and not the answers: who joins which fetch, what may be
//! given while it is stale, what is forgotten when.

use std::collections::HashSet;
use std::collections::hash_map::{Entry as Place, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use super::answer::{Failure, Fetch, Landing, Outcome};
use super::fetch::{Claim, Next, Revalidation, Underway};
use super::key::Key;
use super::policy::Policy;
use super::store::{Entry, Map, Store};
use crate::clock::{CLOCK, Tick};
use crate::erased::Erased;
use crate::error::{BoxError, ResourceError};
use crate::flight::{Arrival, take_off};
use crate::random;
use crate::resource::{Kind, Node, Settling};
use crate::stats::{Counters, Stats};

/// See the module.
pub struct Desk<K: 'static> {
    pub(super) policy: Policy,
    /// Whether all who wait for a fetch can have its error.
    pub(super) shares_errors: bool,
    this: fn() -> &'static dyn Shelf<K>,
    as_resource: Option<AsResource<K>>,
    /// Errors that are kept under `negative_ttl`.
    pub(super) failures: Map<K, Failure>,
    underway: LazyLock<Mutex<HashMap<K, Underway>>>,
    /// Keys whose stale answer was given in an invocation that will fetch it after its response.
    revalidating: LazyLock<Mutex<HashSet<K>>>,
    /// No entry dies before this.
    next_death: AtomicU64,
    /// How many fetches were begun: each has its own number.
    numbers: AtomicU64,
    /// The first fetch of this container: those before it are another's, in a test.
    pub(super) first: AtomicU64,
    pub(super) counters: Counters,
}

/// What a cache has that is a resource.
pub(super) struct AsResource<K: 'static> {
    pub(super) key: K,
    pub(super) fetch: fn(K) -> Fetch,
}

/// The half of a cache that knows the answers, as the other half sees it.
pub trait Shelf<K: 'static>: Sync {
    /// The other half.
    fn desk(&self) -> &Desk<K>;
    /// What is kept for a key, whatever its age.
    fn find(&self, key: &K) -> Option<(Erased, Stamp)>;
    /// Whether a value says that there is none.
    fn is_none(&self, value: &Erased) -> bool;
    /// Keeps a value.
    fn keep(&self, key: K, value: &Erased, fresh_until: Tick);
    /// Forgets the value of a key.
    fn forget(&self, key: &K);
    /// Forgets all values that are not to be kept.
    fn retain(&self, keep: &dyn Fn(Stamp) -> bool);
    /// How many values there are, and how many had to make room.
    fn count(&self) -> (usize, u64);
    /// An error of the function as the source of another.
    fn report(&self, error: &Erased) -> BoxError;
    /// Back to how the process started, for the next simulated container.
    #[cfg(feature = "testing")]
    fn reset(&self);
}

/// What is known of a value that is kept.
#[derive(Clone, Copy)]
pub struct Stamp {
    pub(super) fresh_until: Tick,
    /// Whether it says that there is none: then it is given for its own time only.
    pub(super) is_none: bool,
}

/// Begins the fetch of a key. Called once at the most.
pub(super) type Begin<'a, K> = &'a mut (dyn FnMut(K) -> Fetch + Send + 'a);

impl<K: 'static> Desk<K> {
    pub(super) fn underway(&self) -> MutexGuard<'_, HashMap<K, Underway>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn revalidating(&self) -> MutexGuard<'_, HashSet<K>> {
        self.revalidating.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> Desk<K> {
    pub(super) const fn new(
        policy: Policy,
        shares_errors: bool,
        max_entries: usize,
        as_resource: Option<AsResource<K>>,
        this: fn() -> &'static dyn Shelf<K>,
    ) -> Self {
        Self {
            policy,
            shares_errors,
            this,
            as_resource,
            failures: Map::new(max_entries),
            underway: LazyLock::new(Mutex::default),
            revalidating: LazyLock::new(Mutex::default),
            next_death: AtomicU64::new(u64::MAX),
            numbers: AtomicU64::new(0),
            first: AtomicU64::new(0),
            counters: Counters::new(),
        }
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
    fn dead_at(&self, stamp: Stamp) -> Tick {
        let Policy { stale_while_revalidate, stale_if_error, .. } = self.policy;
        Self::usable_until(stamp, stale_while_revalidate.max(stale_if_error))
    }

    /// Nothing is dropped before this.
    fn dies(&self, at: Tick) {
        self.next_death.fetch_min(at.0, Relaxed);
    }

    /// The end of a lifetime that began with the fetch.
    fn end_of(&self, started: Tick, ttl: u64) -> Tick {
        let lifetime = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        Tick(started.0.saturating_add(lifetime))
    }

    pub(super) fn stats(&self) -> Stats {
        let (entries, evictions) = (self.this)().count();
        Stats {
            hits: self.counters.hits.sum(),
            misses: self.counters.misses.load(Relaxed),
            loads: self.counters.loads.load(Relaxed),
            load_errors: self.counters.load_errors.load(Relaxed),
            stale_hits: self.counters.stale_hits.load(Relaxed),
            evictions: evictions + self.failures.evictions(),
            entries: entries + self.failures.len(),
            load_time: Duration::from_nanos(self.counters.load_time.load(Relaxed)),
        }
    }
}

impl<K: Key> dyn Shelf<K> {
    /// What is not a hit.
    #[cold]
    pub(super) async fn look(&'static self, key: K, fetch: Begin<'_, K>) -> Outcome {
        if let Some(outcome) = self.kept(&key, fetch) {
            return outcome;
        }
        self.desk().counters.misses.fetch_add(1, Relaxed);
        let outcome = self.fetch(key.clone(), fetch, false).await;
        self.or_stale(&key, outcome)
    }

    /// The same for a function that is not async.
    #[cold]
    pub(super) fn look_blocking(&'static self, key: K, fetch: Begin<'_, K>) -> Outcome {
        if let Some(outcome) = self.kept(&key, fetch) {
            return outcome;
        }
        self.desk().counters.misses.fetch_add(1, Relaxed);
        let outcome = self.fetch_blocking(key.clone(), fetch, false);
        self.or_stale(&key, outcome)
    }

    /// The value of a cache that is a resource.
    pub(super) async fn resource(&'static self) -> Result<Erased, ResourceError> {
        let desk = self.desk();
        let Some(AsResource { key, fetch }) = &desk.as_resource else {
            unreachable!("what is no resource is not held");
        };
        let outcome = self.look(key.clone(), &mut |key| fetch(key)).await;
        outcome.map_err(|failure| match failure {
            Failure::Error(error) => {
                ResourceError::new(desk.policy.name, self.report(&error), false)
            }
            Failure::Resource(error) if error.resource() == desk.policy.name => error,
            Failure::Resource(error) => {
                ResourceError::new(desk.policy.name, Box::new(error), false)
            }
        })
    }

    /// The answer, if it may be given as it is; one that is stale is fetched again after the
    /// response, unless it was just found that that fails.
    fn kept(&'static self, key: &K, fetch: Begin<'_, K>) -> Option<Outcome> {
        let (desk, now) = (self.desk(), CLOCK.now());
        let failure = desk.failures.find(key).filter(|entry| now < entry.fresh_until);
        let usable = |stamp, window| now < Desk::<K>::usable_until(stamp, window);
        if let Some((value, stamp)) = self.find(key) {
            if now < stamp.fresh_until {
                desk.counters.hits.add();
                return Some(Ok(value));
            }
            let revalidates = usable(stamp, desk.policy.stale_while_revalidate);
            if failure.is_some() && (revalidates || usable(stamp, desk.policy.stale_if_error)) {
                desk.counters.stale_hits.fetch_add(1, Relaxed);
                return Some(Ok(value));
            }
            // Without a later there is no time to fetch it but now.
            if revalidates && crate::scope::can_defer() {
                desk.counters.stale_hits.fetch_add(1, Relaxed);
                self.revalidate(key, fetch);
                return Some(Ok(value));
            }
        }
        let failure = failure?;
        desk.counters.hits.add();
        Some(Err(failure.value))
    }

    /// Joins the fetch of this key or makes it; `anew`, whether or not there is an answer.
    pub(super) async fn fetch(&'static self, key: K, fetch: Begin<'_, K>, anew: bool) -> Outcome {
        loop {
            match self.next(&key, anew) {
                Next::Use(outcome) => return outcome,
                Next::Join(flight) => {
                    if let Some(outcome) = self.joined(&key, flight.landed().await, anew) {
                        return outcome;
                    }
                }
                Next::Fetch(claim) => return claim.fetch(fetch(key)).await,
            }
        }
    }

    /// The same for a function that is not async. Its fetch never waits for anything.
    pub(super) fn fetch_blocking(
        &'static self,
        key: K,
        fetch: Begin<'_, K>,
        anew: bool,
    ) -> Outcome {
        loop {
            match self.next(&key, anew) {
                Next::Use(outcome) => return outcome,
                Next::Join(flight) => {
                    if let Some(outcome) = self.joined(&key, flight.landed_blocking(), anew) {
                        return outcome;
                    }
                }
                Next::Fetch(claim) => {
                    let _waiting = claim.pilot.awaited();
                    let Some(outcome) = claim.run(fetch(key)).now_or_never() else {
                        unreachable!("a function that is not async does not wait");
                    };
                    return outcome.unwrap_or_else(|panic| panic.resume());
                }
            }
        }
    }

    fn next(&'static self, key: &K, anew: bool) -> Next<K> {
        let desk = self.desk();
        let mut underway = desk.underway();
        let now = CLOCK.now();
        if !anew {
            // A fetch may have ended since the caller looked.
            if let Some((value, _)) = self.find(key).filter(|(_, it)| now < it.fresh_until) {
                return Next::Use(Ok(value));
            }
            if let Some(failure) = desk.failures.find(key).filter(|it| now < it.fresh_until) {
                return Next::Use(Err(failure.value));
            }
        }
        let place = underway.entry(key.clone());
        if let Place::Occupied(place) = &place {
            let other = place.get();
            // What was asked for before a freeze may have been answered before it, too.
            let young = now < Tick(other.started.0.saturating_add(desk.policy.ttl));
            if young || !CLOCK.has_rested_since(other.started) {
                return Next::Join(other.flight.clone());
            }
        }
        let (pilot, flight) = take_off();
        let number = desk.numbers.fetch_add(1, Relaxed);
        place.insert_entry(Underway { number, started: now, flight });
        Next::Fetch(Claim { shelf: self, key: key.clone(), number, started: now, pilot })
    }

    /// What a fetch that was joined came to; `None` if the caller has to try for itself.
    fn joined(&self, key: &K, arrival: Arrival<Landing>, anew: bool) -> Option<Outcome> {
        match arrival {
            Arrival::Landed(Landing::Done(outcome)) => Some(outcome),
            Arrival::Landed(Landing::Failed) if anew => None,
            Arrival::Landed(Landing::Failed) => self.stale(key).map(Ok),
            Arrival::Lost => None,
            Arrival::Circular => {
                let error = self.desk().error("its function needs itself");
                Some(Err(Failure::Resource(error)))
            }
        }
    }

    /// The old value in the place of an error, while that is allowed.
    fn or_stale(&self, key: &K, outcome: Outcome) -> Outcome {
        outcome.or_else(|failure| self.stale(key).ok_or(failure))
    }

    fn stale(&self, key: &K) -> Option<Erased> {
        let desk = self.desk();
        let (value, stamp) = self.find(key)?;
        let now = CLOCK.now();
        if now < stamp.fresh_until {
            return Some(value); // another fetch has brought it
        }
        if now >= Desk::<K>::usable_until(stamp, desk.policy.stale_if_error) {
            return None;
        }
        desk.counters.stale_hits.fetch_add(1, Relaxed);
        tracing::warn!(cache = desk.policy.name, "fetching failed; the stale value is used");
        Some(value)
    }

    /// Fetches again after the response of this invocation, once however often it is asked for.
    fn revalidate(&'static self, key: &K, fetch: Begin<'_, K>) {
        if !self.desk().revalidating().insert(key.clone()) {
            return;
        }
        let fetch = fetch(key.clone());
        let turn = Revalidation { shelf: self, key: key.clone() };
        crate::scope::defer(async move {
            let turn = turn;
            if let Next::Fetch(claim) = self.next(&turn.key, true) {
                // Counted where it ends; the old value is still there for the next use.
                let _ = claim.run(fetch).await;
            }
        });
    }

    /// Keeps what a fetch brought, as far as it is to be kept.
    pub(super) fn settle(&self, key: &K, started: Tick, outcome: &Outcome) {
        let desk = self.desk();
        let negative_ttl = desk.policy.negative_ttl;
        match outcome {
            Ok(value) => {
                let is_none = self.is_none(value);
                let ttl = if is_none { negative_ttl } else { desk.policy.ttl };
                if ttl == 0 {
                    self.forget(key);
                } else {
                    let fresh_until = desk.end_of(started, ttl);
                    desk.dies(desk.dead_at(Stamp { fresh_until, is_none }));
                    self.keep(key.clone(), value, fresh_until);
                }
                desk.failures.remove(key);
            }
            // Beside a value that may still be given, in place of the error.
            Err(failure @ Failure::Error(_)) if negative_ttl > 0 && desk.shares_errors => {
                let fresh_until = desk.end_of(started, negative_ttl);
                desk.dies(fresh_until);
                desk.failures.insert(key.clone(), Entry { value: failure.clone(), fresh_until });
            }
            Err(_) => {}
        }
    }

    /// Forgets the answer of a key. That of a fetch under way is not kept.
    pub(super) fn invalidate(&self, key: &K) {
        let desk = self.desk();
        let mut underway = desk.underway();
        underway.remove(key);
        self.forget(key);
        desk.failures.remove(key);
    }

    /// Forgets all answers, as [`invalidate`](Self::invalidate) does one.
    pub(super) fn clear(&self) {
        let desk = self.desk();
        let mut underway = desk.underway();
        underway.clear();
        self.retain(&|_| false);
        desk.failures.retain(|_| false);
    }
}

impl<K: Key> Node for Desk<K> {
    fn name(&self) -> &'static str {
        self.policy.name
    }

    fn depth(&self) -> usize {
        self.policy.depth
    }

    fn kind(&self) -> Kind {
        Kind::Cache
    }

    fn settle(&'static self) -> Settling {
        Box::pin(async {
            match self.as_resource {
                Some(_) => (self.this)().resource().await.map(drop),
                None => Ok(()),
            }
        })
    }

    fn purge(&self, now: Tick) {
        if now.0 < self.next_death.load(Relaxed) {
            return;
        }
        self.next_death.store(u64::MAX, Relaxed);
        let lives = |dead_at: Tick| {
            if now < dead_at {
                self.dies(dead_at);
            }
            now < dead_at
        };
        (self.this)().retain(&|stamp| lives(self.dead_at(stamp)));
        self.failures.retain(|entry| lives(entry.fresh_until));
    }

    fn stats(&self) -> Option<Stats> {
        Some(Desk::stats(self))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.underway().clear();
        self.first.store(self.numbers.load(Relaxed), Relaxed);
        self.counters.reset();
        self.failures.reset();
        (self.this)().reset();
        self.revalidating().clear();
    }
}
