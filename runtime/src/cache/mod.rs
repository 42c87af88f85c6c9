//! The cache behind `#[cached]`: unkeyed (a [`Slot`]) or keyed and bounded (a [`Map`]).
//!
//! A hit reads the container clock and the entry, and only a hit knows the type of the value
//! ([`Cache`]). Everything else is compiled once for a type of keys ([`engine`]). A miss joins the
//! *fetch* of its key, or leads one, which has a task of its own unless it is ready at its first poll;
//! a hit on another key never waits for it.
//!
//! - **Age** counts from the start of the fetch (RFC 9111, §4.2.3), so that a value that a freeze
//!   held up is as old as it is.
//! - **Cancellation**: a caller that is cancelled does not stop the fetch, whose value is kept. If
//!   the runtime of the fetch is shut down, the next caller leads another one.
//! - **Errors** are shared by all callers of a fetch if they are `Clone`. If not, the leader gets the
//!   error, and the next caller in line leads another fetch.
//! - **Circles**: a function that needs its own value for the same key, directly or through others,
//!   gets an error ([`crate::base::single_flight`]).
//! - **Panics** are those of the leader. Nothing is kept, and the next caller in line leads.
//! - **Order**: a value never takes the place of one whose fetch began later.
//! - **Invalidation** during a fetch: its value goes to the callers that wait for it, and is not
//!   kept.
//! - **Locks**: a hit takes none. Of a user's code, only `Hash` and `Eq` of keys run under one.

mod engine;
mod entries;
mod kept;
mod key;
mod map;
mod outcome;
mod policy;
mod tier;

use std::marker::PhantomData;
use std::sync::Arc;

use crate::base::counters::Stats;
use crate::base::erased::{Erased, Finish, Later, owned, unwrap_or_clone};
use crate::base::single_flight::blocking;
use crate::error::ResourceError;
use crate::invocation::context::unavailable;
use crate::resource::{PendingValue, RegistryEntry, Storage};
use crate::store::StoreError;
use engine::Engine;
use entries::{Entries, Hit, Slot};
use key::{Key, Value};
use map::Map;
use outcome::{FetchResult, error_of};
use tier::SecondTier;

pub use entries::ValueRef;
pub use key::{Arguments, Query};
pub use outcome::{Failure, Fetch, SharedError, chain_of, infallible, report};
pub use policy::{Facts, Policy, lifetime_of, lifetime_of_some};
pub use tier::{StoreTier, StoredFunction};

/// See the module. `K` is `()` for a function without arguments.
pub struct Cache<K: 'static, V: 'static, E: 'static, S: 'static> {
    engine: Engine<K>,
    values: S,
    returns: PhantomData<fn() -> V>,
    clone_error: Option<fn(&E) -> E>,
    from_resource_error: Option<fn(ResourceError) -> E>,
}

/// The cache of a function without arguments.
pub type Unkeyed<V, E> = Cache<(), V, E, Slot<V>>;
/// The cache of a function with arguments.
pub type Keyed<K, V, E> = Cache<K, V, E, Map<K>>;

impl<V: Value, E: Send + 'static> Unkeyed<V, E> {
    /// Creates an empty cache. If it is a resource, `fetch` fetches its value. `values` returns the
    /// storage of the cache itself.
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
    /// Creates an empty cache for at most `max_entries` keys. `values` returns the storage of the
    /// cache itself.
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
        Self { engine, values, clone_error, from_resource_error, returns: PhantomData }
    }

    /// Adds a second tier.
    pub const fn stored(mut self, tier: &'static dyn SecondTier<K>) -> Self {
        self.engine.tier = Some(tier);
        self
    }

    /// Returns the storage.
    pub fn values(&'static self) -> &'static dyn Entries<K> {
        &self.values
    }

    /// Returns the entry of the registry.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.engine
    }

    /// Returns the value of these arguments if it is fresh.
    ///
    /// # Errors
    /// A future of the value, stale or fetched. A caller holds only that while it waits, so that its
    /// own future is small.
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

    /// Returns the value for a function that is not async, whose fetch waits for nothing.
    ///
    /// # Errors
    /// The function's error.
    #[inline]
    pub fn get_blocking<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        match self.hit(&query) {
            Some(value) => Ok(value),
            None => {
                let result = self.engine.look(query.own(), Box::new(fetch));
                self.finish(blocking(result))
            }
        }
    }

    /// Not inlined: what is left of its callers is small enough to be inlined, and the arguments do
    /// not go through the memory of a future.
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
        Later::new(Box::pin(self.engine.look(query.own(), Box::new(fetch))), self)
    }

    /// Fetches, even if the value is fresh. Callers share a fetch that begins after all of them
    /// called.
    ///
    /// # Errors
    /// The function's error. The kept value stays.
    pub async fn refresh<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        let (key, fetch) = (Arc::new(query.own()), Box::new(fetch));
        let want = self.engine.refetch();
        self.finish(self.engine.fetch(&key, fetch, want).await)
    }

    /// Fetches for a function that is not async.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn refresh_blocking<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<V, E> {
        let (key, fetch) = (Arc::new(query.own()), Box::new(fetch));
        let want = self.engine.refetch();
        self.finish(blocking(self.engine.fetch(&key, fetch, want)))
    }

    /// Returns the value if it is kept and fresh.
    pub fn peek<Q: Query<K>>(&self, query: Q) -> Option<V> {
        self.values.fresh(&query)
    }

    /// Removes the value of these arguments. That of a fetch under way is not kept.
    pub fn invalidate<Q: Query<K>>(&self, query: Q) {
        self.engine.invalidate(&query.own());
    }

    /// Removes all values, as [`invalidate`](Self::invalidate) does one.
    pub fn clear(&self) {
        self.engine.clear();
    }

    /// Fetches as [`refresh`](Self::refresh), and stores the value.
    ///
    /// # Errors
    /// If the store failed. Other containers may still use an older value.
    pub async fn refresh_stored<Q: Query<K>>(
        &'static self,
        query: Q,
        fetch: impl FnOnce(K) -> Fetch + Send,
    ) -> Result<Result<V, E>, StoreError> {
        let result = self.engine.replace(&Arc::new(query.own()), Box::new(fetch)).await?;
        Ok(self.finish(result))
    }

    /// Removes the value of these arguments, here and in the store.
    ///
    /// # Errors
    /// As [`refresh_stored`](Self::refresh_stored).
    pub async fn invalidate_stored<Q: Query<K>>(&'static self, query: Q) -> Result<(), StoreError> {
        let key = query.own();
        self.engine.invalidate(&key);
        if let Some(tier) = self.engine.tier {
            tier.remove(&key).await?;
            // Again: a call may have found the value in the store meanwhile.
            self.engine.invalidate(&key);
        }
        Ok(())
    }

    /// Removes all values, here and in the store.
    ///
    /// # Errors
    /// As [`refresh_stored`](Self::refresh_stored).
    pub async fn clear_stored(&'static self) -> Result<(), StoreError> {
        self.engine.clear();
        if let Some(tier) = self.engine.tier {
            tier.remove_all().await?;
            self.engine.clear();
        }
        Ok(())
    }

    /// Returns the statistics.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Hit<K, V>> Finish for Cache<K, V, E, S> {
    type Outcome = FetchResult;
    type Output = Result<V, E>;

    #[cold]
    fn finish(&self, result: FetchResult) -> Result<V, E> {
        match result {
            Ok(value) => Ok(unwrap_or_clone(value)),
            Err(Failure::Error(error)) => Err(error_of(&error, self.clone_error)),
            Err(Failure::Resource(error) | Failure::TimedOut(error)) => {
                match self.from_resource_error {
                    Some(convert) => Err(convert(error)),
                    None => unavailable(error),
                }
            }
        }
    }
}

impl<V: Value, E: Send + 'static> Storage for Unkeyed<V, E> {
    type Ref = ValueRef<V>;

    #[inline]
    fn ready(&'static self) -> Option<ValueRef<V>> {
        let value = self.values.hold()?;
        self.engine.counters.hits.add();
        Some(value)
    }

    fn wait(&'static self) -> PendingValue {
        Box::pin(self.engine.resource())
    }

    fn wait_blocking(&'static self) -> Result<Erased, ResourceError> {
        self.engine.resource_blocking()
    }

    fn hold(&'static self, value: Erased) -> ValueRef<V> {
        ValueRef::fetched(owned(value))
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
        chain: |_| unreachable!("it has no errors"),
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
