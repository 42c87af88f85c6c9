//! The values and failures that a cache keeps: their lifetimes, their stale windows, and what may
//! be used in which of them.
//!
//! Entries that are taken out of a storage are returned, to be dropped when no lock is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::entries::{Entries, Entry, Removed, Stamp};
use super::key::Key;
use super::map::Map;
use super::outcome::{Failure, FetchResult};
use super::policy::Policy;
use crate::base::clock::{CLOCK, Tick, nanos};
use crate::base::erased::{Erased, lent};
use crate::base::panic::drop_caught;
use crate::base::random;

/// The time for which a fetch that failed is not repeated while a stale value can be used, if no
/// `negative_ttl` is set.
const RETRY_PAUSE: u64 = 10_000_000_000;

/// See the module.
pub(super) struct Kept<K: 'static> {
    pub(super) policy: Policy,
    /// True for a value that stands for none.
    pub(super) is_none: fn(&Erased) -> bool,
    /// True if all callers that wait for a fetch can have its error.
    pub(super) shares_errors: bool,
    values: fn() -> &'static dyn Entries<K>,
    /// [`KeptFailure`]s.
    failures: Map<K>,
    /// No entry expires before this.
    next_expiry: AtomicU64,
}

/// A failure that is kept.
struct KeptFailure {
    failure: Failure,
    /// True if it is kept only to spare the backend while a stale value can be used.
    only_with_stale: bool,
}

/// A fetch: its number, and its start, from which lifetimes count.
#[derive(Clone, Copy)]
pub(super) struct FetchId {
    pub(super) number: u64,
    pub(super) started: Tick,
}

/// The values and failures of a key that may be used now.
pub(super) enum Usable {
    /// A fresh value, or a failure that is kept.
    Fresh(FetchResult),
    /// A stale value, to be used as it is: a fetch has just failed.
    Stale(Erased),
    /// A stale value, to be used while it is fetched again.
    Revalidate(Erased),
}

impl<K: Key> Kept<K> {
    pub(super) const fn new(
        policy: Policy,
        is_none: fn(&Erased) -> bool,
        shares_errors: bool,
        values: fn() -> &'static dyn Entries<K>,
        max_entries: usize,
    ) -> Self {
        Self {
            policy,
            is_none,
            shares_errors,
            values,
            failures: Map::new(max_entries),
            next_expiry: AtomicU64::new(u64::MAX),
        }
    }

    fn values(&self) -> &'static dyn Entries<K> {
        (self.values)()
    }

    fn expires(&self, at: Tick) {
        self.next_expiry.fetch_min(at.0, Relaxed);
    }

    /// The stamp of an entry whose lifetime began with its fetch.
    fn stamp(&self, FetchId { number, started }: FetchId, ttl: u64) -> Stamp {
        let ttl = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        let end = Tick(started.0.saturating_add(ttl));
        Stamp {
            started,
            fresh_until: end,
            valid_until: end,
            revalidate_until: end,
            error_until: end,
            number,
        }
    }

    /// Returns the stamp of the value of a fetch: its TTL and its stale windows, none of them longer
    /// than the lifetime of the value itself. Returns `None` if the value is not to be kept.
    pub(super) fn stamp_of(&self, value: &Erased, fetch: FetchId) -> Option<Stamp> {
        let Policy { ttl, negative_ttl, stale_while_revalidate, stale_if_error, .. } = self.policy;
        if (self.is_none)(value) {
            return (negative_ttl > 0).then(|| self.stamp(fetch, negative_ttl));
        }
        let lifetime = self.policy.lifetime.map_or(u64::MAX, |lifetime| nanos(lifetime(value)));
        if lifetime == 0 {
            return None;
        }
        let stamp = self.stamp(fetch, ttl.min(lifetime));
        let end = fetch.started.0.saturating_add(lifetime);
        let until = |window| Tick(stamp.fresh_until.0.saturating_add(window).min(end));
        let (revalidate_until, error_until) =
            (until(stale_while_revalidate), until(stale_if_error));
        Some(Stamp { revalidate_until, error_until, ..stamp })
    }

    /// Returns the number of entries, and that of entries that made room for others.
    pub(super) fn counts(&self) -> (usize, u64) {
        let (values, failures) = (self.values(), &self.failures);
        (values.len() + failures.len(), values.evictions() + failures.evictions())
    }

    /// Returns what may be used without a fetch. A stale value that is to be fetched again may be
    /// used only if there is a later time for that.
    pub(super) fn usable(&self, key: &K, can_fetch_later: impl FnOnce() -> bool) -> Option<Usable> {
        let now = CLOCK.now();
        let failure = self.failures.find(key).filter(|entry| now < entry.stamp.fresh_until);
        if let Some(Entry { value, stamp }) = self.values().find(key) {
            if now < stamp.fresh_until {
                return Some(Usable::Fresh(Ok(value)));
            }
            if failure.is_some() && now < stamp.expires_at() {
                return Some(Usable::Stale(value));
            }
            let revalidates = now >= stamp.valid_until && now < stamp.revalidate_until;
            if revalidates && can_fetch_later() {
                return Some(Usable::Revalidate(value));
            }
        }
        let failure = failure.as_ref().and_then(Self::kept_failure)?;
        Some(Usable::Fresh(Err(failure)))
    }

    /// Returns a fresh value, or a failure that is kept.
    pub(super) fn fresh(&self, key: &K) -> Option<FetchResult> {
        let now = CLOCK.now();
        let fresh = |entry: &Entry| now < entry.stamp.fresh_until;
        if let Some(entry) = self.values().find(key).filter(fresh) {
            return Some(Ok(entry.value));
        }
        let failure = self.failures.find(key).filter(fresh)?;
        Self::kept_failure(&failure).map(Err)
    }

    /// Returns the value of a fetch with this number, or a later one.
    pub(super) fn fetched_since(&self, key: &K, number: u64) -> Option<Erased> {
        let entry = self.values().find(key).filter(|entry| entry.stamp.number >= number)?;
        (CLOCK.now() < entry.stamp.fresh_until).then_some(entry.value)
    }

    /// Returns the value that may be used in the place of a failure, and whether it is stale.
    pub(super) fn instead_of_failure(&self, key: &K) -> Option<(Erased, bool)> {
        let Entry { value, stamp } = self.values().find(key)?;
        let now = CLOCK.now();
        // Another fetch may have stored a fresh one.
        let is_stale = now >= stamp.fresh_until;
        (now < stamp.error_until).then_some((value, is_stale))
    }

    /// Returns a value that is younger than its TTL, also if the store was to be asked again.
    pub(super) fn valid(&self, key: &K) -> Option<(Erased, Stamp)> {
        let Entry { value, stamp } = self.values().find(key)?;
        (CLOCK.now() < stamp.valid_until).then_some((value, stamp))
    }

    /// Returns a value that may be used in a stale window, if there is one.
    pub(super) fn stale(&self, key: &K) -> Option<(Erased, Stamp)> {
        let Entry { value, stamp } = self.values().find(key)?;
        let has_window = stamp.expires_at() > stamp.valid_until;
        (has_window && CLOCK.now() < stamp.expires_at()).then_some((value, stamp))
    }

    /// Keeps a value of the store that may be used if the fetch fails, unless there is a later one.
    pub(super) fn keep_stale(
        &self,
        key: &Arc<K>,
        value: Erased,
        stamp: Stamp,
        removed: &mut Removed,
    ) {
        let is_older = |entry: Entry| stamp.error_until <= entry.stamp.error_until;
        if CLOCK.now() < stamp.expires_at() && !self.values().find(key).is_some_and(is_older) {
            self.keep(self.values(), key, value, stamp, removed);
        } else {
            removed.push(value);
        }
    }

    /// True for a value that stands for none.
    pub(super) fn is_none(&self, value: &Erased) -> bool {
        (self.is_none)(value)
    }

    /// True if a value may be used, if need be while it is fetched again.
    pub(super) fn has_usable(&self, key: &K) -> bool {
        let entry = self.values().find(key);
        entry.is_some_and(|entry| CLOCK.now() < entry.stamp.revalidate_until)
    }

    /// The failure in an entry, if it may be used without a stale value.
    fn kept_failure(entry: &Entry) -> Option<Failure> {
        let kept = lent::<KeptFailure>(&entry.value);
        (!kept.only_with_stale).then(|| kept.failure.clone())
    }

    /// Stores the result of a fetch, as far as it is to be kept; a value with this stamp.
    pub(super) fn store(
        &self,
        key: &Arc<K>,
        fetch: FetchId,
        stamp: Option<Stamp>,
        result: &FetchResult,
        removed: &mut Removed,
    ) {
        match result {
            Ok(value) => {
                if !Self::has_later(&self.failures, key, fetch) {
                    self.failures.remove(key, removed);
                }
                match stamp {
                    None => self.values().remove(key, removed),
                    Some(stamp) => {
                        self.keep(self.values(), key, Arc::clone(value), stamp, removed);
                    }
                }
            }
            Err(failure) => {
                let is_kept = match failure {
                    Failure::Error(_) => self.shares_errors,
                    Failure::TimedOut(_) => true,
                    Failure::Resource(_) => false,
                };
                let Policy { negative_ttl, stale_if_error, .. } = self.policy;
                let only_with_stale = negative_ttl == 0 || !is_kept;
                let ttl = match negative_ttl {
                    0 if stale_if_error > 0 => RETRY_PAUSE,
                    ttl => ttl,
                };
                // The next caller may be one that can wait for what was not ready.
                let is_final = !matches!(failure, Failure::Resource(error) if error.is_not_ready());
                if ttl > 0 && is_final {
                    let failure = KeptFailure { failure: failure.clone(), only_with_stale };
                    let stamp = self.stamp(fetch, ttl);
                    self.keep(&self.failures, key, Arc::new(failure), stamp, removed);
                }
            }
        }
    }

    /// Stores the result of a fetch, unless that of a later one is kept.
    pub(super) fn store_unless_older(
        &self,
        key: &Arc<K>,
        fetch: FetchId,
        stamp: Option<Stamp>,
        result: &FetchResult,
        removed: &mut Removed,
    ) {
        if !Self::has_later(self.values(), key, fetch) {
            self.store(key, fetch, stamp, result, removed);
        }
    }

    /// True if the result of a later fetch is kept.
    fn has_later(entries: &dyn Entries<K>, key: &K, fetch: FetchId) -> bool {
        entries.find(key).is_some_and(|entry| entry.stamp.number > fetch.number)
    }

    fn keep(
        &self,
        entries: &dyn Entries<K>,
        key: &Arc<K>,
        value: Erased,
        stamp: Stamp,
        removed: &mut Removed,
    ) {
        entries.insert(Arc::clone(key), Entry { value, stamp }, removed);
        // Noted after the insertion: a purge that runs before it would not see the entry, and one
        // that runs after it notes the expiry itself.
        self.expires(stamp.expires_at());
    }

    /// Removes the value and the failure of a key.
    pub(super) fn remove(&self, key: &K, removed: &mut Removed) {
        self.values().remove(key, removed);
        self.failures.remove(key, removed);
    }

    /// Removes all values and failures.
    pub(super) fn clear(&self, removed: &mut Removed) {
        self.values().retain(&|_| false, removed);
        self.failures.retain(&|_| false, removed);
    }

    /// Drops what has expired.
    pub(super) fn purge(&self, now: Tick) {
        if now.0 < self.next_expiry.load(Relaxed) {
            return;
        }
        self.next_expiry.store(u64::MAX, Relaxed);
        let keep = |stamp: Stamp| {
            let at = stamp.expires_at();
            if now < at {
                self.expires(at);
            }
            now < at
        };
        let mut removed = Removed::new();
        self.values().retain(&keep, &mut removed);
        self.failures.retain(&keep, &mut removed);
        drop_removed(removed);
    }

    #[cfg(feature = "testing")]
    pub(super) fn reset(&self) {
        self.failures.reset();
        self.values().reset();
    }
}

/// Drops entries one by one: a destructor that panics does not stop the others.
pub(super) fn drop_removed(removed: Removed) {
    for entry in removed {
        drop_caught(entry, "a cached value");
    }
}
