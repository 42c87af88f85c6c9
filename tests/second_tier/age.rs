//! One age in all containers.

use super::*;

static FETCHES: Count = Count::new();

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Price {
    cents: u32,
}

#[cached(ttl = "5m", local_ttl = "1m", stale_while_revalidate = "1m", jitter = "0%", store = shared)]
async fn price(_sku: &str) -> Result<Price, Error> {
    Ok(Price { cents: FETCHES.up() })
}

/// The price of the event.
#[handler(report_every = 0)]
async fn app(sku: String) -> Result<u32, Error> {
    Ok(price(&sku).await?.cents)
}

#[tokio::test]
async fn containers_share_a_value_and_its_age() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut first = app::container().await;
    let one = first.invoke("tea").await.unwrap().as_u64().unwrap();
    assert_eq!((price::stats().store_misses, price::stats().loads), (1, 1));
    assert_eq!(first.invoke("tea").await.unwrap(), one);
    assert_eq!(OUTSIDE.operations(), 3, "get, lease and put; a hit asks nothing");
    drop(first);

    let mut second = app::container().await;
    assert_eq!(second.invoke("tea").await.unwrap(), one, "of the first container");
    let stats = price::stats();
    assert_eq!((stats.store_hits, stats.store_misses, stats.loads), (1, 0, 0));
    assert_eq!((stats.hits, stats.misses), (0, 1));
    drop(second);

    // A new container, 4 minutes later by the wall clock.
    let mut third = app::container().await;
    third.idle(240 * SECOND);
    assert_eq!(third.invoke("tea").await.unwrap(), one);
    third.idle(59 * SECOND);
    assert_eq!(third.invoke("tea").await.unwrap(), one);
    assert_eq!(price::stats().hits, 1);
    third.idle(SECOND);
    assert_eq!(third.invoke("tea").await.unwrap(), one, "stale, and revalidated");
    assert_eq!((price::stats().stale_hits, price::stats().loads), (1, 1));
    assert_eq!(third.invoke("tea").await.unwrap(), one + 1);
}

#[tokio::test]
async fn the_container_uses_its_copy_for_local_ttl() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    let one = c.invoke("tea").await.unwrap();
    let before = OUTSIDE.operations();
    c.idle(59 * SECOND);
    assert_eq!(c.invoke("tea").await.unwrap(), one);
    assert_eq!(OUTSIDE.operations(), before);
    c.idle(SECOND);
    assert_eq!(c.invoke("tea").await.unwrap(), one);
    assert_eq!(OUTSIDE.operations(), before + 1, "the store is asked again");
    assert_eq!((price::stats().store_hits, price::stats().loads), (1, 1));
}

#[tokio::test]
async fn a_stale_entry_is_used_by_a_cold_container_and_fetched_after_the_response() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    let one = c.invoke("tea").await.unwrap().as_u64().unwrap();
    drop(c);
    let mut cold = app::container().await;
    cold.idle(330 * SECOND);
    assert_eq!(cold.invoke("tea").await.unwrap(), one);
    assert_eq!(price::stats().loads, 1, "after the response");
    assert_eq!(cold.invoke("tea").await.unwrap(), one + 1);
    drop(cold);
    let mut another = app::container().await;
    another.idle(330 * SECOND);
    assert_eq!(another.invoke("tea").await.unwrap(), one + 1);
}

#[tokio::test]
async fn an_expired_entry_is_replaced() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    let one = c.invoke("tea").await.unwrap().as_u64().unwrap();
    drop(c);
    let mut cold = app::container().await;
    cold.idle(360 * SECOND);
    assert_eq!(cold.invoke("tea").await.unwrap(), one + 1);
}

#[tokio::test]
async fn an_entry_from_the_future_counts_as_fetched_now() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    app::container().await.invoke("tea").await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    for ahead in [2_000, 3_600_000, 1_000_000_000] {
        OUTSIDE.reset().await;
        let mut c = app::container().await;
        OUTSIDE.write(&key, entry.fetched_ms() + ahead, br#"{"cents":77}"#).await;
        assert_eq!(c.invoke("tea").await.unwrap(), 77, "{ahead} ms");
        c.idle(299 * SECOND);
        assert_eq!(c.invoke("tea").await.unwrap(), 77);
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_makes_the_value_older() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    app::container().await.invoke("tea").await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    OUTSIDE.write(&key, entry.fetched_ms() - 298_000, br#"{"cents":77}"#).await;
    assert_eq!(c.invoke("tea").await.unwrap(), 77);
    drop(c);
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    OUTSIDE.write(&key, entry.fetched_ms() - 360_000, br#"{"cents":77}"#).await;
    assert_ne!(c.invoke("tea").await.unwrap(), 77);
}

#[tokio::test]
async fn the_container_uses_its_copy_of_a_refresh_for_local_ttl() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    price::refresh("tea").await.unwrap().unwrap();
    let before = OUTSIDE.operations();
    c.idle(59 * SECOND);
    c.invoke("tea").await.unwrap();
    assert_eq!(OUTSIDE.operations(), before);
    c.idle(SECOND);
    c.invoke("tea").await.unwrap();
    assert_eq!(OUTSIDE.operations(), before + 1, "the store is asked again");
}

#[tokio::test]
async fn a_later_value_of_the_container_is_not_replaced_by_an_older_entry() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    c.idle(100 * SECOND);
    c.invoke("tea").await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    drop(c);
    // The store is down when it is fetched, and comes back with the value from before.
    OUTSIDE.reset().await;
    OUTSIDE.set(Fault::Down);
    let mut c = app::container().await;
    c.idle(200 * SECOND);
    let later = c.invoke("tea").await.unwrap();
    OUTSIDE.set(Fault::None);
    OUTSIDE.write(&key, entry.fetched_ms(), br#"{"cents":77}"#).await;
    c.idle(61 * SECOND);
    assert_eq!(c.invoke("tea").await.unwrap(), later);
    assert_eq!(price::stats().store_hits, 1);
}
