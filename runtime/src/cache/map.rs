//! The storage of a function with arguments: a hash table with a bound.
//!
//! A lookup takes no lock: each slot of the table refers to an immutable bucket, and a change
//! replaces the bucket. Changes are made under one lock, so that the bound is exact and no entry
//! makes room before it is reached.
//!
//! - **Eviction** is S3-FIFO (Yang et al., SOSP 2023): a new entry is in the small queue. It leaves the
//!   cache at the end of that, or gets into the main queue if it was used meanwhile, or if its key was
//!   evicted a short time ago. The queue has a thirty-second of the entries, and the memory of keys
//!   half as many as there are entries: the paper's tenth and its longer memory had one hit in a
//!   hundred less on Zipf-distributed keys. A lookup only increments a counter of the entry.
//! - **Locks**: of a user's code, only `Eq` of keys runs under the lock, before anything has changed.
//!   Buckets that were replaced are dropped by the caller.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::iter::once;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;
use once_cell::sync::OnceCell;

use super::entries::{Entries, Entry, Held, Hit, Removed, Stamp};
use super::key::{Key, Query, Value};
use crate::base::clock::CLOCK;
use crate::base::erased::{Erased, lent};

/// The largest number of slots: 2 MiB. A cache with many more entries has several in a bucket.
const MAX_SLOTS: usize = 1 << 18;

/// At most `capacity` entries. The table is created by the first insertion.
pub struct Map<K> {
    capacity: usize,
    table: OnceCell<Table<K>>,
    evictions: AtomicU64,
}

struct Table<K> {
    hasher: RandomState,
    /// A power of two of them.
    slots: Box<[Slot<K>]>,
    order: Mutex<Order>,
}

type Slot<K> = ArcSwapOption<Bucket<K>>;

/// The entries of a slot.
struct Bucket<K> {
    first: Node<K>,
    others: Vec<Node<K>>,
}

/// An entry with its key. What it holds is dropped without a panic.
struct Node<K> {
    id: Id,
    key: Held<Arc<K>>,
    value: Held<Erased>,
    stamp: Stamp,
    /// The number of uses since the entry was last considered for eviction, up to [`MAX_USES`].
    uses: AtomicU8,
}

const MAX_USES: u8 = 3;

/// The place of an entry in the order of evictions.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id {
    hash: u64,
    /// No two entries have the same. One that replaces another has the number of that.
    number: u64,
}

impl<K> Node<K> {
    #[inline]
    fn used(&self) {
        // An increment that another thread overwrites is not missed.
        let uses = self.uses.load(Relaxed);
        if uses < MAX_USES {
            self.uses.store(uses + 1, Relaxed);
        }
    }

    fn entry(&self) -> Entry {
        Entry { value: Arc::clone(self.value.get()), stamp: self.stamp }
    }
}

impl<K> Clone for Node<K> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            key: Held::new(Arc::clone(self.key.get())),
            value: Held::new(Arc::clone(self.value.get())),
            stamp: self.stamp,
            uses: AtomicU8::new(self.uses.load(Relaxed)),
        }
    }
}

impl<K> Bucket<K> {
    fn of(mut nodes: impl Iterator<Item = Node<K>>) -> Option<Arc<Self>> {
        let first = nodes.next()?;
        Some(Arc::new(Self { first, others: nodes.collect() }))
    }

    #[inline]
    fn find(&self, is_it: impl Fn(&Node<K>) -> bool) -> Option<&Node<K>> {
        if is_it(&self.first) {
            return Some(&self.first);
        }
        self.others.iter().find(|node| is_it(node))
    }

    /// The entries but for one.
    fn without(&self, id: Id) -> impl Iterator<Item = Node<K>> {
        once(&self.first).chain(&self.others).filter(move |node| node.id != id).cloned()
    }
}

impl<K> Table<K> {
    fn new(capacity: usize) -> Self {
        // Half of them are empty, so that few buckets have several entries.
        let slots = capacity.saturating_mul(2).clamp(1, MAX_SLOTS).next_power_of_two();
        Self {
            hasher: RandomState::default(),
            slots: (0..slots).map(|_| Slot::empty()).collect(),
            order: Mutex::default(),
        }
    }

    /// A key whose `Eq` panics has changed nothing yet, so a poisoned lock is as good as another.
    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn slot(&self, hash: u64) -> &Slot<K> {
        &self.slots[hash as usize & (self.slots.len() - 1)]
    }

    /// Calls `f` with the entry of that place.
    fn with<T>(&self, id: Id, f: impl FnOnce(&Node<K>) -> T) -> Option<T> {
        let bucket = self.slot(id.hash).load();
        bucket.as_ref().and_then(|bucket| bucket.find(|node| node.id == id)).map(f)
    }

    fn store(&self, hash: u64, bucket: Option<Arc<Bucket<K>>>, removed: &mut Removed)
    where
        K: Key,
    {
        let before = self.slot(hash).swap(bucket);
        removed.extend(before.map(|bucket| bucket as Erased));
    }

    /// Removes the entry of that place from its slot.
    fn take_out(&self, id: Id, removed: &mut Removed)
    where
        K: Key,
    {
        let bucket = self.slot(id.hash).load_full();
        if let Some(bucket) = bucket {
            self.store(id.hash, Bucket::of(bucket.without(id)), removed);
        }
    }

    /// Calls `f` with the entry of that key.
    #[inline]
    fn find<Q: Query<K>, T>(&self, query: &Q, f: impl FnOnce(&Node<K>) -> T) -> Option<T> {
        let hash = self.hasher.hash_one(query);
        let bucket = self.slot(hash).load();
        let is_it = |node: &Node<K>| node.id.hash == hash && query.matches(node.key.get());
        bucket.as_ref().and_then(|bucket| bucket.find(is_it)).map(f)
    }
}

/// The order in which entries are evicted.
#[derive(Default)]
struct Order {
    /// The number of entries.
    len: usize,
    /// The number of entries that ever were.
    numbers: u64,
    /// Places of entries, the next one first. Those of entries that were removed stay for some time.
    small: VecDeque<Id>,
    main: VecDeque<Id>,
    /// The hashes of keys that were evicted from the small queue, the oldest first.
    ghosts: VecDeque<u64>,
    is_ghost: HashSet<u64, BuildHasherDefault<Identity>>,
}

impl Order {
    /// Adds the place of a new entry.
    fn add(&mut self, hash: u64) -> Id {
        self.numbers += 1;
        self.len += 1;
        let id = Id { hash, number: self.numbers };
        match self.is_ghost.remove(&hash) {
            true => self.main.push_back(id),
            false => self.small.push_back(id),
        }
        id
    }

    /// Returns the place of the entry that makes room, which is not in the order any more.
    fn victim<K>(&mut self, table: &Table<K>, capacity: usize) -> Option<Id> {
        // Entries that other threads use all the time have a limit, too.
        let mut passes = self.len * (usize::from(MAX_USES) + 1);
        loop {
            let is_small = self.small.len() > capacity / 32 || self.main.is_empty();
            let queue = if is_small { &mut self.small } else { &mut self.main };
            let id = queue.pop_front()?;
            let uses = table.with(id, |node| {
                let uses = node.uses.load(Relaxed);
                node.uses.store(if is_small { 0 } else { uses.saturating_sub(1) }, Relaxed);
                uses
            });
            // Otherwise the entry was removed.
            let Some(uses) = uses else { continue };
            passes = passes.saturating_sub(1);
            if uses > 0 && passes > 0 {
                self.main.push_back(id);
                continue;
            }
            if is_small {
                self.add_ghost(id.hash, capacity);
            }
            self.len -= 1;
            return Some(id);
        }
    }

    fn add_ghost(&mut self, hash: u64, capacity: usize) {
        if self.is_ghost.insert(hash) {
            self.ghosts.push_back(hash);
        }
        if self.ghosts.len() > capacity / 2
            && let Some(oldest) = self.ghosts.pop_front()
        {
            self.is_ghost.remove(&oldest);
        }
    }

    /// Keeps the places for which `keep` is true.
    fn retain(&mut self, mut keep: impl FnMut(Id) -> bool) {
        self.small.retain(|id| keep(*id));
        self.main.retain(|id| keep(*id));
        self.len = self.small.len() + self.main.len();
    }

    /// Removes the places of entries that were removed, if those are many.
    fn tidy<K>(&mut self, table: &Table<K>) {
        if self.small.len() + self.main.len() > 2 * self.len + 64 {
            self.retain(|id| table.with(id, |_| ()).is_some());
        }
    }
}

impl<K: Key> Map<K> {
    /// Creates an empty map.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, table: OnceCell::new(), evictions: AtomicU64::new(0) }
    }
}

impl<K: Key, V: Value> Hit<K, V> for Map<K> {
    #[inline]
    fn fresh<Q: Query<K>>(&self, query: &Q) -> Option<V> {
        let now = CLOCK.now();
        let found = self.table.get()?.find(query, |node| {
            (now < node.stamp.fresh_until).then(|| {
                node.used();
                lent::<V>(node.value.get()).clone()
            })
        });
        found.flatten()
    }
}

impl<K: Key> Entries<K> for Map<K> {
    fn find(&self, key: &K) -> Option<Entry> {
        self.table.get()?.find(&Owned(key), Node::entry)
    }

    fn insert(&self, key: Arc<K>, Entry { value, stamp }: Entry, removed: &mut Removed) {
        let table = self.table.get_or_init(|| Table::new(self.capacity));
        let hash = table.hasher.hash_one(&*key);
        let mut order = table.order();
        let before = table.slot(hash).load_full();
        let is_it = |node: &Node<K>| node.id.hash == hash && *key == **node.key.get();
        let replaced = before.as_ref().and_then(|bucket| bucket.find(is_it));
        let (id, uses) = match replaced {
            Some(node) => (node.id, node.uses.load(Relaxed)),
            None => {
                if order.len >= self.capacity
                    && let Some(victim) = order.victim(table, self.capacity)
                {
                    table.take_out(victim, removed);
                    self.evictions.fetch_add(1, Relaxed);
                }
                (order.add(hash), 0)
            }
        };
        let (key, value) = (Held::new(key), Held::new(value));
        let node = Node { id, key, value, stamp, uses: AtomicU8::new(uses) };
        // The victim may have been in this slot.
        let before = table.slot(hash).load_full();
        let others = before.iter().flat_map(|bucket| bucket.without(id));
        table.store(hash, Bucket::of(once(node).chain(others)), removed);
        order.tidy(table);
    }

    fn remove(&self, key: &K, removed: &mut Removed) {
        let Some(table) = self.table.get() else {
            return;
        };
        let hash = table.hasher.hash_one(key);
        let mut order = table.order();
        let bucket = table.slot(hash).load_full();
        let is_it = |node: &Node<K>| node.id.hash == hash && key == &**node.key.get();
        let found = bucket.as_ref().and_then(|bucket| bucket.find(is_it));
        if let Some(node) = found {
            table.take_out(node.id, removed);
            order.len -= 1;
            order.tidy(table);
        }
        removed.extend(bucket.map(|bucket| bucket as Erased));
    }

    fn retain(&self, keep: &dyn Fn(Stamp) -> bool, removed: &mut Removed) {
        let Some(table) = self.table.get() else {
            return;
        };
        table.order().retain(|id| match table.with(id, |node| keep(node.stamp)) {
            Some(false) => {
                table.take_out(id, removed);
                false
            }
            is_there => is_there.is_some(),
        });
    }

    fn len(&self) -> usize {
        self.table.get().map_or(0, |table| table.order().len)
    }

    fn evictions(&self) -> u64 {
        self.evictions.load(Relaxed)
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.evictions.store(0, Relaxed);
    }
}

/// A key that is owned.
struct Owned<'a, K>(&'a K);

impl<K: Hash> Hash for Owned<'_, K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Key> Query<K> for Owned<'_, K> {
    fn matches(&self, key: &K) -> bool {
        self.0 == key
    }

    fn own(&self) -> K {
        self.0.clone()
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
