//! The store is an optimisation: whatever it does, the function works as without it.

use super::*;
use tokio::time::Instant;

static FETCHES: Count = Count::new();

#[cached(ttl = "5m", local_ttl = "1m", jitter = "0%", store = shared, store_timeout = "30ms")]
async fn price(_sku: String) -> Result<u32, Error> {
    Ok(FETCHES.up())
}

#[handler(report_every = 0)]
async fn app(sku: String) -> Result<u32, Error> {
    price(sku).await
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_or_hangs_or_panics_costs_one_wait_a_pause() {
    let _turn = simulation().await;
    for (fault, wait) in
        [(Fault::Down, 0), (Fault::Panics, 0), (Fault::Hangs, 30), (Fault::Slow(1000), 30)]
    {
        OUTSIDE.reset().await;
        let mut c = app::container().await;
        OUTSIDE.set(fault);
        let start = Instant::now();
        for n in 0..50 {
            c.invoke(format!("{n}")).await.unwrap();
        }
        assert_eq!(start.elapsed().as_millis(), wait, "one wait for 50 keys");
        assert_eq!((OUTSIDE.operations(), price::stats().store_errors), (1, 1));
        assert_eq!(price::stats().loads, 50);
        // A kept value is used as without a store.
        c.invoke("0").await.unwrap();
        assert_eq!(price::stats().hits, 1);

        OUTSIDE.set(Fault::None);
        c.idle(30 * SECOND);
        c.invoke("new").await.unwrap();
        assert_eq!(OUTSIDE.operations(), 4, "get, lease, put");
        assert_eq!(price::stats().store_misses, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_thirty_seconds() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    c.invoke("works").await.unwrap();
    OUTSIDE.set(Fault::Down);
    let mut before = OUTSIDE.operations();
    let mut times = Vec::new();
    for second in 0..200 {
        c.invoke(format!("{second}")).await.unwrap();
        if OUTSIDE.operations() > before {
            times.push(second);
            before = OUTSIDE.operations();
        }
        c.idle(SECOND);
    }
    assert_eq!(times, [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]);
}

#[tokio::test]
async fn a_copy_younger_than_the_ttl_is_used_while_the_store_is_down() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    let one = c.invoke("tea").await.unwrap();
    OUTSIDE.set(Fault::Down);
    for _ in 0..4 {
        c.idle(65 * SECOND);
        assert_eq!(c.invoke("tea").await.unwrap(), one, "past local_ttl, within ttl");
    }
    assert_eq!(price::stats().loads, 1);
    c.idle(65 * SECOND);
    assert_ne!(c.invoke("tea").await.unwrap(), one);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_replaced() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = app::container().await;
    c.invoke("tea").await.unwrap();
    drop(c);
    let (key, entry) = OUTSIDE.last_put();
    for garbage in [&b"\"text\""[..], b"", b"{", b"-1", b"\xff"] {
        OUTSIDE.reset().await;
        let mut c = app::container().await;
        OUTSIDE.write(&key, entry.fetched_ms(), garbage).await;
        let fetched = c.invoke("tea").await.unwrap();
        assert_eq!(price::stats().loads, 1);
        let (_, entry) = OUTSIDE.last_put();
        assert_eq!(entry.json(), fetched.to_string().as_bytes());
        assert_eq!(price::stats().store_errors, 0);
    }
}

mod lost {
    use super::*;

    #[init(lazy)]
    async fn missing() -> Result<Shared, Error> {
        Err(Error::msg("no address"))
    }

    #[cached(ttl = "5m", store = missing)]
    async fn rate() -> u32 {
        7
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value) -> u32 {
        rate::invalidate().await.unwrap_err();
        rate().await + u32::try_from(rate::stats().store_errors).unwrap()
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_built_is_one_that_is_down() {
    let _turn = simulation().await;
    assert_eq!(lost::app::container().await.invoke(json!({})).await.unwrap(), 8);
}

mod panics {
    use super::*;

    #[derive(Clone, serde::Deserialize)]
    pub struct Odd(u32);

    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("it cannot be written")
        }
    }

    #[cached(ttl = "5m", store = shared)]
    async fn odd() -> Odd {
        Odd(FETCHES.up())
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value) -> u32 {
        odd().await.0
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_written_stays_in_the_container() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = panics::app::container().await;
    let one = c.invoke(json!({})).await.unwrap();
    assert_eq!(c.invoke(json!({})).await.unwrap(), one);
    assert_eq!(OUTSIDE.operations(), 3, "get, lease, release");
}

mod dropped {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::atomic::AtomicBool;

    pub static IS_ODD: AtomicBool = AtomicBool::new(false);

    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    pub struct Odd(pub u32);

    impl Drop for Odd {
        fn drop(&mut self) {
            if IS_ODD.swap(false, SeqCst) {
                // It uses the cache, and panics.
                let _ = odd::invalidate(2).now_or_never();
                panic!("it cannot be dropped");
            }
        }
    }

    #[cached(ttl = "5m", jitter = "0%", store = shared)]
    pub async fn odd(_n: u32) -> Odd {
        Odd(FETCHES.up())
    }

    #[handler(report_every = 0)]
    pub async fn app(n: u32) -> u32 {
        odd(n).await.0
    }
}

#[tokio::test]
async fn an_expired_entry_is_dropped_without_a_lock_and_its_panic_is_caught() {
    let _turn = simulation().await;
    OUTSIDE.reset().await;
    let mut c = dropped::app::container().await;
    let one = c.invoke(1).await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    drop(c);
    OUTSIDE.reset().await;
    let mut c = dropped::app::container().await;
    OUTSIDE.write(&key, entry.fetched_ms() - 400_000, entry.json()).await;
    dropped::IS_ODD.store(true, SeqCst);
    assert_ne!(c.invoke(1).await.unwrap(), one);
    assert!(!dropped::IS_ODD.load(SeqCst));
}

/// A store whose methods panic before they return a future.
mod hasty {
    use super::*;

    pub struct Hasty;

    impl Store for Hasty {
        fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
            Box::pin(async { Ok(None) })
        }

        fn lease<'a>(
            &'a self,
            _: &'a str,
            _: Option<u64>,
            _: Duration,
        ) -> BoxFuture<'a, Result<Lease, StoreError>> {
            panic!("the store panics")
        }

        fn put<'a>(
            &'a self,
            _: &'a str,
            _: &'a Token,
            _: Entry,
            _: Duration,
        ) -> BoxFuture<'a, Result<bool, StoreError>> {
            panic!("the store panics")
        }

        fn release<'a>(
            &'a self,
            _: &'a str,
            _: &'a Token,
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            panic!("the store panics")
        }

        fn remove<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
            panic!("the store panics")
        }

        fn remove_all<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
            panic!("the store panics")
        }
    }

    #[init]
    async fn store() -> Hasty {
        Hasty
    }

    #[cached(ttl = "5m", store = store)]
    async fn price(_n: u32) -> u32 {
        7
    }

    #[handler(report_every = 0)]
    pub async fn app(n: u32) -> u32 {
        price::invalidate(n).await.unwrap_err();
        price::clear().await.unwrap_err();
        price::refresh(n).await.unwrap_err();
        price(n + 1).await
    }
}

#[tokio::test]
async fn a_store_that_panics_before_it_returns_a_future_is_one_that_is_down() {
    let _turn = simulation().await;
    let mut c = hasty::app::container().await;
    assert_eq!(c.invoke(1).await.unwrap(), 7);
}

mod late {
    use super::*;

    pub static MEMORY: LazyLock<Memory> = LazyLock::new(Memory::new);

    /// Takes longer than `store_timeout`.
    #[init]
    async fn slow_store() -> Memory {
        tokio::time::sleep(Duration::from_millis(30)).await;
        MEMORY.clone()
    }

    #[cached(ttl = "5m", store = slow_store, store_timeout = "10ms")]
    async fn rate() -> u32 {
        7
    }

    #[init]
    async fn needs_rate(rate: &u32) -> u32 {
        *rate
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value, needs_rate: &u32) -> (u32, u64) {
        (*needs_rate, rate::stats().store_errors)
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_init_still_builds_has_not_failed() {
    let _turn = simulation().await;
    late::MEMORY.remove_all("").await.unwrap();
    let mut c = late::app::container().await;
    assert_eq!(c.invoke(json!({})).await.unwrap(), json!([7, 0]));
    assert_eq!(late::MEMORY.len(), 1, "the value was put in INIT");
}
