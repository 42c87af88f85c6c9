//! Where a cache keeps its entries: one slot, or a bounded map.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::sync::OnceCell;
use quick_cache::sync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter};

use super::key::Query;
use crate::clock::Tick;

/// A kept answer and how long it may be given.
#[derive(Clone)]
pub struct Entry<A> {
    pub(super) answer: A,
    /// Until then it is as good as fetched now.
    pub(super) fresh_until: Tick,
    /// Until then it is given while it is fetched again.
    pub(super) revalidate_until: Tick,
    /// Until then it is given where fetching fails.
    pub(super) error_until: Tick,
}

impl<A> AsRef<Self> for Entry<A> {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<A> Entry<A> {
    /// When nobody may be given it any more.
    pub(super) fn dead_at(&self) -> Tick {
        self.fresh_until
            .max(self.revalidate_until)
            .max(self.error_until)
    }
}

/// Keeps entries. Reading one takes no write lock and allocates nothing.
pub trait Store<K, A: Clone>: Send + Sync {
    /// An entry as it was found.
    type Found: AsRef<Entry<A>>;

    /// The entry of that key.
    fn find<Q: Query<K>>(&self, query: &Q) -> Option<Self::Found>;
    /// The answer of an entry that was found.
    fn take(found: Self::Found) -> A;
    /// Keeps an entry in the place of the one that is there.
    fn insert(&self, key: K, entry: Entry<A>);
    /// Forgets the entry of that key.
    fn remove<Q: Query<K>>(&self, query: &Q);
    /// Forgets all entries that are not to be kept.
    fn retain(&self, keep: impl Fn(&Entry<A>) -> bool);
    /// How many there are.
    fn len(&self) -> usize;
    /// How many had to make room.
    fn evictions(&self) -> u64 {
        0
    }
}

/// The place of a function without arguments.
pub struct Slot<A>(ArcSwapOption<Entry<A>>);

impl<A> Slot<A> {
    /// An empty place.
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }
}

/// What was found in a [`Slot`].
pub struct SlotFound<A>(Guard<Option<Arc<Entry<A>>>>);

impl<A> AsRef<Entry<A>> for SlotFound<A> {
    fn as_ref(&self) -> &Entry<A> {
        match &*self.0 {
            Some(entry) => entry,
            None => unreachable!("made from a full slot only"),
        }
    }
}

impl<A: Clone + Send + Sync + 'static> Store<(), A> for Slot<A> {
    type Found = SlotFound<A>;

    #[inline]
    fn find<Q: Query<()>>(&self, _: &Q) -> Option<SlotFound<A>> {
        let guard = self.0.load();
        guard.is_some().then_some(SlotFound(guard))
    }

    #[inline]
    fn take(found: SlotFound<A>) -> A {
        found.as_ref().answer.clone()
    }

    fn insert(&self, (): (), entry: Entry<A>) {
        self.0.store(Some(Arc::new(entry)));
    }

    fn remove<Q: Query<()>>(&self, _: &Q) {
        self.0.store(None);
    }

    fn retain(&self, keep: impl Fn(&Entry<A>) -> bool) {
        let current = self.0.load();
        if current.as_ref().is_some_and(|entry| !keep(entry)) {
            // Only if nobody has put another one there meanwhile.
            self.0.compare_and_swap(&current, None);
        }
    }

    fn len(&self) -> usize {
        usize::from(self.0.load().is_some())
    }
}

/// The places of a function with arguments, at most so many. Made when first used.
pub struct Map<K, A> {
    capacity: usize,
    map: OnceCell<Bounded<K, A>>,
}

struct Bounded<K, A> {
    entries: QuickCache<K, Entry<A>, UnitWeighter, DefaultHashBuilder, Evictions>,
    evictions: Arc<AtomicU64>,
}

/// Counts what had to make room.
#[derive(Clone)]
struct Evictions(Arc<AtomicU64>);

impl<K, A> Lifecycle<K, Entry<A>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: K, _: Entry<A>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl<K: Hash + Eq, A: Clone> Map<K, A> {
    /// An empty map of at most `capacity` entries.
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            map: OnceCell::new(),
        }
    }

    fn map(&self) -> &Bounded<K, A> {
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

impl<K, A> Store<K, A> for Map<K, A>
where
    K: Hash + Eq + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    type Found = Entry<A>;

    #[inline]
    fn find<Q: Query<K>>(&self, query: &Q) -> Option<Entry<A>> {
        self.map().entries.get(query)
    }

    #[inline]
    fn take(found: Entry<A>) -> A {
        found.answer
    }

    fn insert(&self, key: K, entry: Entry<A>) {
        self.map().entries.insert(key, entry);
    }

    fn remove<Q: Query<K>>(&self, query: &Q) {
        self.map().entries.remove(query);
    }

    fn retain(&self, keep: impl Fn(&Entry<A>) -> bool) {
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
}
