//! The storage of a cache, and the one of a function without arguments: a slot. Only a hit knows the
//! type of the values; everything else is compiled once for a type of keys.
//!
//! Entries that are taken out of a storage are returned to the engine, which drops them when it holds
//! no lock.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use super::key::{Query, Value};
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::{Erased, owned};
use crate::base::panic::drop_caught;
use crate::resource::Handle;

/// A value that is kept.
#[derive(Clone)]
pub struct Entry {
    pub(super) value: Erased,
    pub(super) stamp: Stamp,
}

/// The lifetime of an entry.
#[derive(Clone, Copy)]
pub struct Stamp {
    /// The start of its fetch.
    pub(super) started: Tick,
    /// The time until which it is used as it is: the end of its TTL, or of the time for which the
    /// container uses its copy of a store's entry.
    pub(super) fresh_until: Tick,
    /// The end of its TTL.
    pub(super) valid_until: Tick,
    /// The end of the time in which it may be used while it is fetched again.
    pub(super) revalidate_until: Tick,
    /// The end of the time in which it may be used in the place of a failure.
    pub(super) error_until: Tick,
    /// The number of its fetch.
    pub(super) number: u64,
}

impl Stamp {
    /// The stamp of a value that is not kept.
    const EXPIRED: Self = Self {
        started: Tick::ZERO,
        fresh_until: Tick::ZERO,
        valid_until: Tick::ZERO,
        revalidate_until: Tick::ZERO,
        error_until: Tick::ZERO,
        number: 0,
    };

    /// Returns the time from which the entry is of no use.
    pub(super) fn expires_at(self) -> Tick {
        self.revalidate_until.max(self.error_until)
    }
}

/// Entries that were taken out of a storage.
pub type Removed = Vec<Erased>;

/// A value of a user's type. A panic of its destructor is logged: the last reference may be that of
/// any caller.
pub(super) struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Some(value))
    }

    #[inline]
    pub(super) fn get(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("it is taken when it is dropped"),
        }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        drop_caught(self.0.take(), "a cached value or its key");
    }
}

/// Looks hits up: takes no lock and allocates nothing.
pub trait Hit<K, V>: Entries<K> {
    /// Returns a clone of the value of that key, if it is fresh.
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V>;
}

/// Keeps entries.
pub trait Entries<K>: Send + Sync + 'static {
    /// Returns the entry of that key.
    fn find(&self, key: &K) -> Option<Entry>;
    /// Keeps an entry in the place of the one of that key.
    fn insert(&self, key: Arc<K>, entry: Entry, removed: &mut Removed);
    /// Removes the entry of that key.
    fn remove(&self, key: &K, removed: &mut Removed);
    /// Removes all entries for which `keep` is false.
    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed);
    /// Returns the number of entries.
    fn len(&self) -> usize;
    /// Returns the number of entries that made room for others.
    fn evictions(&self) -> u64 {
        0
    }
    /// Resets the counters to the state in which the process started.
    #[cfg(feature = "testing")]
    fn reset(&self) {}
}

/// The storage of a function without arguments.
pub struct Slot<V>(ArcSwapOption<Kept<V>>);

/// An [`Entry`] with its type.
pub(super) struct Kept<V> {
    value: Held<Arc<V>>,
    stamp: Stamp,
}

impl<V> Slot<V> {
    /// Creates an empty slot.
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// Returns the value if it is fresh.
    #[inline]
    pub(super) fn hold(&self) -> Option<ValueRef<V>> {
        let now = CLOCK.now();
        let kept = self.0.load();
        let is_fresh = kept.as_ref().is_some_and(|kept| now < kept.stamp.fresh_until);
        is_fresh.then_some(ValueRef(kept))
    }
}

impl<V: Value> Hit<(), V> for Slot<V> {
    #[inline]
    fn fresh<Q: Query<()>>(&self, _: &Q) -> Option<V> {
        self.hold().map(|value| V::clone(&value))
    }
}

impl<V: Value> Entries<()> for Slot<V> {
    fn find(&self, (): &()) -> Option<Entry> {
        let kept = self.0.load();
        let kept = kept.as_ref()?;
        Some(Entry { value: Arc::clone(kept.value.get()) as Erased, stamp: kept.stamp })
    }

    fn insert(&self, _: Arc<()>, Entry { value, stamp }: Entry, removed: &mut Removed) {
        let kept = Kept { value: Held::new(owned(value)), stamp };
        let before = self.0.swap(Some(Arc::new(kept)));
        removed.extend(before.map(|kept| kept as Erased));
    }

    fn remove(&self, (): &(), removed: &mut Removed) {
        removed.extend(self.0.swap(None).map(|kept| kept as Erased));
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed) {
        let current = self.0.load_full();
        if let Some(kept) = current.filter(|kept| !keep(kept.stamp)) {
            // A value that was stored meanwhile stays.
            self.0.compare_and_swap(&kept, None);
            removed.push(kept);
        }
    }

    fn len(&self) -> usize {
        usize::from(self.0.load().is_some())
    }
}

/// The value of a `#[cached]` resource, in use.
///
/// A guard and nothing else: it stays in registers. An enum of guards and `Arc`s is written to memory
/// word by word and read as a whole, for which the processor waits.
pub struct ValueRef<V>(Guard<Option<Arc<Kept<V>>>>);

impl<V> ValueRef<V> {
    /// Wraps a value that was waited for.
    pub(super) fn fetched(value: Arc<V>) -> Self {
        let kept = Kept { value: Held::new(value), stamp: Stamp::EXPIRED };
        Self(Guard::from_inner(Some(Arc::new(kept))))
    }

    fn arc(&self) -> &Arc<V> {
        match &*self.0 {
            Some(kept) => kept.value.get(),
            None => unreachable!("it is made of a value"),
        }
    }
}

impl<V> Deref for ValueRef<V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.arc()
    }
}

impl<V> Handle for ValueRef<V> {
    fn handle(&self) -> Arc<V> {
        Arc::clone(self.arc())
    }
}
