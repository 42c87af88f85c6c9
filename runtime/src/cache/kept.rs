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
use crate::base::clock::{CLOCK, Tick};
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

    /// The end of a stale window of so many nanoseconds.
    fn usable_until(stamp: Stamp, window: u64) -> Tick {
        let window = if stamp.is_none { 0 } else { window };
        Tick(stamp.fresh_until.0.saturating_add(window))
    }

    /// The time from which an entry is of no use.
    fn expires_at(&self, stamp: Stamp) -> Tick {
        let Policy { stale_while_revalidate, stale_if_error, .. } = self.policy;
        Self::usable_until(stamp, stale_while_revalidate.max(stale_if_error))
    }

    fn expires(&self, at: Tick) {
        self.next_expiry.fetch_min(at.0, Relaxed);
    }

    /// The stamp of an entry whose lifetime began with its fetch.
    fn stamp(&self, fetch: FetchId, ttl: u64, is_none: bool) -> Stamp {
        let lifetime = ttl - random::share(ttl, self.policy.jitter).min(ttl);
        Stamp {
            fresh_until: Tick(fetch.started.0.saturating_add(lifetime)),
            is_none,
            number: fetch.number,
        }
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
        let usable = |stamp, window| now < Self::usable_until(stamp, window);
        if let Some(Entry { value, stamp }) = self.values().find(key) {
            if now < stamp.fresh_until {
                return Some(Usable::Fresh(Ok(value)));
            }
            let revalidates = usable(stamp, self.policy.stale_while_revalidate);
            let is_usable = revalidates || usable(stamp, self.policy.stale_if_error);
            if failure.is_some() && is_usable {
                return Some(Usable::Stale(value));
            }
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
        let is_usable = now < Self::usable_until(stamp, self.policy.stale_if_error);
        (!is_stale || is_usable).then_some((value, is_stale))
    }

    /// True if a value may be used, if need be while it is fetched again.
    pub(super) fn has_usable(&self, key: &K) -> bool {
        let window = self.policy.stale_while_revalidate;
        let entry = self.values().find(key);
        entry.is_some_and(|entry| CLOCK.now() < Self::usable_until(entry.stamp, window))
    }

    /// The failure in an entry, if it may be used without a stale value.
    fn kept_failure(entry: &Entry) -> Option<Failure> {
        let kept = lent::<KeptFailure>(&entry.value);
        (!kept.only_with_stale).then(|| kept.failure.clone())
    }

    /// Stores the result of a fetch, as far as it is to be kept.
    pub(super) fn store(
        &self,
        key: &Arc<K>,
        fetch: FetchId,
        result: &FetchResult,
        removed: &mut Removed,
    ) {
        let Policy { ttl, negative_ttl, stale_if_error, .. } = self.policy;
        match result {
            Ok(value) => {
                if !Self::has_later(&self.failures, key, fetch) {
                    self.failures.remove(key, removed);
                }
                let is_none = (self.is_none)(value);
                match if is_none { negative_ttl } else { ttl } {
                    0 => self.values().remove(key, removed),
                    ttl => {
                        let stamp = self.stamp(fetch, ttl, is_none);
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
                let only_with_stale = negative_ttl == 0 || !is_kept;
                let ttl = match negative_ttl {
                    0 if stale_if_error > 0 => RETRY_PAUSE,
                    ttl => ttl,
                };
                // The next caller may be one that can wait for what was not ready.
                let is_final = !matches!(failure, Failure::Resource(error) if error.is_not_ready());
                if ttl > 0 && is_final {
                    let failure = KeptFailure { failure: failure.clone(), only_with_stale };
                    let stamp = self.stamp(fetch, ttl, true);
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
        result: &FetchResult,
        removed: &mut Removed,
    ) {
        if !Self::has_later(self.values(), key, fetch) {
            self.store(key, fetch, result, removed);
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
        self.expires(self.expires_at(stamp));
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
        let keep = |stamp| {
            let at = self.expires_at(stamp);
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
