//! `max_entries`.

use std::sync::Arc;

use rewarm_tests::Random;

use super::*;

mod bounded {
    use super::*;

    #[cached(ttl = "1h", max_entries = 10)]
    pub(super) async fn double(n: u32) -> u32 {
        2 * n
    }
}

#[tokio::test]
async fn a_cache_never_exceeds_max_entries() {
    let _turn = outside_containers().await;
    use bounded::double;
    for n in 0..1000 {
        assert_eq!(double(n).await, 2 * n);
    }
    let stats = double::stats();
    assert!((1..=10).contains(&stats.entries), "{stats:?}");
    assert!(stats.evictions >= 990, "{stats:?}");
}

#[cached(ttl = "1h", max_entries = 1000)]
fn length(text: &str, factor: u64) -> Arc<u64> {
    Arc::new(text.len() as u64 * factor)
}

#[handler(report_every = 0)]
async fn idle(_: Value) {}

#[tokio::test]
async fn memory_stays_flat_over_many_keys() {
    let keys = if runs_all("only 900,000 of its 1,000,000 keys") { 1_000_000 } else { 100_000 };
    let _turn = simulation().await;
    let _container = idle::container().await;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let call = |n: u64| {
        length(&n.to_string(), n);
    };
    (0..10_000).for_each(call);
    let before = resident();
    (10_000..keys).for_each(call);
    let grown = resident().saturating_sub(before);
    let stats = length::stats();
    assert!(stats.entries <= 1000, "{stats:?}");
    assert!(stats.evictions >= keys - 2_000, "{stats:?}");
    assert!(grown < 4 << 20, "{grown} bytes");
}

mod replaced {
    use super::*;

    #[cached(ttl = "1h", max_entries = 2)]
    pub(super) async fn double(n: u8) -> u8 {
        n * 2
    }
}

#[tokio::test]
async fn a_refreshed_entry_makes_room_for_no_other() {
    let _turn = outside_containers().await;
    use replaced::double;
    double(1).await;
    double::refresh(1).await;
    double::refresh(1).await;
    let stats = double::stats();
    assert_eq!((stats.entries, stats.loads, stats.evictions), (1, 3, 0));
}

mod crowded {
    use std::hash::{Hash, Hasher};

    use super::*;

    /// A key with few hashes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Key(pub(super) u64);

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            (self.0 % 3).hash(state);
        }
    }

    #[cached(ttl = "1h", max_entries = 40)]
    pub(super) fn double(key: &Key) -> u64 {
        2 * key.0
    }
}

/// The number of keys from 0 to 99 that have a value.
fn present() -> usize {
    (0..100).filter(|n| crowded::double::peek(&crowded::Key(*n)).is_some()).count()
}

#[test]
fn keys_of_the_same_hash_are_different_keys() {
    let _turn = outside_containers_blocking();
    use crowded::{Key, double};
    double::clear();
    let before = double::stats().evictions;
    for round in 0..3 {
        for n in 0..40 {
            assert_eq!(double(&Key(n)), 2 * n, "in round {round}");
        }
    }
    assert_eq!((present(), double::stats().entries), (40, 40));
    assert_eq!(
        double::stats().evictions,
        before,
        "no entry makes room before the bound is reached"
    );
    double::invalidate(&Key(7));
    assert_eq!(double::peek(&Key(7)), None);
    assert_eq!(double::peek(&Key(10)), Some(20));
    double(&Key(50));
    assert_eq!(double::stats().evictions, before);
    double(&Key(51));
    assert_eq!((present(), double::stats().evictions), (40, before + 1));
}

#[test]
fn threads_that_use_evict_and_remove_entries_lose_none() {
    let _turn = outside_containers_blocking();
    use crowded::{Key, double};
    double::clear();
    let rounds = if runs_all("only 20,000 of its 2,000,000 calls") { 500_000 } else { 5_000 };
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..rounds {
                    let n = random.below(100);
                    match random.below(20) {
                        0 => double::invalidate(&Key(n)),
                        1 => assert_eq!(double::refresh(&Key(n)), 2 * n),
                        2 if random.below(100) == 0 => double::clear(),
                        2 => assert!(double::peek(&Key(n)).is_none_or(|double| double == 2 * n)),
                        _ => assert_eq!(double(&Key(n)), 2 * n),
                    }
                    assert!(double::stats().entries <= 40);
                }
            });
        }
    });
    assert_eq!(present(), double::stats().entries);
    (0..100).for_each(|n| assert_eq!(double(&Key(n)), 2 * n));
    assert_eq!((present(), double::stats().entries), (40, 40), "it is full");
    double::clear();
    assert_eq!((present(), double::stats().entries), (0, 0));
}

mod popular {
    use super::*;

    #[cached(ttl = "1h", max_entries = 100)]
    pub(super) fn double(n: u64) -> u64 {
        2 * n
    }
}

#[test]
fn keys_that_are_used_again_stay_beside_keys_that_are_used_once() {
    let _turn = outside_containers_blocking();
    use popular::double;
    let popular = || (0..80).for_each(|n| assert_eq!(double(n), 2 * n));
    popular();
    popular();
    let before = double::stats();
    for round in 1..=10 {
        (0..1000).for_each(|n| assert_eq!(double(round * 1000 + n), 2 * (round * 1000 + n)));
        popular();
    }
    let stats = double::stats();
    assert_eq!(stats.hits - before.hits, 800, "{stats:?}");
    assert_eq!(stats.entries, 100);
}

mod failing {
    use super::*;

    #[cached(ttl = "1h", negative_ttl = "1h", max_entries = 5)]
    pub(super) fn even(n: u64) -> Result<u64, Refused> {
        if n.is_multiple_of(2) { Ok(n) } else { Err(Refused) }
    }
}

#[test]
fn keys_that_fail_take_no_value_away() {
    let _turn = outside_containers_blocking();
    use failing::even;
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(even(n), Ok(n));
    }
    for n in 0..50 {
        assert_eq!(even(2 * n + 1), Err(Refused));
    }
    let stats = even::stats();
    assert_eq!((stats.entries, stats.evictions), (10, 45), "{stats:?}");
    assert_eq!(even::peek(8), Some(8));
    assert_eq!((even(0), even(99)), (Ok(0), Err(Refused)));
    assert_eq!(even::stats().hits, stats.hits + 2);
}
