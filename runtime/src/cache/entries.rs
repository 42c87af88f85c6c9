//! Where a cache keeps its values: one slot, or a bounded map. To all but a hit they are values of some
//! type; the map is compiled once for a type of keys.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::sync::OnceCell;
use quick_cache::unsync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter};

use super::key::{Key, Query, Value};
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::{Erased, lent, owned};

/// Something that is kept.
#[derive(Clone)]
pub struct Entry {
    pub(super) value: Erased,
    pub(super) stamp: Stamp,
}

/// What is known of a value that is kept.
#[derive(Clone, Copy)]
pub struct Stamp {
    /// Until when it is as good as fetched now.
    pub(super) fresh_until: Tick,
    /// Whether it says that there is none: then it is given for its own time only.
    pub(super) is_none: bool,
}

/// Gives hits: takes no write lock and allocates nothing.
pub trait Hit<K, V>: Entries<K> {
    /// A clone of the value of that key, if it is fresh.
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V>;
}

/// Keeps entries.
pub trait Entries<K>: Send + Sync + 'static {
    /// The entry of that key.
    fn find(&self, key: &K) -> Option<Entry>;
    /// Keeps an entry in the place of the one that is there.
    fn insert(&self, key: K, entry: Entry);
    /// Forgets the entry of that key.
    fn remove(&self, key: &K);
    /// Forgets all entries that are not to be kept.
    fn retain(&self, keep: &dyn Fn(Stamp) -> bool);
    /// How many there are.
    fn len(&self) -> usize;
    /// How many had to make room.
    fn evictions(&self) -> u64 {
        0
    }
    /// Back to how the process started, for the next simulated container.
    #[cfg(feature = "testing")]
    fn reset(&self);
}

/// The place of a function without arguments.
pub struct Slot<V>(ArcSwapOption<Kept<V>>);

/// An [`Entry`] of that type.
pub(super) struct Kept<V> {
    pub(super) value: Arc<V>,
    stamp: Stamp,
}

/// What was found in a [`Slot`].
pub(super) type Found<V> = Guard<Option<Arc<Kept<V>>>>;

impl<V> Slot<V> {
    /// An empty place.
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// What is there, if it is fresh.
    #[inline]
    pub(super) fn hold(&self) -> Option<Found<V>> {
        let now = CLOCK.now();
        let found = self.0.load();
        found.as_ref().is_some_and(|kept| now < kept.stamp.fresh_until).then_some(found)
    }
}

impl<V: Value> Hit<(), V> for Slot<V> {
    #[inline]
    fn fresh<Q: Query<()>>(&self, _: &Q) -> Option<V> {
        self.hold()?.as_ref().map(|kept| V::clone(&kept.value))
    }
}

impl<V: Value> Entries<()> for Slot<V> {
    fn find(&self, (): &()) -> Option<Entry> {
        let found = self.0.load();
        found.as_ref().map(|kept| Entry { value: kept.value.clone(), stamp: kept.stamp })
    }

    fn insert(&self, (): (), Entry { value, stamp }: Entry) {
        self.0.store(Some(Arc::new(Kept { value: owned(value), stamp })));
    }

    fn remove(&self, (): &()) {
        self.0.store(None);
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool) {
        let current = self.0.load();
        if current.as_ref().is_some_and(|kept| !keep(kept.stamp)) {
            // Only if nobody has put another one there meanwhile.
            self.0.compare_and_swap(&current, None);
        }
    }

    fn len(&self) -> usize {
        usize::from(self.0.load().is_some())
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.0.store(None);
    }
}

/// The places of a function with arguments, at most so many. Made when first used.
///
/// Under one lock: so the bound is exact, and no key makes room before it is reached. A value is cloned
/// under it, which costs a hit less than to share it with those who read the same one.
pub struct Map<K> {
    capacity: usize,
    entries: OnceCell<RwLock<Bounded<K>>>,
    evictions: AtomicU64,
}

type Bounded<K> = QuickCache<K, Entry, UnitWeighter, DefaultHashBuilder, Evictions>;

/// Counts what has to make room.
struct Evictions;

impl<K> Lifecycle<K, Entry> for Evictions {
    type RequestState = u64;

    fn before_evict(&self, evicted: &mut u64, _: &K, _: &mut Entry) {
        *evicted += 1;
    }
}

impl<K: Key> Map<K> {
    /// An empty map of at most `capacity` entries.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, entries: OnceCell::new(), evictions: AtomicU64::new(0) }
    }

    fn made(&self) -> &RwLock<Bounded<K>> {
        self.entries.get_or_init(|| {
            let options = OptionsBuilder::new()
                .estimated_items_capacity(self.capacity)
                .weight_capacity(self.capacity as u64)
                .build();
            let Ok(options) = options else {
                unreachable!("all that has to be given is given");
            };
            let hasher = DefaultHashBuilder::default();
            RwLock::new(QuickCache::with_options(options, UnitWeighter, hasher, Evictions))
        })
    }

    #[inline]
    fn read(&self) -> Option<RwLockReadGuard<'_, Bounded<K>>> {
        self.entries.get().map(|entries| entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> Option<RwLockWriteGuard<'_, Bounded<K>>> {
        self.entries.get().map(write)
    }
}

/// A key whose `Hash` or `Eq` panics has changed nothing yet: the entries are as good as before.
fn write<T>(entries: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    entries.write().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Key, V: Value> Hit<K, V> for Map<K> {
    #[inline]
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let now = CLOCK.now();
        let entries = self.read()?;
        let entry = entries.get(query)?;
        (now < entry.stamp.fresh_until).then(|| lent::<V>(&entry.value).clone())
    }
}

impl<K: Key> Entries<K> for Map<K> {
    fn find(&self, key: &K) -> Option<Entry> {
        self.read()?.get(key).cloned()
    }

    fn insert(&self, key: K, entry: Entry) {
        let mut evicted = 0;
        write(self.made()).insert_with_lifecycle(key, entry, &mut evicted);
        self.evictions.fetch_add(evicted, Relaxed);
    }

    fn remove(&self, key: &K) {
        if let Some(mut entries) = self.write() {
            entries.remove(key);
        }
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool) {
        if let Some(mut entries) = self.write() {
            entries.retain(|_, entry| keep(entry.stamp));
        }
    }

    fn len(&self) -> usize {
        self.read().map_or(0, |entries| entries.len())
    }

    fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        if let Some(mut entries) = self.write() {
            entries.clear();
        }
        self.evictions.store(0, Relaxed);
    }
}
