//! A store within one process.
//!
//! Every operation is done under one lock, without waiting, so that nothing happens halfway when a
//! future is dropped. Times are those of the wall clock, the simulated one in a simulated
//! container: the container clock starts again with each container. If the wall clock is set back,
//! leases that began later end, and entries are kept for longer; callers examine their age.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{BoxFuture, Entry, Lease, Store, StoreError, StoreErrorKind, Token, ms};
use crate::base::clock::CLOCK;

const DEFAULT_MAX_BYTES: usize = 64 << 20;
/// The size of a key beside its text and its entry, roughly.
const OVERHEAD: usize = 200;

/// A store within one process: for tests, local runs, and simulations of several containers.
///
/// A clone is another handle of the same store. In tests, a store in a `static` outlives the
/// simulated containers, which share its values. It measures time with the clock of the simulated
/// container.
///
/// It keeps at most 64 MiB, or what [`max_bytes`](Self::max_bytes) allows. When it is full, the
/// entries that end next are dropped.
///
/// Do not use it as the second tier of a deployed function: each container would have one of its
/// own.
///
/// ```
/// use rewarm::store::{Memory, Store};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = Memory::new().namespace("shop");
/// assert_eq!(store.get("shop:price:tea").await.unwrap(), None);
/// assert!(store.is_empty());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    namespace: Option<Arc<str>>,
}

#[derive(Debug)]
struct State {
    keys: BTreeMap<String, Slot>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Slot {
    /// The entry, and its end in milliseconds since 1970.
    entry: Option<(Entry, u64)>,
    lease: Option<HeldLease>,
}

#[derive(Debug)]
struct HeldLease {
    token: Token,
    /// In milliseconds since 1970.
    start: u64,
    end: u64,
}

impl HeldLease {
    /// True until another caller may take it.
    fn lasts(&self, now: u64) -> bool {
        (self.start..self.end).contains(&now)
    }
}

impl Slot {
    fn bytes(&self, key: &str) -> usize {
        let entry = self.entry.as_ref().map_or(0, |(entry, _)| entry.as_bytes().len());
        key.len() + entry + OVERHEAD
    }

    fn holds(&self, token: &Token) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.token == *token)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Creates an empty store.
    pub fn new() -> Self {
        let state = State { keys: BTreeMap::new(), bytes: 0, max_bytes: DEFAULT_MAX_BYTES };
        Self { state: Arc::new(Mutex::new(state)), namespace: None }
    }

    /// Sets the first part of all keys. The default is the name of the package.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the limit of its size in bytes. The default is 64 MiB.
    #[must_use]
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        self.lock().max_bytes = max_bytes;
        self
    }

    /// Returns the number of entries that have not ended.
    pub fn len(&self) -> usize {
        let now = CLOCK.wall_ms();
        self.lock()
            .keys
            .values()
            .filter(|slot| slot.entry.as_ref().is_some_and(|(_, end)| now < *end))
            .count()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the entry of a key, and drops one that has ended.
    fn entry(&mut self, key: &str, now: u64) -> Option<Entry> {
        match &self.keys.get(key)?.entry {
            Some((entry, end)) if now < *end => Some(entry.clone()),
            Some(_) => {
                self.change(key, |slot| slot.entry = None);
                None
            }
            None => None,
        }
    }

    /// Changes the slot of a key. A slot with neither entry nor lease is removed.
    fn change(&mut self, key: &str, change: impl FnOnce(&mut Slot)) {
        let mut slot = match self.keys.remove_entry(key) {
            Some((key, slot)) => {
                self.bytes -= slot.bytes(&key);
                slot
            }
            None => Slot::default(),
        };
        change(&mut slot);
        if slot.entry.is_some() || slot.lease.is_some() {
            self.bytes += slot.bytes(key);
            self.keys.insert(key.to_owned(), slot);
        }
    }

    /// Drops leases and entries, those first that end first, until an eighth is free.
    fn shrink(&mut self, now: u64) {
        if self.bytes <= self.max_bytes {
            return;
        }
        let mut ends: Vec<_> = self
            .keys
            .iter()
            .map(|(key, slot)| {
                let lease = slot
                    .lease
                    .as_ref()
                    .map_or(0, |lease| if lease.lasts(now) { lease.end } else { 0 });
                (slot.entry.as_ref().map_or(lease, |(_, end)| *end), key.clone())
            })
            .collect();
        ends.sort_unstable();
        for (_, key) in ends {
            if self.bytes <= self.max_bytes / 8 * 7 {
                break;
            }
            self.change(&key, |slot| *slot = Slot::default());
        }
    }
}

impl Store for Memory {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.lock().entry(key, CLOCK.wall_ms())) })
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let (mut state, now) = (self.lock(), CLOCK.wall_ms());
            if let Some(entry) = state.entry(key, now)
                && seen != Some(entry.fetched_ms())
            {
                return Ok(Lease::Newer(entry));
            }
            let lease = state.keys.get(key).and_then(|slot| slot.lease.as_ref());
            if lease.is_some_and(|lease| lease.lasts(now)) {
                return Ok(Lease::Taken);
            }
            let token = Token::random();
            let end = now.saturating_add(ms(duration));
            let lease = HeldLease { token: token.clone(), start: now, end };
            state.change(key, |slot| slot.lease = Some(lease));
            state.shrink(now);
            Ok(Lease::Granted(token))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let (mut state, now) = (self.lock(), CLOCK.wall_ms());
            if !state.keys.get(key).is_some_and(|slot| slot.holds(token)) {
                return Ok(false);
            }
            let end = now.saturating_add(ms(keep));
            let slot = Slot { entry: Some((entry, end)), lease: None };
            let (bytes, max) = (slot.bytes(key), state.max_bytes);
            if bytes > max / 8 * 7 {
                let message = format!("{bytes} bytes, and the limit of the store is {max}");
                return Err(StoreError::new(StoreErrorKind::TooLarge, "the store Memory", message));
            }
            state.change(key, |old| *old = slot);
            state.shrink(now);
            Ok(true)
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.keys.get(key).is_some_and(|slot| slot.holds(token)) {
                state.change(key, |slot| slot.lease = None);
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.lock().change(key, |slot| *slot = Slot::default());
            Ok(())
        })
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.lock();
            let from = (Bound::Included(prefix), Bound::Unbounded);
            let keys = state.keys.range::<str, _>(from).map(|(key, _)| key);
            let keys: Vec<_> = keys.take_while(|key| key.starts_with(prefix)).cloned().collect();
            for key in keys {
                state.change(&key, |slot| *slot = Slot::default());
            }
            Ok(())
        })
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn put(
        store: &Memory,
        key: &str,
        json: &[u8],
        keep: Duration,
    ) -> Result<bool, StoreError> {
        match store.lease(key, None, MINUTE).await? {
            Lease::Granted(token) => store.put(key, &token, Entry::new(1, false, json), keep).await,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn it_is_bounded_and_drops_what_ends_first() {
        let store = Memory::new().max_bytes(100_000);
        for n in 0..1000 {
            let keep = MINUTE * if n % 2 == 0 { 1000 + n } else { n };
            assert!(put(&store, &format!("key:{n}"), &[b'1'; 1000], keep).await.unwrap());
            assert!(store.lock().bytes <= 100_000);
        }
        let state = store.lock();
        assert!(state.keys.len() > 60, "{}", state.keys.len());
        let even = state.keys.keys().filter(|key| key.ends_with(['0', '2', '4', '6', '8'])).count();
        assert!(even > state.keys.len() * 8 / 10, "{even} of {}", state.keys.len());
        let bytes: usize = state.keys.iter().map(|(key, slot)| slot.bytes(key)).sum();
        assert_eq!(bytes, state.bytes);
    }

    #[tokio::test]
    async fn leases_alone_are_bounded_too() {
        let store = Memory::new().max_bytes(10_000);
        for n in 0..1000 {
            let lease = store.lease(&format!("key:{n}"), None, MINUTE).await.unwrap();
            assert!(matches!(lease, Lease::Granted(_)));
            assert!(store.lock().bytes <= 10_000);
        }
    }

    #[tokio::test]
    async fn an_entry_beyond_the_limit_is_too_large() {
        let store = Memory::new().max_bytes(10_000);
        let error = put(&store, "key", &[b'1'; 10_000], MINUTE).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::TooLarge);
        assert_eq!(
            format!("{error:?}"),
            "the store Memory does not take an entry of this size: \
             10241 bytes, and the limit of the store is 10000"
        );
        assert!(put(&store, "other", b"1", MINUTE).await.unwrap());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_key_without_entry_and_lease() {
        let store = Memory::new();
        assert!(put(&store, "key", b"1", Duration::ZERO).await.unwrap());
        assert_eq!(store.get("key").await.unwrap(), None);
        store.remove("other").await.unwrap();
        let state = store.lock();
        assert!(state.keys.is_empty() && state.bytes == 0);
    }
}
