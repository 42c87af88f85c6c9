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
//! - **Panics** are those of the caller that started the fetch; nothing is kept, the next in line
//!   tries.
//! - **Invalidation** while a fetch is under way: its answer goes to those who already wait for it
//!   and is not kept.
//! - **Locks** are never held while user code runs, but for `Clone`, `Hash`, `Eq` and `Drop` of keys
//!   and values.

mod key;
mod store;

use std::collections::hash_map::{Entry as Place, HashMap};
use std::convert::Infallible;
use std::future::pending;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tracing::Instrument;

use crate::clock::{CLOCK, Tick, nanos};
use crate::error::{BoxError, ResourceError};
use crate::flight::{Flight, Pilot, take_off};
use crate::panic::{Panic, catch_async};
use crate::random;
use crate::resource::{BoxFuture, Kind, Node};

pub use key::{Arguments, Query};
pub use store::{Entry, Map, Slot, Store};

/// How long answers are kept. Made by the expansion of `#[cached]`.
pub struct Policy {
    name: &'static str,
    depth: usize,
    ttl: u64,
    stale_while_revalidate: u64,
    stale_if_error: u64,
    negative_ttl: u64,
    jitter: u8,
    timeout: Option<Duration>,
}

impl Policy {
    /// Answers are kept for `ttl`.
    pub const fn new(name: &'static str, depth: usize, ttl: Duration) -> Self {
        Self {
            name,
            depth,
            ttl: ttl.as_nanos() as u64,
            stale_while_revalidate: 0,
            stale_if_error: 0,
            negative_ttl: 0,
            jitter: 10,
            timeout: None,
        }
    }

    /// RFC 5861, §3: so long after its TTL an answer is given while it is fetched again.
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window.as_nanos() as u64;
        self
    }

    /// RFC 5861, §4: so long after its TTL an answer is given where fetching fails.
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window.as_nanos() as u64;
        self
    }

    /// `Err` and `None` are kept too, this long.
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl.as_nanos() as u64;
        self
    }

    /// Each lifetime is shortened by a random part of up to so many percent.
    pub const fn jitter(mut self, percent: u8) -> Self {
        self.jitter = percent;
        self
    }

    /// Limits one fetch.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
}

/// What the answer's types can do, found out by [`Probe`](crate::resource::Probe).
pub struct Facts<V, E> {
    /// Whether a value says that there is none.
    pub is_none: fn(&V) -> bool,
    /// How an error is shared, if it can be.
    pub clone_error: Option<fn(&E) -> E>,
    /// How an error says that a resource cannot be had, if it can.
    pub from_resource_error: Option<fn(ResourceError) -> E>,
    /// How an error becomes the source of another.
    pub into_box: fn(E) -> BoxError,
}

/// Why a fetch brought no value.
pub enum Failure<E> {
    /// The function returned it.
    Error(E),
    /// A resource that the function needs, or its answer in time, cannot be had.
    Resource(ResourceError),
}

impl<E> From<ResourceError> for Failure<E> {
    fn from(error: ResourceError) -> Self {
        Self::Resource(error)
    }
}

/// A fetch: the function's body with all that it needs.
pub type Fetch<V, E> = BoxFuture<'static, Result<V, Failure<E>>>;

/// What is kept: a value, or an error under `negative_ttl`.
pub enum Answer<V, E> {
    /// The function's value.
    Value(V),
    /// The function's error.
    Error(SharedError<E>),
}

impl<V: Clone, E> Clone for Answer<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Error(error) => Self::Error(error.clone()),
        }
    }
}

/// An error that several callers get a clone of. In a `Mutex`, since it need not be `Sync`.
pub struct SharedError<E> {
    error: Arc<Mutex<E>>,
    clone: fn(&E) -> E,
}

impl<E> SharedError<E> {
    fn new(error: E, clone: fn(&E) -> E) -> Self {
        Self {
            error: Arc::new(Mutex::new(error)),
            clone,
        }
    }

    fn get(&self) -> E {
        (self.clone)(&self.error.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<E> Clone for SharedError<E> {
    fn clone(&self) -> Self {
        Self {
            error: Arc::clone(&self.error),
            clone: self.clone,
        }
    }
}

/// What those who joined a fetch are told.
enum Landing<V, E> {
    Value(V),
    Error(SharedError<E>),
    Resource(ResourceError),
    /// It failed with an error that only its starter could have.
    Failed,
}

impl<V: Clone, E> Clone for Landing<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Error(error) => Self::Error(error.clone()),
            Self::Resource(error) => Self::Resource(error.clone()),
            Self::Failed => Self::Failed,
        }
    }
}

/// The fetch of one key.
struct Underway<V, E> {
    number: u64,
    started: Tick,
    /// The thread it blocks, where the function is not async.
    thread: Option<ThreadId>,
    flight: Flight<Landing<V, E>>,
}

/// What a caller without an answer does next.
enum Next<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
    Use(Answer<V, E>),
    Join(Flight<Landing<V, E>>),
    Fetch(Claim<K, V, E, S>),
    /// Fetch without anybody knowing: the caller is inside the fetch of the same key.
    FetchAlone,
}

/// The right and the duty to end a fetch. Dropped on the way, it leaves nothing behind.
struct Claim<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
    cache: &'static Cache<K, V, E, S>,
    key: K,
    number: u64,
    started: Tick,
    /// Taken by the end of the fetch.
    pilot: Option<Pilot<Landing<V, E>>>,
}

/// See the module. `K` is `()` for a function without arguments.
pub struct Cache<K, V, E, S>
where
    K: 'static,
    V: 'static,
    E: 'static,
{
    policy: Policy,
    facts: Facts<V, E>,
    store: S,
    settle: Option<fn() -> BoxFuture<'static, Result<(), ResourceError>>>,
    underway: LazyLock<Mutex<HashMap<K, Underway<V, E>>>>,
    /// Keys whose stale answer was given in an invocation that will fetch it after its response.
    revalidating: LazyLock<Mutex<std::collections::HashSet<K>>>,
    /// No entry dies before this.
    next_death: AtomicU64,
    numbers: AtomicU64,
    counters: Counters,
    answers: PhantomData<fn() -> Answer<V, E>>,
}

/// The cache of a function without arguments.
pub type Unkeyed<V, E> = Cache<(), V, E, Slot<Answer<V, E>>>;
/// The cache of a function with arguments.
pub type Keyed<K, V, E> = Cache<K, V, E, Map<K, Answer<V, E>>>;

impl<V, E> Unkeyed<V, E> {
    /// An empty cache. `settle` fills it.
    pub const fn unkeyed(
        policy: Policy,
        facts: Facts<V, E>,
        settle: fn() -> BoxFuture<'static, Result<(), ResourceError>>,
    ) -> Self {
        Self::new(policy, facts, Slot::new(), Some(settle))
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
        settle: Option<fn() -> BoxFuture<'static, Result<(), ResourceError>>>,
    ) -> Self {
        Self {
            policy,
            facts,
            store,
            settle,
            underway: LazyLock::new(Mutex::default),
            revalidating: LazyLock::new(Mutex::default),
            next_death: AtomicU64::new(u64::MAX),
            numbers: AtomicU64::new(0),
            counters: Counters::new(),
            answers: PhantomData,
        }
    }

    fn underway(&self) -> MutexGuard<'_, HashMap<K, Underway<V, E>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
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
        match self.hit(query) {
            Hit::Fresh(answer) => answer.into_result(),
            Hit::Stale(answer) => {
                self.revalidate(query.own(), fetch);
                answer.into_result()
            }
            Hit::None => self.own_error(self.miss(query, fetch).await),
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
        match self.hit(query) {
            Hit::Fresh(answer) => answer.into_result(),
            Hit::Stale(answer) => {
                self.revalidate(query.own(), fetch);
                answer.into_result()
            }
            Hit::None => self.own_error(self.miss_blocking(query, fetch)),
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
        let found = self.store.find(query)?;
        if CLOCK.now() >= found.as_ref().fresh_until {
            return None;
        }
        match S::take(found) {
            Answer::Value(value) => Some(value),
            Answer::Error(_) => None,
        }
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

    #[inline]
    fn hit<Q: Query<K>>(&self, query: &Q) -> Hit<V, E> {
        let Some(found) = self.store.find(query) else {
            return Hit::None;
        };
        let now = CLOCK.now();
        if now < found.as_ref().fresh_until {
            self.counters.hits.add();
            Hit::Fresh(S::take(found))
        } else if now < found.as_ref().revalidate_until {
            self.counters.stale_hits.fetch_add(1, Relaxed);
            Hit::Stale(S::take(found))
        } else {
            Hit::None
        }
    }

    #[cold]
    async fn miss<Q: Query<K>>(
        &'static self,
        query: &Q,
        fetch: impl FnOnce(K) -> Fetch<V, E>,
    ) -> Result<V, Failure<E>> {
        self.counters.misses.fetch_add(1, Relaxed);
        let outcome = self.obtain(query, fetch, false).await;
        self.stale_if_error(query, outcome)
    }

    #[cold]
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
            match self.next(query, anew, None) {
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
                Next::FetchAlone => return fetch(query.own()).await,
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
            match self.next(query, anew, Some(std::thread::current().id())) {
                Next::Use(answer) => return answer.into_result().map_err(Failure::Error),
                Next::Join(flight) => {
                    if let Some(outcome) = self.joined(query, flight.landed_blocking(), anew) {
                        return outcome;
                    }
                }
                Next::Fetch(claim) => {
                    let fetch = fetch(claim.key.clone());
                    return ready(claim.run(fetch)).unwrap_or_else(|panic| panic.resume());
                }
                Next::FetchAlone => return ready(fetch(query.own())),
            }
        }
    }

    /// What a fetch that was joined came to; `None` if the caller has to try for itself.
    fn joined<Q: Query<K>>(
        &self,
        query: &Q,
        landing: Option<Landing<V, E>>,
        anew: bool,
    ) -> Option<Result<V, Failure<E>>> {
        match landing? {
            Landing::Value(value) => Some(Ok(value)),
            Landing::Error(error) => Some(Err(Failure::Error(error.get()))),
            Landing::Resource(error) => Some(Err(Failure::Resource(error))),
            Landing::Failed if anew => None,
            Landing::Failed => self.stale(query).map(Ok),
        }
    }

    fn next<Q: Query<K>>(
        &'static self,
        query: &Q,
        anew: bool,
        thread: Option<ThreadId>,
    ) -> Next<K, V, E, S> {
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
            if thread.is_some() && other.thread == thread {
                return Next::FetchAlone;
            }
            if now < Tick(other.started.0.saturating_add(self.policy.ttl)) {
                return Next::Join(other.flight.clone());
            }
        }
        let (pilot, flight) = take_off();
        let number = self.numbers.fetch_add(1, Relaxed);
        place.insert_entry(Underway {
            number,
            started: now,
            thread,
            flight,
        });
        Next::Fetch(Claim {
            cache: self,
            key,
            number,
            started: now,
            pilot: Some(pilot),
        })
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
        if CLOCK.now() >= found.as_ref().error_until {
            return None;
        }
        let Answer::Value(value) = S::take(found) else {
            return None;
        };
        self.counters.stale_hits.fetch_add(1, Relaxed);
        tracing::warn!(
            cache = self.policy.name,
            "fetching failed; the stale value is used"
        );
        Some(value)
    }

    /// Fetches again after the response of this invocation, once however often it is asked for.
    #[cold]
    fn revalidate(&'static self, key: K, fetch: impl FnOnce(K) -> Fetch<V, E>) {
        let mut revalidating = self
            .revalidating
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !revalidating.insert(key.clone()) {
            return;
        }
        drop(revalidating);
        let fetch = fetch(key.clone());
        let turn = Revalidation { cache: self, key };
        crate::scope::defer(async move {
            let _turn = &turn;
            if let Next::Fetch(claim) = self.next(&Owned(&turn.key), true, None) {
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
                None => crate::panic::unavailable(error),
            },
        })
    }

    fn keep(&self, key: K, started: Tick, answer: Answer<V, E>, ttl: u64) {
        let lifetime = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        let fresh_until = started.0.saturating_add(lifetime);
        let negative = ttl != self.policy.ttl || matches!(answer, Answer::Error(_));
        let after =
            |window: u64| Tick(fresh_until.saturating_add(if negative { 0 } else { window }));
        let entry = Entry {
            answer,
            fresh_until: Tick(fresh_until),
            revalidate_until: after(self.policy.stale_while_revalidate),
            error_until: after(self.policy.stale_if_error),
        };
        self.next_death.fetch_min(entry.dead_at().0, Relaxed);
        self.store.insert(key, entry);
    }
}

impl<V, E> Unkeyed<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
{
    /// The value of a resource, without cloning it where it is kept.
    ///
    /// # Errors
    /// The function's own as the source of a [`ResourceError`].
    #[inline]
    pub async fn hold(
        &'static self,
        fetch: impl FnOnce(()) -> Fetch<V, E>,
    ) -> Result<HeldValue<V, E>, ResourceError> {
        if let Some(found) = self.store.find(&()) {
            let entry = found.as_ref();
            if matches!(entry.answer, Answer::Value(_)) && CLOCK.now() < entry.fresh_until {
                self.counters.hits.add();
                return Ok(HeldValue::Kept(found));
            }
        }
        let outcome = match self.hit(&()) {
            Hit::Fresh(answer) => answer.into_result().map_err(Failure::Error),
            Hit::Stale(answer) => {
                self.revalidate((), fetch);
                answer.into_result().map_err(Failure::Error)
            }
            Hit::None => self.miss(&(), fetch).await,
        };
        outcome
            .map(HeldValue::Fetched)
            .map_err(|failure| match failure {
                Failure::Error(error) => {
                    ResourceError::new(self.policy.name, (self.facts.into_box)(error))
                }
                Failure::Resource(error) if error.resource() == self.policy.name => error,
                Failure::Resource(error) => ResourceError::new(self.policy.name, Box::new(error)),
            })
    }
}

/// The value of a `#[cached]` resource while somebody uses it.
pub enum HeldValue<V, E> {
    /// As it is kept.
    #[doc(hidden)]
    Kept(store::SlotFound<Answer<V, E>>),
    /// As it was fetched.
    #[doc(hidden)]
    Fetched(V),
}

impl<V, E> Deref for HeldValue<V, E> {
    type Target = V;

    fn deref(&self) -> &V {
        match self {
            Self::Fetched(value) => value,
            Self::Kept(found) => match &found.as_ref().answer {
                Answer::Value(value) => value,
                Answer::Error(_) => unreachable!("only values are held"),
            },
        }
    }
}

impl<V: Clone, E> crate::resource::Handle<V> for HeldValue<V, E> {
    fn handle(&self) -> Arc<V> {
        Arc::new(V::clone(self))
    }
}

impl<V, E> Answer<V, E> {
    fn into_result(self) -> Result<V, E> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Error(error) => Err(error.get()),
        }
    }
}

/// What the store has for a caller.
enum Hit<V, E> {
    Fresh(Answer<V, E>),
    Stale(Answer<V, E>),
    None,
}

impl<K, V, E, S> Claim<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
    /// Fetches in a task of its own; without a runtime, here.
    async fn fetch(self, fetch: Fetch<V, E>) -> Result<V, Failure<E>> {
        let run = self.run(fetch).in_current_span();
        let outcome = match tokio::runtime::Handle::try_current() {
            Err(_) => run.await,
            Ok(runtime) => match runtime.spawn(run).await {
                Ok(outcome) => outcome,
                // The runtime is being shut down, and this caller with it.
                Err(_) => pending().await,
            },
        };
        outcome.unwrap_or_else(|panic| panic.resume())
    }

    /// Fetches, and ends the fetch.
    async fn run(self, fetch: Fetch<V, E>) -> Result<Result<V, Failure<E>>, Panic> {
        let start = Instant::now();
        let limited = self.cache.limited(fetch);
        let outcome = catch_async(limited).await;
        self.end(outcome, start.elapsed())
    }

    fn end(
        mut self,
        outcome: Result<Result<V, Failure<E>>, Panic>,
        time: Duration,
    ) -> Result<Result<V, Failure<E>>, Panic> {
        let cache = self.cache;
        cache.counters.load_time.fetch_add(nanos(time), Relaxed);
        cache.counters.loads.fetch_add(1, Relaxed);
        if !matches!(outcome, Ok(Ok(_))) {
            cache.counters.load_errors.fetch_add(1, Relaxed);
        }
        // A panic is its starter's; dropping the claim sends the others on.
        let outcome = outcome?;
        let mut underway = cache.underway();
        let registered = underway
            .get(&self.key)
            .is_some_and(|underway| underway.number == self.number);
        if registered {
            underway.remove(&self.key);
        }
        let (outcome, landing) = match outcome {
            Ok(value) => {
                let ttl = match (cache.facts.is_none)(&value) {
                    true => cache.policy.negative_ttl,
                    false => cache.policy.ttl,
                };
                if registered && ttl == 0 {
                    cache.store.remove(&Owned(&self.key));
                } else if registered {
                    let answer = Answer::Value(value.clone());
                    cache.keep(self.key.clone(), self.started, answer, ttl);
                }
                (Ok(value.clone()), Landing::Value(value))
            }
            Err(Failure::Error(error)) => match cache.facts.clone_error {
                Some(clone) => {
                    let shared = SharedError::new(error, clone);
                    let negative = cache.policy.negative_ttl;
                    if registered && negative > 0 && !cache.may_be_stale(&self.key) {
                        let answer = Answer::Error(shared.clone());
                        cache.keep(self.key.clone(), self.started, answer, negative);
                    }
                    (Err(Failure::Error(shared.get())), Landing::Error(shared))
                }
                None => (Err(Failure::Error(error)), Landing::Failed),
            },
            Err(Failure::Resource(error)) => (
                Err(Failure::Resource(error.clone())),
                Landing::Resource(error),
            ),
        };
        drop(underway);
        if let Some(pilot) = self.pilot.take() {
            pilot.land(landing);
        }
        Ok(outcome)
    }
}

impl<K, V, E, S> Drop for Claim<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
    fn drop(&mut self) {
        if self.pilot.is_some() {
            let mut underway = self.cache.underway();
            if underway
                .get(&self.key)
                .is_some_and(|underway| underway.number == self.number)
            {
                underway.remove(&self.key);
            }
        }
    }
}

impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
    async fn limited(&self, fetch: Fetch<V, E>) -> Result<V, Failure<E>> {
        let Some(limit) = self.policy.timeout else {
            return fetch.await;
        };
        tokio::time::timeout(limit, fetch)
            .await
            .unwrap_or_else(|_| {
                let text = format_args!("no answer after {limit:?}").to_string();
                let error = ResourceError::new(self.policy.name, crate::Error::msg(text).into());
                Err(Failure::Resource(error))
            })
    }

    /// Whether the kept value is still good for `stale_if_error`.
    fn may_be_stale(&self, key: &K) -> bool {
        self.store.find(&Owned(key)).is_some_and(|found| {
            let entry = found.as_ref();
            matches!(entry.answer, Answer::Value(_)) && CLOCK.now() < entry.error_until
        })
    }
}

/// An owned key as a query.
struct Owned<'a, K>(&'a K);

impl<K: Hash> Hash for Owned<'_, K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Eq> quick_cache::Equivalent<K> for Owned<'_, K> {
    fn equivalent(&self, key: &K) -> bool {
        self.0 == key
    }
}

impl<K: Hash + Eq + Clone> Query<K> for Owned<'_, K> {
    fn own(&self) -> K {
        self.0.clone()
    }
}

/// A key's turn to be fetched again; over when it is dropped, done or not.
struct Revalidation<K: Hash + Eq + 'static, V: 'static, E: 'static, S: 'static> {
    cache: &'static Cache<K, V, E, S>,
    key: K,
}

impl<K: Hash + Eq, V, E, S> Drop for Revalidation<K, V, E, S> {
    fn drop(&mut self) {
        let set = self.cache.revalidating.lock();
        set.unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl<K, V, E, S> Node for Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + 'static,
    S: Store<K, Answer<V, E>> + 'static,
{
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
        match self.settle {
            Some(settle) => settle(),
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
            let alive = now < entry.dead_at();
            if alive {
                self.next_death.fetch_min(entry.dead_at().0, Relaxed);
            }
            alive
        });
    }

    fn stats(&self) -> Option<Stats> {
        Some(Cache::stats(self))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.clear();
        self.counters.reset();
        let set = self.revalidating.lock();
        set.unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What a cache counted since the container started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Calls answered from the cache.
    pub hits: u64,
    /// Calls that had to fetch, or to wait for a fetch.
    pub misses: u64,
    /// Fetches.
    pub loads: u64,
    /// Fetches that brought no value.
    pub load_errors: u64,
    /// Calls answered with a value past its TTL, by `stale_while_revalidate` or `stale_if_error`.
    pub stale_hits: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries kept now.
    pub entries: usize,
    /// How long all fetches together took.
    pub load_time: Duration,
}

struct Counters {
    hits: Striped,
    misses: AtomicU64,
    loads: AtomicU64,
    load_errors: AtomicU64,
    stale_hits: AtomicU64,
    load_time: AtomicU64,
}

impl Counters {
    const fn new() -> Self {
        Self {
            hits: Striped::new(),
            misses: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            load_errors: AtomicU64::new(0),
            stale_hits: AtomicU64::new(0),
            load_time: AtomicU64::new(0),
        }
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        let Self {
            hits,
            misses,
            loads,
            load_errors,
            stale_hits,
            load_time,
        } = self;
        let stripes = hits.0.iter().map(|stripe| &stripe.0);
        for counter in stripes.chain([misses, loads, load_errors, stale_hits, load_time]) {
            counter.store(0, Relaxed);
        }
    }
}

/// A counter that threads do not fight over: each has, as a rule, a line of its own.
struct Striped([Stripe; 8]);

#[repr(align(64))]
struct Stripe(AtomicU64);

impl Striped {
    const fn new() -> Self {
        Self([const { Stripe(AtomicU64::new(0)) }; 8])
    }

    #[inline]
    fn add(&self) {
        thread_local! {
            static HERE: u8 = const { 0 };
        }
        // Thread-local storage of two threads lies pages apart.
        let stripe = HERE.with(|here| std::ptr::from_ref(here).addr() >> 12) % self.0.len();
        self.0[stripe].0.fetch_add(1, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Relaxed)).sum()
    }
}

/// The result of a function that cannot fail.
pub fn infallible<V>(outcome: Result<V, Infallible>) -> V {
    match outcome {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
