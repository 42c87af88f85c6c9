//! What stands behind `#[cached]`: one TTL cache, unkeyed (a [`Slot`]) or keyed and bounded (a
//! [`Map`]).
//!
//! A hit reads the container clock and the entry, nothing else, and only who reads it knows its type
//! ([`Cache`]). All else is compiled once for a type of keys ([`engine`]). A miss joins the *fetch* of its key
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
//!   an error ([`crate::base::single_flight`]).
//! - **Panics** are those of the caller that started the fetch; nothing is kept, the next in line
//!   tries.
//! - **Invalidation** while a fetch is under way: its answer goes to those who already wait for it
//!   and is not kept.
//! - **Locks** are never held while user code runs, but for `Clone`, `Hash`, `Eq` and `Drop` of keys
//!   and values.

mod engine;
mod entries;
mod fetch;
mod held;
mod key;
mod outcome;
mod policy;

use std::marker::PhantomData;
use std::sync::Arc;

use crate::base::counters::Stats;
use crate::base::erased::{Erased, Finish, Later, owned};
use crate::base::single_flight::blocking;
use crate::error::ResourceError;
use crate::resource::{PendingValue, RegistryEntry, Storage};
use engine::Engine;
use entries::{Entries, Hit, Map, Slot};
use fetch::Runs;
use held::Holding;
use key::{Key, Value};
use outcome::{FetchResult, error_of};

pub use held::ValueRef;
pub use key::{Arguments, Query};
pub use outcome::{Failure, Fetch, SharedError, infallible, report};
pub use policy::{Facts, Policy};

/// See the module. `K` is `()` for a function without arguments.
pub struct Cache<K: 'static, V: 'static, E: 'static, S: 'static> {
    engine: Engine<K>,
    values: S,
    clone_error: Option<fn(&E) -> E>,
    from_resource_error: Option<fn(ResourceError) -> E>,
    gives: PhantomData<fn() -> V>,
}

/// The cache of a function without arguments.
pub type Unkeyed<V, E> = Cache<(), V, E, Slot<V>>;
/// The cache of a function with arguments.
pub type Keyed<K, V, E> = Cache<K, V, E, Map<K>>;

impl<V: Value, E: Send + 'static> Unkeyed<V, E> {
    /// An empty cache. `fetch` fills it if it is a resource; if it is none, its callers alone do.
    /// `values` gives those of the cache itself.
    pub const fn unkeyed(
        policy: Policy,
        facts: Facts<E>,
        fetch: Option<fn(()) -> Fetch>,
        values: fn() -> &'static dyn Entries<()>,
    ) -> Self {
        let as_resource = match fetch {
            Some(fetch) => Some(((), fetch)),
            None => None,
        };
        Self::new(Engine::new(policy, &facts, values, 1, as_resource), Slot::new(), facts)
    }
}

impl<K: Key, V: Value, E: Send + 'static> Keyed<K, V, E> {
    /// An empty cache for at most `max_entries` keys. `values` gives those of the cache itself.
    pub const fn keyed(
        policy: Policy,
        facts: Facts<E>,
        max_entries: usize,
        values: fn() -> &'static dyn Entries<K>,
    ) -> Self {
        let engine = Engine::new(policy, &facts, values, max_entries, None);
        Self::new(engine, Map::new(max_entries), facts)
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Hit<K, V>> Cache<K, V, E, S> {
    const fn new(engine: Engine<K>, values: S, facts: Facts<E>) -> Self {
        let Facts { clone_error, from_resource_error, .. } = facts;
        Self { engine, values, clone_error, from_resource_error, gives: PhantomData }
    }

    /// What is kept.
    pub fn values(&'static self) -> &'static dyn Entries<K> {
        &self.values
    }

    /// Its part in the container's life.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.engine
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
            None => {
                let looked = self.engine.look(query.own(), Box::new(fetch), Runs::Here);
                self.finish(blocking(looked))
            }
        }
    }

    /// Apart from those who ask: what is left of them is small enough to be inlined, and no argument
    /// has to take the way through a future's memory.
    #[inline(never)]
    fn hit<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let value = self.values.fresh(query)?;
        self.engine.counters.hits.add();
        Some(value)
    }

    #[cold]
    #[inline(never)]
    fn miss<'a, Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send + 'a,
    ) -> Later<'a, Result<V, E>> {
        Later::new(Box::pin(self.engine.look(query.own(), Box::new(fetch), Runs::InATask)), self)
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
        self.finish(self.engine.fetch(query.own(), Box::new(fetch), Runs::InATask, true).await)
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
        self.finish(blocking(self.engine.fetch(query.own(), Box::new(fetch), Runs::Here, true)))
    }

    /// The value, if it is kept and fresh.
    pub fn peek<Q: Query<K>>(&self, query: Q) -> Option<V> {
        self.values.fresh(&query)
    }

    /// Forgets the answer for these arguments. The answer of a fetch under way is not kept.
    pub fn invalidate<Q: Query<K>>(&self, query: Q) {
        self.engine.invalidate(&query.own());
    }

    /// Forgets all answers, as [`invalidate`](Self::invalidate) does one.
    pub fn clear(&self) {
        self.engine.clear();
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Hit<K, V>> Finish for Cache<K, V, E, S> {
    type Outcome = FetchResult;
    /// What the function answers with.
    type Output = Result<V, E>;

    #[cold]
    fn finish(&self, outcome: FetchResult) -> Result<V, E> {
        match outcome {
            Ok(value) => Ok(Arc::unwrap_or_clone(owned(value))),
            Err(Failure::Error(error)) => Err(error_of(&error, self.clone_error)),
            Err(Failure::Resource(error)) => match self.from_resource_error {
                Some(convert) => Err(convert(error)),
                None => crate::invocation::context::unavailable(error),
            },
        }
    }
}

impl<V: Value, E: Send + 'static> Storage for Unkeyed<V, E> {
    type Ref = ValueRef<V>;

    #[inline]
    fn ready(&'static self) -> Option<ValueRef<V>> {
        let found = self.values.hold()?;
        self.engine.counters.hits.add();
        Some(ValueRef(Holding::Kept(found)))
    }

    fn wait(&'static self) -> PendingValue {
        Box::pin(self.engine.resource())
    }

    fn hold(&'static self, value: Erased) -> ValueRef<V> {
        ValueRef(Holding::Fetched(owned(value)))
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.engine
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

    const FACTS: Facts<Infallible> = Facts {
        is_none: |_| false,
        report: |_| unreachable!("it has no errors"),
        clone_error: None,
        from_resource_error: None,
    };

    /// Asks on three threads and forgets on a fourth; gives how often was fetched.
    fn fight<K: Key>(
        cache: &'static Cache<K, Arc<u64>, Infallible, impl Hit<K, Arc<u64>>>,
        query: impl Query<K> + Copy + Send + Sync,
        fetches: &'static AtomicU64,
    ) -> u64 {
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
                CACHE.values()
            });
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, (), &FETCHES)));
    }

    #[test]
    fn threads_share_the_fetch_of_a_key() {
        static CACHE: Keyed<(String,), Arc<u64>, Infallible> =
            Cache::keyed(Policy::new("map", 0, Duration::from_secs(3600)), FACTS, 10, || {
                CACHE.values()
            });
        static FETCHES: AtomicU64 = AtomicU64::new(0);
        assert!((1..=2).contains(&fight(&CACHE, Arguments(("tea",)), &FETCHES)));
    }
}
