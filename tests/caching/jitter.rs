//! `jitter`.

use super::*;

mod spread {
    use super::*;

    #[cached(ttl = "100s", jitter = "50%", max_entries = 500)]
    pub fn value(key: u64) -> u64 {
        key
    }

    #[handler(report_every = 0)]
    pub async fn fill(keys: u64) -> u64 {
        (0..keys).map(value).sum()
    }
}

#[tokio::test]
async fn jitter_shortens_a_ttl_by_up_to_its_percentage() {
    let _turn = simulation().await;
    let mut container = spread::fill::container().await;
    container.invoke(500).await.unwrap();
    let mut left = Vec::new();
    for seconds in [49, 26, 24, 1] {
        container.idle(Duration::from_secs(seconds));
        container.invoke(0).await.unwrap();
        left.push(spread::value::stats().entries);
    }
    assert_eq!(left[0], 500, "none before half the TTL");
    assert!((150..350).contains(&left[1]), "about half after three quarters of the TTL: {left:?}");
    assert!(left[2] < 50, "{left:?}");
    assert_eq!(left[3], 0, "all at the TTL");
}
