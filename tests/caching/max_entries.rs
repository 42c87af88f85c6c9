//! `max_entries`.

use std::sync::Arc;

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
