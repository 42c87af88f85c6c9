//! Where a cache keeps its entries: one slot, or a bounded map.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::sync::OnceCell;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter};

use super::answer::Answer;
use super::key::{Key, Query, Value};
use crate::clock::{CLOCK, Tick};

/// A kept answer and how long it may be given.
pub struct Entry<V, E> {
    pub(super) answer: Answer<V, E>,
    /// Until then it is as good as fetched now.
    pub(super) fresh_until: Tick,
}

impl<V: Clone, E> Clone for Entry<V, E> {
    #[inline]
    fn clone(&self) -> Self {
        Self { answer: self.answer.clone(), ..*self }
    }
}

impl<V, E> AsRef<Self> for Entry<V, E> {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Keeps entries. Reading one takes no write lock and allocates nothing.
pub trait Store<K, V, E>: Send + Sync + 'static {
    /// An entry as it was found.
    type Found: AsRef<Entry<V, E>>;

    /// The value of that key, if it is one and fresh: the path of a hit. It is read where it was found,
    /// since to move it once more costs as much as to find it.
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V>;
    /// The entry of that key.
    fn find<Q: Query<K>>(&self, query: &Q) -> Option<Self::Found>;
    /// The answer of an entry that was found.
    fn take(found: Self::Found) -> Answer<V, E>;
    /// Keeps an entry in the place of the one that is there.
    fn insert(&self, key: K, entry: Entry<V, E>);
    /// Forgets the entry of that key.
    fn remove<Q: Query<K>>(&self, query: &Q);
    /// Forgets all entries that are not to be kept.
    fn retain(&self, keep: impl Fn(&Entry<V, E>) -> bool);
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
pub struct Slot<V, E>(ArcSwapOption<Entry<V, E>>);

impl<V, E> Slot<V, E> {
    /// An empty place.
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }
}

/// What was found in a [`Slot`].
pub struct SlotFound<V, E>(Guard<Option<Arc<Entry<V, E>>>>);

impl<V, E> SlotFound<V, E> {
    pub(super) fn owned(entry: Entry<V, E>) -> Self {
        Self(Guard::from_inner(Some(Arc::new(entry))))
    }
}

impl<V, E> AsRef<Entry<V, E>> for SlotFound<V, E> {
    fn as_ref(&self) -> &Entry<V, E> {
        match &*self.0 {
            Some(entry) => entry,
            None => unreachable!("made from an entry only"),
        }
    }
}

impl<V: Value, E: Send + 'static> Store<(), V, E> for Slot<V, E> {
    type Found = SlotFound<V, E>;

    #[inline]
    fn fresh<Q: Query<()>>(&self, _: &Q) -> Option<V> {
        match self.0.load().as_deref() {
            Some(Entry { answer: Answer::Value(value), fresh_until })
                if CLOCK.now() < *fresh_until =>
            {
                Some(value.clone())
            }
            _ => None,
        }
    }

    #[inline]
    fn find<Q: Query<()>>(&self, _: &Q) -> Option<SlotFound<V, E>> {
        let guard = self.0.load();
        guard.is_some().then_some(SlotFound(guard))
    }

    #[inline]
    fn take(found: SlotFound<V, E>) -> Answer<V, E> {
        found.as_ref().answer.clone()
    }

    fn insert(&self, (): (), entry: Entry<V, E>) {
        self.0.store(Some(Arc::new(entry)));
    }

    fn remove<Q: Query<()>>(&self, _: &Q) {
        self.0.store(None);
    }

    fn retain(&self, keep: impl Fn(&Entry<V, E>) -> bool) {
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
pub struct Map<K, V, E> {
    capacity: usize,
    map: OnceCell<Bounded<K, V, E>>,
}

struct Bounded<K, V, E> {
    entries: QuickCache<K, Entry<V, E>, UnitWeighter, DefaultHashBuilder, Evictions>,
    evictions: Arc<AtomicU64>,
}

/// Counts what had to make room.
#[derive(Clone)]
struct Evictions(Arc<AtomicU64>);

impl<K, V, E> Lifecycle<K, Entry<V, E>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: K, _: Entry<V, E>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl<K: Hash + Eq, V: Clone, E> Map<K, V, E> {
    /// An empty map of at most `capacity` entries.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, map: OnceCell::new() }
    }

    fn map(&self) -> &Bounded<K, V, E> {
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

impl<K: Key, V: Value, E: Send + 'static> Store<K, V, E> for Map<K, V, E> {
    type Found = Entry<V, E>;

    #[inline]
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        match self.map().entries.get(query) {
            Some(Entry { answer: Answer::Value(value), fresh_until })
                if CLOCK.now() < fresh_until =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    fn find<Q: Query<K>>(&self, query: &Q) -> Option<Entry<V, E>> {
        self.map().entries.get(query)
    }

    #[inline]
    fn take(found: Entry<V, E>) -> Answer<V, E> {
        found.answer
    }

    fn insert(&self, key: K, entry: Entry<V, E>) {
        self.map().entries.insert(key, entry);
    }

    fn remove<Q: Query<K>>(&self, query: &Q) {
        self.map().entries.remove(query);
    }

    fn retain(&self, keep: impl Fn(&Entry<V, E>) -> bool) {
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
