//! What stands behind `#[cached]`: one TTL cache, unkeyed (a [`Slot`]) or keyed and bounded (a
//! [`Map`]).
//!
//! A hit reads the container clock and the entry, nothing else, in the half that knows the types
//! ([`Cache`]). All else is the half that knows the keys alone ([`desk`]). A miss joins the *fetch* of its key
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
mod desk;
mod fetch;
mod held;
mod key;
mod policy;
mod store;

use std::sync::Arc;

use crate::clock::Tick;
use crate::erased::{Erased, Later, lent, owned};
use crate::error::{BoxError, ResourceError};
use crate::resource::{Node, Place};
use crate::stats::Stats;
use answer::Outcome;
use desk::{AsResource, Desk, Stamp};
use held::Holding;
use key::{Key, Value};
use store::{Entry, Map, Slot, Store};

pub use answer::{Failure, Fetch, SharedError, infallible};
pub use desk::Shelf;
pub use held::HeldValue;
pub use key::{Arguments, Query};
pub use policy::{Facts, Policy};

/// See the module. `K` is `()` for a function without arguments.
pub struct Cache<K: 'static, V: 'static, E: 'static, S: 'static> {
    desk: Desk<K>,
    facts: Facts<V, E>,
    store: S,
}

/// The cache of a function without arguments.
pub type Unkeyed<V, E> = Cache<(), V, E, Slot<V>>;
/// The cache of a function with arguments.
pub type Keyed<K, V, E> = Cache<K, V, E, Map<K, V>>;

impl<V: Value, E: Send + 'static> Unkeyed<V, E> {
    /// An empty cache. `fetch` fills it if it is a resource; if it is none, its callers alone do.
    /// `this` gives the cache itself.
    pub const fn unkeyed(
        policy: Policy,
        facts: Facts<V, E>,
        fetch: Option<fn(()) -> Fetch>,
        this: fn() -> &'static dyn Shelf<()>,
    ) -> Self {
        let as_resource = match fetch {
            Some(fetch) => Some(AsResource { key: (), fetch }),
            None => None,
        };
        let desk = Desk::new(policy, facts.clone_error.is_some(), 1, as_resource, this);
        Self { desk, facts, store: Slot::new() }
    }
}

impl<K: Key, V: Value, E: Send + 'static> Keyed<K, V, E> {
    /// An empty cache for at most `max_entries` keys. `this` gives the cache itself.
    pub const fn keyed(
        policy: Policy,
        facts: Facts<V, E>,
        max_entries: usize,
        this: fn() -> &'static dyn Shelf<K>,
    ) -> Self {
        let desk = Desk::new(policy, facts.clone_error.is_some(), max_entries, None, this);
        Self { desk, facts, store: Map::new(max_entries) }
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V>> Cache<K, V, E, S> {
    /// Its part in the container's life.
    pub const fn node(&'static self) -> &'static dyn Node {
        &self.desk
    }

    /// The value for these arguments, if it is kept and fresh; else what waits for the answer, stale or
    /// fetched. Who asks thus holds nothing while it waits but that, and its future is small.
    ///
    /// # Errors
    /// What is to be awaited.
    #[inline]
    pub fn now_or_later<'a, Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send + 'a,
    ) -> Result<V, Later<'a, Result<V, E>>> {
        match self.hit(&query) {
            Some(value) => Ok(value),
            None => Err(self.miss(query, fetch)),
        }
    }

    /// The same for a function that is not async. Its fetch never waits for anything.
    ///
    /// # Errors
    /// The function's own.
    #[inline]
    pub fn get_blocking<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        match self.hit(&query) {
            Some(value) => Ok(value),
            None => self.miss_blocking(query, fetch),
        }
    }

    /// Apart from those who ask: what is left of them is small enough to be inlined, and no argument
    /// has to take the way through a future's memory.
    #[inline(never)]
    fn hit<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let value = self.store.fresh(query)?;
        self.desk.counters.hits.add();
        Some(value)
    }

    #[cold]
    fn miss<'a, Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send + 'a,
    ) -> Later<'a, Result<V, E>> {
        let (key, mut fetch) = (query.own(), once(fetch));
        Later::new(async move { self.finish(self.shelf().look(key, &mut fetch).await) })
    }

    #[cold]
    fn miss_blocking<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        self.finish(self.shelf().look_blocking(query.own(), &mut once(fetch)))
    }

    /// Fetches now, whether or not the kept answer is fresh. Callers at the same time share one
    /// fetch.
    ///
    /// # Errors
    /// The function's own; the answer that was kept stays.
    pub async fn refresh<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        self.finish(self.shelf().fetch(query.own(), &mut once(fetch), true).await)
    }

    /// The same for a function that is not async.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn refresh_blocking<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        self.finish(self.shelf().fetch_blocking(query.own(), &mut once(fetch), true))
    }

    /// The value, if it is kept and fresh.
    pub fn peek<Q: Query<K>>(&self, query: Q) -> Option<V> {
        self.store.fresh(&query)
    }

    /// Forgets the answer for these arguments. The answer of a fetch under way is not kept.
    pub fn invalidate<Q: Query<K>>(&'static self, query: Q) {
        self.shelf().invalidate(&query.own());
    }

    /// Forgets all answers, as [`invalidate`](Self::invalidate) does one.
    pub fn clear(&'static self) {
        self.shelf().clear();
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.desk.stats()
    }

    fn shelf(&'static self) -> &'static dyn Shelf<K> {
        self
    }

    /// What the function answers with.
    #[cold]
    fn finish(&self, outcome: Outcome) -> Result<V, E> {
        outcome.map(|value| Arc::unwrap_or_clone(owned(value))).map_err(|failure| match failure {
            Failure::Error(error) => self.error(&error),
            Failure::Resource(error) => match self.facts.from_resource_error {
                Some(convert) => convert(error),
                None => crate::scope::unavailable(error),
            },
        })
    }

    fn error(&self, error: &Erased) -> E {
        match lent::<SharedError<E>>(error).give(self.facts.clone_error) {
            Some(error) => error,
            None => unreachable!("an error that cannot be shared goes to its starter alone"),
        }
    }
}

/// What begins a fetch, to those who call it once at the most.
fn once<K>(fetch: impl FnOnce(K) -> Fetch + Send) -> impl FnMut(K) -> Fetch + Send {
    let mut fetch = Some(fetch);
    move |key| match fetch.take() {
        Some(fetch) => fetch(key),
        None => unreachable!("a caller begins one fetch"),
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V>> Shelf<K> for Cache<K, V, E, S> {
    fn desk(&self) -> &Desk<K> {
        &self.desk
    }

    fn find(&self, key: &K) -> Option<(Erased, Stamp)> {
        let Entry { value, fresh_until } = self.store.find(key)?;
        let is_none = (self.facts.is_none)(&value);
        Some((Arc::new(value), Stamp { fresh_until, is_none }))
    }

    fn is_none(&self, value: &Erased) -> bool {
        (self.facts.is_none)(lent(value))
    }

    fn keep(&self, key: K, value: &Erased, fresh_until: Tick) {
        self.store.insert(key, Entry { value: V::clone(lent(value)), fresh_until });
    }

    fn forget(&self, key: &K) {
        self.store.remove(key);
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool) {
        self.store.retain(|entry| {
            let is_none = (self.facts.is_none)(&entry.value);
            keep(Stamp { fresh_until: entry.fresh_until, is_none })
        });
    }

    fn count(&self) -> (usize, u64) {
        (self.store.len(), self.store.evictions())
    }

    fn report(&self, error: &Erased) -> BoxError {
        (self.facts.into_box)(self.error(error))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.store.reset();
    }
}

impl<V: Value, E: Send + 'static> Place for Unkeyed<V, E> {
    type Held = HeldValue<V>;

    #[inline]
    fn ready(&'static self) -> Option<HeldValue<V>> {
        let found = self.store.hold()?;
        self.desk.counters.hits.add();
        Some(HeldValue(Holding::Kept(found)))
    }

    async fn wait(&'static self) -> Result<HeldValue<V>, ResourceError> {
        self.shelf().resource().await.map(|value| HeldValue(Holding::Fetched(owned(value))))
    }

    fn node(&'static self) -> &'static dyn Node {
        &self.desk
    }
}

/// Small enough for Miri, which tries other interleavings and weaker memory than the machine has.
#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    const FACTS: Facts<Arc<u64>, Infallible> = Facts {
        is_none: |_| false,
        clone_error: None,
        from_resource_error: None,
        into_box: |never| match never {},
    };

    /// Asks on three threads and forgets on a fourth; gives how often was fetched.
    fn fight<K, S, Q>(
        cache: &'static Cache<K, Arc<u64>, Infallible, S>,
        query: Q,
        fetches: &'static AtomicU64,
    ) -> u64
    where
        K: Key,
        S: Store<K, Arc<u64>>,
        Q: Query<K> + Copy + Send + Sync,
    {
        let get = || {
            let fetch = |_| -> Fetch {
                Box::pin(async move {
                    let value: Erased = Arc::new(Arc::new(fetches.fetch_add(1, SeqCst)));
                    Ok(value)
                })
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
            threads.spawn(move || cache.invalidate(query));
        });
        let stats = Cache::stats(cache);
        assert_eq!(stats.hits + stats.misses, 6);
        assert_eq!(stats.loads, fetches.load(SeqCst));
        stats.loads
    }

    #[test]
    fn threads_share_the_fetch_of_a_slot() {
        static CACHE: Unkeyed<Arc<u64>, Infallible> =
            Cache::unkeyed(Policy::new("slot", 0, Duration::from_secs(3600)), FACTS, None, || {
                &CACHE
            });
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, (), &FETCHES)));
    }

    #[test]
    fn threads_share_the_fetch_of_a_key() {
        static CACHE: Keyed<(String,), Arc<u64>, Infallible> =
            Cache::keyed(Policy::new("map", 0, Duration::from_secs(3600)), FACTS, 10, || &CACHE);
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, Arguments(("tea",)), &FETCHES)));
    }
}
