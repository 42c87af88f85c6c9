//! The storage of a cache: one slot, or a bounded map. Only a hit knows the type of the values; the
//! map is compiled once for a type of keys.
//!
//! Entries that are taken out of a storage are returned to the engine, which drops them when it holds
//! no lock.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::{ArcSwapOption, Guard};
use once_cell::sync::OnceCell;
use quick_cache::unsync::Cache as QuickCache;
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, UnitWeighter};

use super::key::{Key, Query, Value};
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::{Erased, lent, owned, unwrap_or_clone};
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
    /// The end of its TTL.
    pub(super) fresh_until: Tick,
    /// True for a value that stands for none: it has no stale windows.
    pub(super) is_none: bool,
    /// The number of its fetch.
    pub(super) number: u64,
}

/// Entries that were taken out of a storage, with their keys where those are at hand.
pub type Removed<K> = Vec<(Option<K>, Entry)>;

/// Looks hits up: takes no write lock and allocates nothing.
pub trait Hit<K, V>: Entries<K> {
    /// Returns a clone of the value of that key, if it is fresh. `plain_clone` makes the clone where
    /// a lock is held.
    fn fresh<Q: Query<K>>(&self, query: &Q, plain_clone: Option<fn(&V) -> V>) -> Option<V>;
}

/// Keeps entries.
pub trait Entries<K>: Send + Sync + 'static {
    /// Returns the entry of that key.
    fn find(&self, key: &K) -> Option<Entry>;
    /// Keeps an entry in the place of the one of that key.
    fn insert(&self, key: K, entry: Entry, removed: &mut Removed<K>);
    /// Removes the entry of that key.
    fn remove(&self, key: &K, removed: &mut Removed<K>);
    /// Removes all entries for which `keep` is false.
    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed<K>);
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
    value: Arc<V>,
    stamp: Stamp,
}

impl<V: Value> Kept<V> {
    fn entry(&self) -> Entry {
        Entry { value: Arc::clone(&self.value) as Erased, stamp: self.stamp }
    }
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
        is_fresh.then_some(ValueRef(Held::Kept(kept)))
    }
}

impl<V: Value> Hit<(), V> for Slot<V> {
    #[inline]
    fn fresh<Q: Query<()>>(&self, _: &Q, _: Option<fn(&V) -> V>) -> Option<V> {
        self.hold().map(|value| V::clone(&value))
    }
}

impl<V: Value> Entries<()> for Slot<V> {
    fn find(&self, (): &()) -> Option<Entry> {
        self.0.load().as_ref().map(|kept| kept.entry())
    }

    fn insert(&self, (): (), Entry { value, stamp }: Entry, removed: &mut Removed<()>) {
        let before = self.0.swap(Some(Arc::new(Kept { value: owned(value), stamp })));
        removed.extend(before.map(|kept| (None, kept.entry())));
    }

    fn remove(&self, (): &(), removed: &mut Removed<()>) {
        removed.extend(self.0.swap(None).map(|kept| (None, kept.entry())));
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed<()>) {
        let current = self.0.load();
        if let Some(kept) = current.as_ref().filter(|kept| !keep(kept.stamp)) {
            removed.push((None, kept.entry()));
            // A value that was stored meanwhile stays.
            self.0.compare_and_swap(&current, None);
        }
    }

    fn len(&self) -> usize {
        usize::from(self.0.load().is_some())
    }
}

/// The storage of a function with arguments: at most `capacity` entries. It is created by the first
/// insertion.
///
/// One lock guards it, so that the bound is exact and no entry makes room before it is reached. A
/// hit clones a plain value under that lock: to count an `Arc` that all threads share would cost
/// more.
pub struct Map<K> {
    capacity: usize,
    entries: OnceCell<Hashed<K>>,
    evictions: AtomicU64,
}

struct Hashed<K> {
    hasher: DefaultHashBuilder,
    entries: RwLock<Bounded<K>>,
}

type Bounded<K> =
    QuickCache<StoredKey<K>, Entry, UnitWeighter, BuildHasherDefault<Identity>, Evictions>;

/// Takes evicted entries out.
struct Evictions;

impl<K> Lifecycle<StoredKey<K>, Entry> for Evictions {
    type RequestState = Removed<K>;

    fn on_evict(
        &self,
        evicted: &mut Removed<K>,
        StoredKey { key, .. }: StoredKey<K>,
        entry: Entry,
    ) {
        evicted.push((Some(key), entry));
    }
}

/// A key with its hash and the number of its fetch, by which an entry is taken out together with its
/// key. Its own `Hash` and `Eq` call no user code, which could panic while quick_cache owns the key,
/// and so drop it under the lock.
struct StoredKey<K> {
    hash: u64,
    number: u64,
    /// The number of the entry in whose place this one is inserted.
    replaces: Option<u64>,
    key: K,
}

impl<K> Hash for StoredKey<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K> PartialEq for StoredKey<K> {
    fn eq(&self, stored: &Self) -> bool {
        self.replaces == Some(stored.number)
    }
}

impl<K> Eq for StoredKey<K> {}

/// Finds the entry of a key.
struct ByKey<'a, Q>(u64, &'a Q);

impl<Q> Hash for ByKey<'_, Q> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl<K, Q: Equivalent<K>> Equivalent<StoredKey<K>> for ByKey<'_, Q> {
    fn equivalent(&self, stored: &StoredKey<K>) -> bool {
        self.0 == stored.hash && self.1.equivalent(&stored.key)
    }
}

/// Finds the entry of a fetch.
struct ByNumber {
    hash: u64,
    number: u64,
}

impl Hash for ByNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K> Equivalent<StoredKey<K>> for ByNumber {
    fn equivalent(&self, stored: &StoredKey<K>) -> bool {
        self.number == stored.number
    }
}

/// Hashes a hash.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl<K: Key> Map<K> {
    /// Creates an empty map.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, entries: OnceCell::new(), evictions: AtomicU64::new(0) }
    }

    fn created(&self) -> &Hashed<K> {
        self.entries.get_or_init(|| {
            let options = OptionsBuilder::new()
                .estimated_items_capacity(self.capacity)
                .weight_capacity(self.capacity as u64)
                .build();
            let Ok(options) = options else {
                unreachable!("all required options are given");
            };
            let bounded =
                QuickCache::with_options(options, UnitWeighter, Default::default(), Evictions);
            Hashed { hasher: DefaultHashBuilder::default(), entries: RwLock::new(bounded) }
        })
    }
}

impl<K> Hashed<K> {
    /// A key whose `Eq` panics has changed nothing yet, so a poisoned lock is as good as another.
    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, Bounded<K>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Bounded<K>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes a key, which is done before the lock is taken.
    #[inline]
    fn by_key<'a, Q: Hash>(&self, query: &'a Q) -> ByKey<'a, Q> {
        ByKey(self.hasher.hash_one(query), query)
    }
}

impl<K: Key, V: Value> Hit<K, V> for Map<K> {
    #[inline]
    fn fresh<Q: Query<K>>(&self, query: &Q, plain_clone: Option<fn(&V) -> V>) -> Option<V> {
        let now = CLOCK.now();
        let hashed = self.entries.get()?;
        let query = hashed.by_key(query);
        let value = {
            let entries = hashed.read();
            let entry = entries.get(&query).filter(|entry| now < entry.stamp.fresh_until)?;
            if let Some(clone) = plain_clone {
                return Some(clone(lent::<V>(&entry.value)));
            }
            Arc::clone(&entry.value)
        };
        Some(unwrap_or_clone(value))
    }
}

impl<K: Key> Entries<K> for Map<K> {
    fn find(&self, key: &K) -> Option<Entry> {
        let hashed = self.entries.get()?;
        let key = hashed.by_key(key);
        hashed.read().get(&key).cloned()
    }

    fn insert(&self, key: K, entry: Entry, removed: &mut Removed<K>) {
        let hashed = self.created();
        let ByKey(hash, _) = hashed.by_key(&key);
        let mut key = StoredKey { hash, number: entry.stamp.number, replaces: None, key };
        let before = removed.len();
        let is_in_place_of_another = {
            let mut entries = hashed.write();
            let replaced = entries.peek(&ByKey(hash, &key.key));
            key.replaces = replaced.map(|replaced| replaced.stamp.number);
            let replaces = key.replaces.is_some();
            entries.insert_with_lifecycle(key, entry, removed);
            replaces
        };
        let taken_out = removed.len() - before;
        let evicted = taken_out.saturating_sub(usize::from(is_in_place_of_another));
        self.evictions.fetch_add(evicted as u64, Relaxed);
    }

    fn remove(&self, key: &K, removed: &mut Removed<K>) {
        let Some(hashed) = self.entries.get() else {
            return;
        };
        let key = hashed.by_key(key);
        let before = hashed.write().remove(&key);
        removed.extend(before.map(|(before, entry)| (Some(before.key), entry)));
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed<K>) {
        let Some(hashed) = self.entries.get() else {
            return;
        };
        let mut entries = hashed.write();
        let expired = entries.iter().filter(|(_, entry)| !keep(entry.stamp));
        let expired = expired.map(|(key, _)| ByNumber { hash: key.hash, number: key.number });
        for number in expired.collect::<Vec<_>>() {
            let before = entries.remove(&number);
            removed.extend(before.map(|(before, entry)| (Some(before.key), entry)));
        }
    }

    fn len(&self) -> usize {
        self.entries.get().map_or(0, |hashed| hashed.read().len())
    }

    fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.evictions.store(0, Relaxed);
    }
}

/// The value of a `#[cached]` resource, in use.
pub struct ValueRef<V>(Held<V>);

enum Held<V> {
    /// The value of a [`Slot`].
    Kept(Guard<Option<Arc<Kept<V>>>>),
    /// A value that was waited for.
    Fetched(Arc<V>),
}

impl<V> ValueRef<V> {
    pub(super) fn fetched(value: Arc<V>) -> Self {
        Self(Held::Fetched(value))
    }

    fn arc(&self) -> &Arc<V> {
        match &self.0 {
            Held::Kept(kept) => match &**kept {
                Some(kept) => &kept.value,
                None => unreachable!("it is made of a value"),
            },
            Held::Fetched(value) => value,
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
