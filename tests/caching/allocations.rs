//! Allocations of a hit.

use std::sync::Arc;

use futures_util::FutureExt;

use super::*;

#[cached(ttl = "1h", max_entries = 1000)]
fn length(text: &str, factor: u64) -> Arc<u64> {
    Arc::new(text.len() as u64 * factor)
}

#[cached(ttl = "1h")]
async fn settings() -> Arc<u64> {
    Arc::new(7)
}

#[cached(ttl = "1h")]
async fn price(sku: &str, parts: &[u8]) -> Result<Arc<u64>, String> {
    Ok(Arc::new(sku.len() as u64 + parts.len() as u64))
}

#[handler(report_every = 0)]
async fn idle(_: Value) {}

#[tokio::test]
async fn a_hit_allocates_nothing() {
    let _turn = simulation().await;
    let _container = idle::container().await;
    settings().await;
    price("tea", &[1, 2]).await.unwrap();
    length("tea", 3);
    let counted = allocation_counter::measure(|| {
        assert_eq!(settings().now_or_never().map(|seven| *seven), Some(7));
        assert_eq!(price("tea", &[1, 2]).now_or_never().map(|sum| *sum.unwrap()), Some(5));
        assert_eq!(*length("tea", 3), 9);
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    let counted = allocation_counter::measure(|| drop(length("pot", 3)));
    assert!(counted.count_total > 0, "a miss allocates, and the counter counts it");
}
