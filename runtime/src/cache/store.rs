//! Where a cache keeps its entries: one slot, or a bounded map.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::sync::OnceCell;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter};

use super::key::{Key, Owned, Query, Value};
use crate::clock::{CLOCK, Tick};

/// Something that is kept, and until when it is as good as fetched now.
#[derive(Clone)]
pub struct Entry<V> {
    pub(super) value: V,
    pub(super) fresh_until: Tick,
}

/// Keeps entries. Reading one takes no write lock and allocates nothing.
pub trait Store<K, V>: Send + Sync + 'static {
    /// The value of that key, if it is fresh: the path of a hit.
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V>;
    /// The entry of that key.
    fn find(&self, key: &K) -> Option<Entry<V>>;
    /// Keeps an entry in the place of the one that is there.
    fn insert(&self, key: K, entry: Entry<V>);
    /// Forgets the entry of that key.
    fn remove(&self, key: &K);
    /// Forgets all entries that are not to be kept.
    fn retain(&self, keep: impl Fn(&Entry<V>) -> bool);
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
pub struct Slot<V>(ArcSwapOption<Entry<V>>);

/// What was found in a [`Slot`].
pub(super) type Found<V> = Guard<Option<Arc<Entry<V>>>>;

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
        found.as_ref().is_some_and(|entry| now < entry.fresh_until).then_some(found)
    }
}

impl<V: Value> Store<(), V> for Slot<V> {
    #[inline]
    fn fresh<Q: Query<()>>(&self, _: &Q) -> Option<V> {
        self.hold()?.as_ref().map(|entry| entry.value.clone())
    }

    fn find(&self, (): &()) -> Option<Entry<V>> {
        self.0.load().as_deref().cloned()
    }

    fn insert(&self, (): (), entry: Entry<V>) {
        self.0.store(Some(Arc::new(entry)));
    }

    fn remove(&self, (): &()) {
        self.0.store(None);
    }

    fn retain(&self, keep: impl Fn(&Entry<V>) -> bool) {
        let current = self.0.load();
        if current.as_ref().is_some_and(|entry| !keep(entry)) {
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
pub struct Map<K, V> {
    capacity: usize,
    map: OnceCell<Bounded<K, V>>,
}

struct Bounded<K, V> {
    entries: QuickCache<K, Entry<V>, UnitWeighter, DefaultHashBuilder, Evictions>,
    evictions: Arc<AtomicU64>,
}

/// Counts what had to make room.
#[derive(Clone)]
struct Evictions(Arc<AtomicU64>);

impl<K, V> Lifecycle<K, V> for Evictions {
    type RequestState = ();

    fn before_evict(&self, (): &mut (), _: &K, _: &mut V) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl<K: Hash + Eq, V: Clone> Map<K, V> {
    /// An empty map of at most `capacity` entries.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, map: OnceCell::new() }
    }

    #[inline]
    fn map(&self) -> &Bounded<K, V> {
        match self.map.get() {
            Some(map) => map,
            None => self.make(),
        }
    }

    #[cold]
    fn make(&self) -> &Bounded<K, V> {
        self.map.get_or_init(|| {
            let evictions = Arc::new(AtomicU64::new(0));
            // In one shard: so the bound is exact, and no key makes room before it is reached.
            let options = OptionsBuilder::new()
                .shards(1)
                .estimated_items_capacity(self.capacity)
                .weight_capacity(self.capacity as u64)
                .build();
            let entries = match options {
                Ok(options) => QuickCache::with_options(
                    options,
                    UnitWeighter,
                    DefaultHashBuilder::default(),
                    Evictions(evictions.clone()),
                ),
                Err(_) => unreachable!("all that has to be given is given"),
            };
            Bounded { entries, evictions }
        })
    }
}

impl<K: Key, V: Value> Store<K, V> for Map<K, V> {
    #[inline]
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let now = CLOCK.now();
        let entry = self.map().entries.get(query)?;
        (now < entry.fresh_until).then_some(entry.value)
    }

    fn find(&self, key: &K) -> Option<Entry<V>> {
        self.map.get()?.entries.get(&Owned(key))
    }

    fn insert(&self, key: K, entry: Entry<V>) {
        self.map().entries.insert(key, entry);
    }

    fn remove(&self, key: &K) {
        if let Some(map) = self.map.get() {
            map.entries.remove(&Owned(key));
        }
    }

    fn retain(&self, keep: impl Fn(&Entry<V>) -> bool) {
        if let Some(map) = self.map.get() {
            map.entries.retain(|_, entry| keep(entry));
        }
    }

    fn len(&self) -> usize {
        self.map.get().map_or(0, |map| map.entries.len())
    }

    fn evictions(&self) -> u64 {
        self.map.get().map_or(0, |map| map.evictions.load(Relaxed))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        if let Some(map) = self.map.get() {
            map.entries.clear();
            map.evictions.store(0, Relaxed);
        }
    }
}
