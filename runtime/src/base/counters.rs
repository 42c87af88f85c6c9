//! The counters of a cache, and their values.

use std::cell::Cell;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

/// The statistics of a cache since its container started.
///
/// They come from the cached function's `stats()`, from
/// [`Container::caches`](crate::Container::caches), and with each [`metrics::Cache`] event, which
/// has the numbers since the previous one.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m")]
/// async fn rate() -> f64 {
///     1.5
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// rate().await;
/// rate().await;
/// let stats = rate::stats();
/// assert_eq!((stats.misses, stats.hits, stats.entries), (1, 1, 1));
/// # }
/// ```
///
/// [`metrics::Cache`]: crate::metrics::Cache
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// The number of calls that returned a fresh value, or an error kept by `negative_ttl`.
    pub hits: u64,
    /// The number of calls that fetched, or waited for a fetch of another caller.
    pub misses: u64,
    /// The number of fetches that ended.
    pub loads: u64,
    /// The number of fetches that ended without a value: by an error, a timeout or a panic.
    pub load_errors: u64,
    /// The number of calls that returned a value past its TTL, by `stale_while_revalidate` or
    /// `stale_if_error`.
    pub stale_hits: u64,
    /// The number of calls for which the store of the function had a usable entry.
    pub store_hits: u64,
    /// The number of calls for which the store had none.
    pub store_misses: u64,
    /// The number of operations of the store that failed, or took longer than `store_timeout`.
    pub store_errors: u64,
    /// The number of calls that waited for the entry of another container.
    pub store_waits: u64,
    /// The number of entries that were evicted in favour of others.
    pub evictions: u64,
    /// The number of entries that the cache has now: values, and errors that are kept.
    pub entries: usize,
    /// The sum of the durations of all fetches.
    pub load_time: Duration,
}

impl Stats {
    /// Returns the difference from earlier statistics of the same cache.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            loads: self.loads.saturating_sub(earlier.loads),
            load_errors: self.load_errors.saturating_sub(earlier.load_errors),
            stale_hits: self.stale_hits.saturating_sub(earlier.stale_hits),
            store_hits: self.store_hits.saturating_sub(earlier.store_hits),
            store_misses: self.store_misses.saturating_sub(earlier.store_misses),
            store_errors: self.store_errors.saturating_sub(earlier.store_errors),
            store_waits: self.store_waits.saturating_sub(earlier.store_waits),
            evictions: self.evictions.saturating_sub(earlier.evictions),
            entries: self.entries,
            load_time: self.load_time.saturating_sub(earlier.load_time),
        }
    }

    /// True if anything was counted.
    pub(crate) fn is_used(&self) -> bool {
        *self != Self { entries: self.entries, ..Self::default() }
    }
}

/// The counters of a cache. The numbers of entries and evictions are those of its storage.
pub struct CacheCounters {
    pub(crate) hits: Striped,
    pub(crate) misses: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) load_errors: AtomicU64,
    pub(crate) stale_hits: AtomicU64,
    pub(crate) store_hits: AtomicU64,
    pub(crate) store_misses: AtomicU64,
    pub(crate) store_errors: AtomicU64,
    pub(crate) store_waits: AtomicU64,
    pub(crate) load_time: AtomicU64,
}

impl CacheCounters {
    pub(crate) const fn new() -> Self {
        Self {
            hits: Striped::new(),
            misses: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            load_errors: AtomicU64::new(0),
            stale_hits: AtomicU64::new(0),
            store_hits: AtomicU64::new(0),
            store_misses: AtomicU64::new(0),
            store_errors: AtomicU64::new(0),
            store_waits: AtomicU64::new(0),
            load_time: AtomicU64::new(0),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn reset(&self) {
        let Self { hits, misses, loads, load_errors, stale_hits, load_time, .. } = self;
        let Self { store_hits, store_misses, store_errors, store_waits, .. } = self;
        let of_fetches = [misses, loads, load_errors, stale_hits, load_time];
        let of_the_store = [store_hits, store_misses, store_errors, store_waits];
        for counter in hits.stripes().chain(of_fetches).chain(of_the_store) {
            counter.store(0, Relaxed);
        }
    }
}

/// A counter that does not slow threads down by contention. Each of the first [`OWNED`] threads
/// owns a stripe, in a cache line of its own. All other threads share one stripe.
///
/// A stripe is incremented by a load and a store, without a locked instruction. No increment is
/// lost: only the owner stores into a stripe, and a stripe has one owner at a time ([`FREE`]). The
/// sum may miss increments that happen while it is taken.
pub(crate) struct Striped {
    owned: [Stripe; OWNED],
    shared: Stripe,
}

/// The number of stripes that a thread can own.
const OWNED: usize = 7;

#[repr(align(64))]
struct Stripe(AtomicU64);

impl Stripe {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Striped {
    pub(crate) const fn new() -> Self {
        Self { owned: [const { Stripe::new() }; OWNED], shared: Stripe::new() }
    }

    #[inline]
    pub(crate) fn add(&self) {
        if !self.add_owned() {
            self.add_first_or_shared();
        }
    }

    /// Adds to the stripe of this thread. Returns false if it owns none.
    #[inline]
    fn add_owned(&self) -> bool {
        let stripe = self.owned.get(STRIPE.get());
        stripe.inspect(|Stripe(count)| count.store(count.load(Relaxed) + 1, Relaxed)).is_some()
    }

    /// Claims a stripe at the first call of this thread, and adds to it or to the shared one.
    #[cold]
    fn add_first_or_shared(&self) {
        // This fails while the thread ends, when it has already released its stripe.
        let _ = OWNER.try_with(|_| ());
        if !self.add_owned() {
            self.shared.0.fetch_add(1, Relaxed);
        }
    }

    fn stripes(&self) -> impl Iterator<Item = &AtomicU64> {
        self.owned.iter().chain([&self.shared]).map(|Stripe(count)| count)
    }

    pub(crate) fn sum(&self) -> u64 {
        self.stripes().map(|count| count.load(Relaxed)).sum()
    }
}

thread_local! {
    /// The index of the stripe that this thread owns in every counter; `OWNED` if it owns none.
    /// It has no destructor, so that it can be read while the thread ends.
    static STRIPE: Cell<usize> = const { Cell::new(OWNED) };
    static OWNER: StripeOwner = StripeOwner::claim();
}

/// Owns [`STRIPE`] until the thread ends.
struct StripeOwner;

/// The stripes without an owner, one bit each.
static FREE: AtomicU64 = AtomicU64::new((1 << OWNED) - 1);

impl StripeOwner {
    fn claim() -> Self {
        // Acquire, and Release in `drop`: a new owner has to see the last store of the previous
        // one, or it would store a smaller count.
        let claimed =
            FREE.fetch_update(Acquire, Relaxed, |free| (free != 0).then(|| free & (free - 1)));
        if let Ok(free) = claimed {
            STRIPE.set(free.trailing_zeros() as usize);
        }
        Self
    }
}

impl Drop for StripeOwner {
    fn drop(&mut self) {
        let stripe = STRIPE.replace(OWNED);
        if stripe < OWNED {
            FREE.fetch_or(1 << stripe, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn no_increment_is_lost() {
        static COUNTER: Striped = Striped::new();
        for _ in 0..20 {
            thread::scope(|threads| {
                for _ in 0..2 * OWNED {
                    threads.spawn(|| (0..1000).for_each(|_| COUNTER.add()));
                }
            });
        }
        assert_eq!(COUNTER.sum(), 20 * 2 * OWNED as u64 * 1000);
    }
}
