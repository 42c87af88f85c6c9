//! What caches count.

use std::cell::Cell;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
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
        for counter in hits.stripes().chain([misses, loads, load_errors, stale_hits, load_time]) {
            counter.store(0, Relaxed);
        }
    }
}

/// A counter that threads do not fight over: the first few have a stripe of their own, which they
/// count up without a locked instruction, and all others share one.
pub(crate) struct Striped {
    owned: [Stripe; OWNED],
    shared: Stripe,
}

/// How many stripes have an owner.
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
        if !self.add_to_mine() {
            self.add_first_or_shared();
        }
    }

    #[inline]
    fn add_to_mine(&self) -> bool {
        let mine = self.owned.get(MINE.get());
        mine.inspect(|Stripe(count)| count.store(count.load(Relaxed) + 1, Relaxed)).is_some()
    }

    /// The first time on this thread, or a thread that has no stripe.
    #[cold]
    fn add_first_or_shared(&self) {
        // Fails while the thread ends: then it has none any more.
        let _ = OWNER.try_with(|_| ());
        if !self.add_to_mine() {
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
    /// Which stripe of every counter is this thread's; none of them if there is no such.
    static MINE: Cell<usize> = const { Cell::new(OWNED) };
    static OWNER: StripeOwner = StripeOwner::stripe();
}

/// Holds the stripe that is [`MINE`], until the thread ends.
struct StripeOwner;

/// A bit for each stripe that has no owner.
static FREE: AtomicU64 = AtomicU64::new((1 << OWNED) - 1);

impl StripeOwner {
    fn stripe() -> Self {
        // Acquire, and Release below: the next owner counts on from where the last one stopped.
        let claimed =
            FREE.fetch_update(Acquire, Relaxed, |free| (free != 0).then(|| free & (free - 1)));
        if let Ok(free) = claimed {
            MINE.set(free.trailing_zeros() as usize);
        }
        Self
    }
}

impl Drop for StripeOwner {
    fn drop(&mut self) {
        let mine = MINE.replace(OWNED);
        if mine < OWNED {
            FREE.fetch_or(1 << mine, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nothing_that_threads_count_is_lost() {
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
