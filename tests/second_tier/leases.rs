//! Single flight across containers, and stale values of the store.

use super::*;

static FETCHES: Count = Count::new();
static FAILS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[cached(ttl = "5m", stale_if_error = "1h", negative_ttl = "5s", jitter = "0%", store = shared, allow(global_state))]
async fn price(_sku: &str) -> Result<Option<u32>, Error> {
    let number = FETCHES.up();
    match FAILS.load(SeqCst) {
        true => Err(Error::msg("no backend")),
        false => Ok((_sku != "none").then_some(number)),
    }
}

#[handler(report_every = 0)]
async fn app(sku: String) -> Result<Option<u32>, Error> {
    price(&sku).await
}

/// The key of a fetch, by a container of its own.
async fn key_of(sku: &str) -> (String, u64) {
    OUTSIDE.reset().await;
    FAILS.store(false, SeqCst);
    app::container().await.invoke(sku).await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    OUTSIDE.reset().await;
    (key, entry.fetched_ms())
}

#[tokio::test]
async fn a_container_waits_for_the_one_that_fetches() {
    let _turn = simulation().await;
    let (key, now) = key_of("tea").await;
    let mut c = app::container().await;
    let lease = OUTSIDE.memory.lease(&key, None, SECOND).await.unwrap();
    let Lease::Granted(token) = lease else { panic!("{lease:?}") };
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let entry = Entry::new(now, false, b"77");
        assert!(OUTSIDE.memory.put(&key, &token, entry, 60 * SECOND).await.unwrap());
    };
    let (response, ()) = tokio::join!(c.invoke("tea"), write);
    assert_eq!(response.unwrap(), 77);
    let stats = price::stats();
    assert_eq!((stats.loads, stats.store_waits, stats.store_misses), (0, 1, 1));
}

#[tokio::test]
async fn a_lease_that_is_given_back_or_ends_is_taken() {
    let _turn = simulation().await;
    let (key, _) = key_of("tea").await;
    let mut c = app::container().await;
    let lease = OUTSIDE.memory.lease(&key, None, SECOND).await.unwrap();
    let Lease::Granted(token) = lease else { panic!("{lease:?}") };
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        OUTSIDE.memory.release(&key, &token).await.unwrap();
    };
    let (response, ()) = tokio::join!(c.invoke("tea"), release);
    response.unwrap();
    assert_eq!((price::stats().loads, price::stats().store_waits), (1, 1));
    let late = Entry::new(1, false, b"1");
    assert!(!OUTSIDE.memory.put(&key, &token, late, SECOND).await.unwrap(), "it is not its key");
}

#[tokio::test(start_paused = true)]
async fn no_caller_waits_for_ever() {
    let _turn = simulation().await;
    let (key, _) = key_of("tea").await;
    let mut c = app::container().await;
    // The clock of the store stands still: this lease never ends.
    OUTSIDE.memory.lease(&key, None, SECOND).await.unwrap();
    let start = tokio::time::Instant::now();
    c.invoke("tea").await.unwrap();
    let waited = start.elapsed().as_secs_f64();
    assert!((20.0..20.2).contains(&waited), "{waited} s, two leases");
    assert_eq!(price::stats().loads, 1);
}

#[tokio::test]
async fn a_stale_entry_replaces_an_error() {
    let _turn = simulation().await;
    let (key, now) = key_of("tea").await;
    let mut cold = app::container().await;
    FAILS.store(true, SeqCst);
    OUTSIDE.write(&key, now - 301_000, b"77").await;
    assert_eq!(cold.invoke("tea").await.unwrap(), 77);
    assert_eq!((price::stats().load_errors, price::stats().stale_hits), (1, 1));
    assert_eq!(cold.invoke("tea").await.unwrap(), 77);
    assert_eq!(price::stats().load_errors, 1, "not tried again at once");
    drop(cold);

    OUTSIDE.reset().await;
    let mut cold = app::container().await;
    OUTSIDE.write(&key, now - 3_900_000, b"77").await;
    cold.invoke("tea").await.unwrap_err();
}

#[tokio::test]
async fn a_failed_fetch_gives_its_lease_back() {
    let _turn = simulation().await;
    let (key, _) = key_of("tea").await;
    let mut c = app::container().await;
    FAILS.store(true, SeqCst);
    c.invoke("tea").await.unwrap_err();
    FAILS.store(false, SeqCst);
    let lease = OUTSIDE.memory.lease(&key, None, SECOND).await.unwrap();
    assert!(matches!(lease, Lease::Granted(_)), "{lease:?}");
}

#[tokio::test]
async fn none_is_shared_for_negative_ttl() {
    let _turn = simulation().await;
    key_of("none").await;
    let mut c = app::container().await;
    assert_eq!(c.invoke("none").await.unwrap(), Value::Null);
    let (_, entry) = OUTSIDE.last_put();
    assert!(entry.is_none() && entry.json() == b"null");
    drop(c);
    let mut other = app::container().await;
    assert_eq!(other.invoke("none").await.unwrap(), Value::Null);
    assert_eq!((price::stats().store_hits, price::stats().loads), (1, 0));
    other.idle(5 * SECOND);
    other.invoke("none").await.unwrap();
    assert_eq!(price::stats().loads, 1);
}

#[tokio::test]
async fn no_caller_waits_where_a_stale_value_is_allowed() {
    let _turn = simulation().await;
    let (key, now) = key_of("tea").await;
    let mut cold = app::container().await;
    OUTSIDE.write(&key, now - 301_000, b"77").await;
    // Another container fetches it.
    OUTSIDE.memory.lease(&key, Some(now - 301_000), SECOND).await.unwrap();
    let start = std::time::Instant::now();
    assert_eq!(cold.invoke("tea").await.unwrap(), 77);
    assert!(start.elapsed() < SECOND, "it did not wait for the lease");
    let stats = price::stats();
    assert_eq!((stats.loads, stats.stale_hits, stats.store_waits), (0, 1, 0));
}

mod short {
    use super::*;

    #[cached(ttl = "1s", jitter = "0%", store = shared)]
    async fn second(_n: u8) -> u32 {
        FETCHES.up()
    }

    #[handler(report_every = 0)]
    pub async fn app(n: u8) -> u32 {
        second(n).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_lasts_no_longer_than_the_ttl() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    short::app::container().await.invoke(1).await.unwrap();
    let (key, _) = OUTSIDE.last_put();
    OUTSIDE.reset().await;
    let mut c = short::app::container().await;
    OUTSIDE.memory.lease(&key, None, SECOND).await.unwrap();
    let start = tokio::time::Instant::now();
    c.invoke(1).await.unwrap();
    let waited = start.elapsed().as_secs_f64();
    assert!((2.0..2.2).contains(&waited), "{waited} s, two leases");
}
