//! What caches count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a cache counted since the container started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Calls answered from the cache.
    pub hits: u64,
    /// Calls that had to fetch, or to wait for a fetch.
    pub misses: u64,
    /// Fetches.
    pub loads: u64,
    /// Fetches that brought no value.
    pub load_errors: u64,
    /// Calls answered with a value past its TTL, by `stale_while_revalidate` or `stale_if_error`.
    pub stale_hits: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries kept now.
    pub entries: usize,
    /// How long all fetches together took.
    pub load_time: Duration,
}

impl Stats {
    /// What was counted since an earlier look at the same cache.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            loads: self.loads.saturating_sub(earlier.loads),
            load_errors: self.load_errors.saturating_sub(earlier.load_errors),
            stale_hits: self.stale_hits.saturating_sub(earlier.stale_hits),
            evictions: self.evictions.saturating_sub(earlier.evictions),
            entries: self.entries,
            load_time: self.load_time.saturating_sub(earlier.load_time),
        }
    }

    /// Whether anything was counted.
    pub(crate) fn is_used(&self) -> bool {
        *self != Self { entries: self.entries, ..Self::default() }
    }
}

pub(crate) struct Counters {
    pub(crate) hits: Striped,
    pub(crate) misses: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) load_errors: AtomicU64,
    pub(crate) stale_hits: AtomicU64,
    pub(crate) load_time: AtomicU64,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            hits: Striped::new(),
            misses: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            load_errors: AtomicU64::new(0),
            stale_hits: AtomicU64::new(0),
            load_time: AtomicU64::new(0),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn reset(&self) {
        let Self { hits, misses, loads, load_errors, stale_hits, load_time } = self;
        let stripes = hits.0.iter().map(|stripe| &stripe.0);
        for counter in stripes.chain([misses, loads, load_errors, stale_hits, load_time]) {
            counter.store(0, Relaxed);
        }
    }
}

/// A counter that threads do not fight over: each has, as a rule, a line of its own.
pub(crate) struct Striped([Stripe; 8]);

#[repr(align(64))]
struct Stripe(AtomicU64);

impl Striped {
    pub(crate) const fn new() -> Self {
        Self([const { Stripe(AtomicU64::new(0)) }; 8])
    }

    #[inline]
    pub(crate) fn add(&self) {
        thread_local! {
            static HERE: u8 = const { 0 };
        }
        // Thread-local storage of two threads lies pages apart.
        let stripe = HERE.with(|here| std::ptr::from_ref(here).addr() >> 12) % self.0.len();
        self.0[stripe].0.fetch_add(1, Relaxed);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Relaxed)).sum()
    }
}
