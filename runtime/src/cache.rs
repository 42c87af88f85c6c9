//! What stands behind `#[cached]`: one TTL cache, unkeyed (a [`Slot`]) or keyed and bounded (a
//! [`Map`]).
//!
//! A hit reads the container clock and the entry, nothing else. A miss joins the *fetch* of its key
//! that is under way, or starts one in a task of its own; a hit on another key never waits for it.
//!
//! - **Age** counts from the start of the fetch (as RFC 9111 counts it, §4.2.3), so that an answer
//!   that was held up by a freeze is not taken for a new one; nobody joins a fetch that is older
//!   than the TTL.
//! - **Cancellation**: a caller that goes away does not stop the fetch; its answer is kept for the
//!   next. If the runtime that it runs on is shut down, the next caller in line starts another.
//! - **Errors** are shared by all who waited where they are `Clone`; where not, the caller that
//!   started the fetch gets it and the next in line tries.
//! - **Circles**: a function that needs its own answer for the same key, through whatever others, gets
//!   an error ([`crate::flight`]).
//! - **Panics** are those of the caller that started the fetch; nothing is kept, the next in line
//!   tries.
//! - **Invalidation** while a fetch is under way: its answer goes to those who already wait for it
//!   and is not kept.
//! - **Locks** are never held while user code runs, but for `Clone`, `Hash`, `Eq` and `Drop` of keys
//!   and values.

mod answer;
mod fetch;
mod held;
mod key;
mod policy;
mod store;

use std::collections::HashSet;
use std::collections::hash_map::{Entry as Place, HashMap};
use std::hash::Hash;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use crate::clock::{CLOCK, Tick};
use crate::error::ResourceError;
use crate::flight::{Arrival, take_off};
use crate::random;
use crate::resource::{self, BoxFuture, Kind, Node, Place as _};
use crate::stats::{Counters, Stats};
use answer::{Answer, Landing};
use fetch::{Claim, Next, Revalidation, Underway};
use key::{Key, Owned, Value};
use store::{Entry, Map, Slot, Store};

pub use answer::{Failure, Fetch, infallible};
pub use held::HeldValue;
pub use key::{Arguments, Query};
pub use policy::{Facts, Policy};

/// See the module. `K` is `()` for a function without arguments.
pub struct Cache<K, V, E, S>
where
    K: 'static,
    V: 'static,
    E: 'static,
    S: 'static,
{
    policy: Policy,
    facts: Facts<V, E>,
    store: S,
    as_resource: Option<AsResource<K, V, E, S>>,
    underway: LazyLock<Mutex<HashMap<K, Underway<V, E>>>>,
    /// Keys whose stale answer was given in an invocation that will fetch it after its response.
    revalidating: LazyLock<Mutex<HashSet<K>>>,
    /// No entry dies before this.
    next_death: AtomicU64,
    /// How many fetches were begun: each has its own number.
    numbers: AtomicU64,
    /// The first fetch of this container: those before it are another's, in a test.
    first: AtomicU64,
    counters: Counters,
    answers: PhantomData<fn() -> Answer<V, E>>,
}

/// What a cache has that is a resource.
struct AsResource<K: 'static, V: 'static, E: 'static, S: 'static> {
    fetch: fn(K) -> Fetch<V, E>,
    settle: Settle<Cache<K, V, E, S>>,
}

/// Fills a cache that is a resource.
type Settle<C> = fn(&'static C) -> BoxFuture<'static, Result<(), ResourceError>>;

/// The cache of a function without arguments.
pub type Unkeyed<V, E> = Cache<(), V, E, Slot<V, E>>;
/// The cache of a function with arguments.
pub type Keyed<K, V, E> = Cache<K, V, E, Map<K, V, E>>;

impl<V: Value, E: Send + 'static> Unkeyed<V, E> {
    /// An empty cache. `fetch` fills it if it is a resource; if it is none, its callers alone do.
    pub const fn unkeyed(
        policy: Policy,
        facts: Facts<V, E>,
        fetch: Option<fn(()) -> Fetch<V, E>>,
    ) -> Self {
        let as_resource = match fetch {
            Some(fetch) => Some(AsResource {
                fetch,
                settle: |cache| Box::pin(async { cache.hold().await.map(drop) }),
            }),
            None => None,
        };
        Self::new(policy, facts, Slot::new(), as_resource)
    }
}

impl<K: Hash + Eq, V: Clone, E> Keyed<K, V, E> {
    /// An empty cache for at most `max_entries` keys.
    pub const fn keyed(policy: Policy, facts: Facts<V, E>, max_entries: usize) -> Self {
        Self::new(policy, facts, Map::new(max_entries), None)
    }
}

impl<K, V, E, S> Cache<K, V, E, S> {
    const fn new(
        policy: Policy,
        facts: Facts<V, E>,
        store: S,
        as_resource: Option<AsResource<K, V, E, S>>,
    ) -> Self {
        Self {
            policy,
            facts,
            store,
            as_resource,
            underway: LazyLock::new(Mutex::default),
            revalidating: LazyLock::new(Mutex::default),
            next_death: AtomicU64::new(u64::MAX),
            numbers: AtomicU64::new(0),
            first: AtomicU64::new(0),
            counters: Counters::new(),
            answers: PhantomData,
        }
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<K, Underway<V, E>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> Cache<K, V, E, S> {
    /// The answer for these arguments, kept or fetched.
    ///
    /// # Errors
    /// The function's own.
    #[inline]
    pub async fn get<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, E> {
        match self.store.fresh(query) {
            Some(value) => {
                self.counters.hits.add();
                Ok(value)
            }
            None => self.look(query, fetch).await,
        }
    }

    /// The same for a function that is not async. Its fetch never waits for anything.
    ///
    /// # Errors
    /// The function's own.
    #[inline]
    pub fn get_blocking<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, E> {
        match self.store.fresh(query) {
            Some(value) => {
                self.counters.hits.add();
                Ok(value)
            }
            None => self.look_blocking(query, fetch),
        }
    }

    /// Fetches now, whether or not the kept answer is fresh. Callers at the same time share one
    /// fetch.
    ///
    /// # Errors
    /// The function's own; the answer that was kept stays.
    pub async fn refresh<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, E> {
        self.own_error(self.obtain(query, fetch, true).await)
    }

    /// The same for a function that is not async.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn refresh_blocking<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, E> {
        self.own_error(self.obtain_blocking(query, fetch, true))
    }

    /// The value, if it is kept and fresh.
    pub fn peek<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        self.store.fresh(query)
    }

    /// Forgets the answer for these arguments. The answer of a fetch under way is not kept.
    pub fn invalidate<Q: Query<K>>(&self, query: &Q) {
        let mut underway = self.underway();
        underway.remove(&query.own());
        self.store.remove(query);
    }

    /// Forgets all answers, as [`invalidate`](Self::invalidate) does one.
    pub fn clear(&self) {
        let mut underway = self.underway();
        underway.clear();
        self.store.retain(|_| false);
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats {
            hits: self.counters.hits.sum(),
            misses: self.counters.misses.load(Relaxed),
            loads: self.counters.loads.load(Relaxed),
            load_errors: self.counters.load_errors.load(Relaxed),
            stale_hits: self.counters.stale_hits.load(Relaxed),
            evictions: self.store.evictions(),
            entries: self.store.len(),
            load_time: Duration::from_nanos(self.counters.load_time.load(Relaxed)),
        }
    }

    /// What is not a hit. Boxed, so that a hit's future is small.
    #[cold]
    fn look<'q, Q: Query<K>, F: FnOnce(K) -> Fetch<V, E>>(
        &'static self,
        query: &'q Q,
        fetch: F,
    ) -> Pin<Box<impl Future<Output = Result<V, E>> + use<'q, K, V, E, S, Q, F>>> {
        Box::pin(async move {
            match self.kept(query, fetch) {
                Ok(found) => S::take(found).into_result(),
                Err(fetch) => self.own_error(self.miss(query, fetch).await),
            }
        })
    }

    #[cold]
    fn look_blocking<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, E> {
        match self.kept(query, fetch) {
            Ok(found) => S::take(found).into_result(),
            Err(fetch) => self.own_error(self.miss_blocking(query, fetch)),
        }
    }

    /// The entry, if it may be given as it is; one that is stale is fetched again after the
    /// response. If not, the fetch is given back, to be made.
    #[inline]
    fn kept<Q: Query<K>, F: FnOnce(K) -> Fetch<V, E>>(
        &'static self,
        query: &Q,
        fetch: F,
    ) -> Result<S::Found, F> {
        let Some(found) = self.store.find(query) else {
            return Err(fetch);
        };
        let now = CLOCK.now();
        if now < found.as_ref().fresh_until {
            self.counters.hits.add();
        } else if now < self.usable_until(found.as_ref(), self.policy.stale_while_revalidate) {
            self.counters.stale_hits.fetch_add(1, Relaxed);
            self.revalidate(query.own(), fetch);
        } else {
            return Err(fetch);
        }
        Ok(found)
    }

    /// Until when an answer may be given that is allowed so long after its TTL. Errors and `None` are
    /// given for their own time only.
    #[cold]
    fn usable_until(&self, entry: &Entry<V, E>, window: u64) -> Tick {
        match &entry.answer {
            Answer::Value(value) if !(self.facts.is_none)(value) => {
                Tick(entry.fresh_until.0.saturating_add(window))
            }
            _ => entry.fresh_until,
        }
    }

    /// When nobody may be given it any more.
    fn dead_at(&self, entry: &Entry<V, E>) -> Tick {
        let Policy { stale_while_revalidate, stale_if_error, .. } = self.policy;
        self.usable_until(entry, stale_while_revalidate.max(stale_if_error))
    }

    async fn miss<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, Failure<E>> {
        self.counters.misses.fetch_add(1, Relaxed);
        let outcome = self.obtain(query, fetch, false).await;
        self.stale_if_error(query, outcome)
    }

    fn miss_blocking<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, Failure<E>> {
        self.counters.misses.fetch_add(1, Relaxed);
        let outcome = self.obtain_blocking(query, fetch, false);
        self.stale_if_error(query, outcome)
    }

    /// Joins the fetch of this key or makes it.
    async fn obtain<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
        anew: bool,
    ) -> Result<V, Failure<E>> {
        loop {
            match self.next(query, anew) {
                Next::Use(answer) => return answer.into_result().map_err(Failure::Error),
                Next::Join(flight) => {
                    if let Some(outcome) = self.joined(query, flight.landed().await, anew) {
                        return outcome;
                    }
                }
                Next::Fetch(claim) => {
                    let fetch = fetch(claim.key.clone());
                    return claim.fetch(fetch).await;
                }
            }
        }
    }

    fn obtain_blocking<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
        anew: bool,
    ) -> Result<V, Failure<E>> {
        // The fetch of a function that is not async is ready when it is first polled.
        fn ready<T>(fetch: impl Future<Output = T>) -> T {
            match fetch.now_or_never() {
                Some(outcome) => outcome,
                None => unreachable!("a function that is not async does not wait"),
            }
        }
        loop {
            match self.next(query, anew) {
                Next::Use(answer) => return answer.into_result().map_err(Failure::Error),
                Next::Join(flight) => {
                    if let Some(outcome) = self.joined(query, flight.landed_blocking(), anew) {
                        return outcome;
                    }
                }
                Next::Fetch(claim) => {
                    let _waiting = claim.pilot.awaited();
                    let fetch = fetch(claim.key.clone());
                    return ready(claim.run(fetch)).unwrap_or_else(|panic| panic.resume());
                }
            }
        }
    }

    /// What a fetch that was joined came to; `None` if the caller has to try for itself.
    fn joined<Q: Query<K>>(
        &self,
        query: &Q,
        arrival: Arrival<Landing<V, E>>,
        anew: bool,
    ) -> Option<Result<V, Failure<E>>> {
        let landing = match arrival {
            Arrival::Landed(landing) => landing,
            Arrival::Lost => return None,
            Arrival::Circular => {
                return Some(Err(Failure::Resource(self.error("its function needs itself"))));
            }
        };
        match landing {
            Landing::Value(value) => Some(Ok(value)),
            Landing::Error(error) => Some(Err(Failure::Error(error.get()))),
            Landing::Resource(error) => Some(Err(Failure::Resource(error))),
            Landing::Failed if anew => None,
            Landing::Failed => self.stale(query).map(Ok),
        }
    }

    fn next<Q: Query<K>>(&'static self, query: &Q, anew: bool) -> Next<K, V, E, S> {
        let mut underway = self.underway();
        let now = CLOCK.now();
        if !anew {
            // A fetch may have ended since the caller looked.
            if let Some(found) = self.store.find(query) {
                if now < found.as_ref().fresh_until {
                    return Next::Use(S::take(found));
                }
            }
        }
        let key = query.own();
        let place = underway.entry(key.clone());
        if let Place::Occupied(place) = &place {
            let other = place.get();
            if now < Tick(other.started.0.saturating_add(self.policy.ttl)) {
                return Next::Join(other.flight.clone());
            }
        }
        let (pilot, flight) = take_off();
        let number = self.numbers.fetch_add(1, Relaxed);
        place.insert_entry(Underway { number, started: now, flight });
        Next::Fetch(Claim { cache: self, key, number, started: now, pilot })
    }

    /// The old value in the place of an error, while that is allowed.
    fn stale_if_error<Q: Query<K>>(
        &self,
        query: &Q,
        outcome: Result<V, Failure<E>>,
    ) -> Result<V, Failure<E>> {
        match outcome {
            Ok(value) => Ok(value),
            Err(failure) => self.stale(query).ok_or(failure),
        }
    }

    fn stale<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let found = self.store.find(query)?;
        if CLOCK.now() >= self.usable_until(found.as_ref(), self.policy.stale_if_error) {
            return None;
        }
        let Answer::Value(value) = S::take(found) else {
            return None;
        };
        self.counters.stale_hits.fetch_add(1, Relaxed);
        tracing::warn!(cache = self.policy.name, "fetching failed; the stale value is used");
        Some(value)
    }

    /// Fetches again after the response of this invocation, once however often it is asked for.
    #[cold]
    fn revalidate(&'static self, key: K, fetch: impl FnOnce(K) -> Fetch<V, E>) {
        let mut revalidating = self.revalidating.lock().unwrap_or_else(PoisonError::into_inner);
        if !revalidating.insert(key.clone()) {
            return;
        }
        drop(revalidating);
        let fetch = fetch(key.clone());
        let turn = Revalidation { cache: self, key };
        crate::scope::defer(async move {
            let _turn = &turn;
            if let Next::Fetch(claim) = self.next(&Owned(&turn.key), true) {
                // Counted where it ends; the old value is still there for the next use.
                let _ = claim.run(fetch).await;
            }
        });
    }

    /// The function's own error, or how it says that a resource cannot be had.
    fn own_error(&self, outcome: Result<V, Failure<E>>) -> Result<V, E> {
        outcome.map_err(|failure| match failure {
            Failure::Error(error) => error,
            Failure::Resource(error) => match self.facts.from_resource_error {
                Some(convert) => convert(error),
                None => crate::scope::unavailable(error),
            },
        })
    }

    fn keep(&self, key: K, started: Tick, answer: Answer<V, E>, ttl: u64) {
        let lifetime = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        let entry = Entry { answer, fresh_until: Tick(started.0.saturating_add(lifetime)) };
        self.next_death.fetch_min(self.dead_at(&entry).0, Relaxed);
        self.store.insert(key, entry);
    }
}

impl<V, E> Unkeyed<V, E>
where
    V: Value,
    E: Send + 'static,
{
    /// The value of a resource, without cloning it where it is kept.
    ///
    /// # Errors
    /// The function's own as the source of a [`ResourceError`].
    #[inline]
    async fn hold_or(
        &'static self,
        fetch: impl FnOnce(()) -> Fetch<V, E>,
    ) -> Result<HeldValue<V, E>, ResourceError> {
        let outcome = match self.kept(&(), fetch) {
            Ok(found) => match &found.as_ref().answer {
                Answer::Value(_) => return Ok(HeldValue(found)),
                Answer::Error(error) => Err(Failure::Error(error.get())),
            },
            Err(fetch) => Box::pin(self.miss(&(), fetch)).await,
        };
        outcome.map(HeldValue::fetched).map_err(|failure| match failure {
            Failure::Error(error) => {
                ResourceError::new(self.policy.name, (self.facts.into_box)(error))
            }
            Failure::Resource(error) if error.resource() == self.policy.name => error,
            Failure::Resource(error) => ResourceError::new(self.policy.name, Box::new(error)),
        })
    }
}

impl<V: Value, E: Send + 'static> resource::Place for Unkeyed<V, E> {
    type Held = HeldValue<V, E>;

    #[inline]
    fn hold(&'static self) -> impl Future<Output = Result<HeldValue<V, E>, ResourceError>> + Send {
        let Some(AsResource { fetch, .. }) = &self.as_resource else {
            unreachable!("what is no resource is not held");
        };
        self.hold_or(fetch)
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> Node for Cache<K, V, E, S> {
    fn name(&self) -> &'static str {
        self.policy.name
    }

    fn depth(&self) -> usize {
        self.policy.depth
    }

    fn kind(&self) -> Kind {
        Kind::Cache
    }

    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>> {
        match &self.as_resource {
            Some(it) => (it.settle)(self),
            None => Box::pin(async { Ok(()) }),
        }
    }

    fn purge(&self) {
        let now = CLOCK.now();
        if now.0 < self.next_death.load(Relaxed) {
            return;
        }
        self.next_death.store(u64::MAX, Relaxed);
        self.store.retain(|entry| {
            let dead_at = self.dead_at(entry);
            if now < dead_at {
                self.next_death.fetch_min(dead_at.0, Relaxed);
            }
            now < dead_at
        });
    }

    fn stats(&self) -> Option<Stats> {
        Some(Cache::stats(self))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.underway().clear();
        self.first.store(self.numbers.load(Relaxed), Relaxed);
        self.counters.reset();
        self.store.reset();
        let set = self.revalidating.lock();
        set.unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Small enough for Miri, which tries other interleavings and weaker memory than the machine has.
#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;

    const FACTS: Facts<Arc<u64>, Infallible> = Facts {
        is_none: |_| false,
        clone_error: None,
        from_resource_error: None,
        into_box: |never| match never {},
    };

    /// Asks on three threads and forgets on a fourth; gives how often was fetched.
    fn fight<K, S, Q>(
        cache: &'static Cache<K, Arc<u64>, Infallible, S>,
        query: &Q,
        fetches: &'static AtomicU64,
    ) -> u64
    where
        K: Key,
        S: Store<K, Arc<u64>, Infallible>,
        Q: Query<K> + Sync,
    {
        let get = || {
            let fetch = |_| -> Fetch<Arc<u64>, Infallible> {
                Box::pin(async move { Ok(Arc::new(fetches.fetch_add(1, SeqCst))) })
            };
            infallible(cache.get_blocking(query, fetch))
        };
        thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    let (first, second) = (get(), get());
                    assert!(second >= first, "an answer that was forgotten came back");
                });
            }
            threads.spawn(|| cache.invalidate(query));
        });
        let stats = Cache::stats(cache);
        assert_eq!(stats.hits + stats.misses, 6);
        assert_eq!(stats.loads, fetches.load(SeqCst));
        stats.loads
    }

    #[test]
    fn threads_share_the_fetch_of_a_slot() {
        static CACHE: Unkeyed<Arc<u64>, Infallible> =
            Cache::unkeyed(Policy::new("slot", 0, Duration::from_secs(3600)), FACTS, None);
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, &(), &FETCHES)));
    }

    #[test]
    fn threads_share_the_fetch_of_a_key() {
        static CACHE: Keyed<(String,), Arc<u64>, Infallible> =
            Cache::keyed(Policy::new("map", 0, Duration::from_secs(3600)), FACTS, 10);
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, &Arguments(("tea",)), &FETCHES)));
    }
}
