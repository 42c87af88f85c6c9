//! `Memory`, and simulated containers that share one.

use std::sync::Arc;
use std::time::Duration;

use rewarm::handler;
use rewarm::store::{Memory, Store};
use rewarm::testing::store_conformance;
use rewarm_tests::turns;

use crate::{entry, granted, json, put};

#[tokio::test]
async fn it_follows_the_rules() {
    let _turn = turns::outside_containers().await;
    let store = Memory::new();
    store_conformance(&store).await;
    assert!(store.is_empty());
    let shared: Arc<dyn Store> = Arc::new(store.namespace("shop"));
    store_conformance(&shared).await;
    assert_eq!(shared.namespace(), Some("shop"));
}

#[handler]
async fn nothing() {}

#[tokio::test]
async fn it_outlives_a_simulated_container_and_has_its_clock() {
    let _turn = turns::simulation().await;
    let store = Memory::new();
    {
        let mut first = nothing::container().await;
        let token = granted(&store, "key").await;
        assert!(store.put("key", &token, entry("1"), Duration::from_secs(60)).await.unwrap());
        first.idle(Duration::from_secs(10));
    }
    let mut second = nothing::container().await;
    assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    second.idle(Duration::from_secs(59));
    assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    second.idle_wall(Duration::from_secs(2));
    assert_eq!(json(&store, "key").await.unwrap(), None);
    assert!(put(&store, "key", "2").await.unwrap());
}

#[tokio::test]
async fn a_lease_ends_if_the_wall_clock_is_set_back() {
    let _turn = turns::simulation().await;
    let store = Memory::new();
    {
        let mut first = nothing::container().await;
        first.idle(Duration::from_secs(3600));
        granted(&store, "key").await;
    }
    // Its wall clock is an hour behind that of the first one.
    let _second = nothing::container().await;
    granted(&store, "key").await;
}
