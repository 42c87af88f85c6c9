//! Destructors of cached values run outside of the cache's locks, and their panics stay there.

use std::sync::Arc;

use super::*;

/// A value whose destructor runs a function.
#[derive(Clone)]
struct OnDrop(#[expect(dead_code, reason = "dropped")] Arc<Inner>);

struct Inner(fn());

impl Drop for Inner {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn value(on_drop: fn()) -> OnDrop {
    OnDrop(Arc::new(Inner(on_drop)))
}

mod curious {
    use super::*;

    pub(super) static DROPS: Count = Count::new();

    #[cached(ttl = "10s", max_entries = 2, jitter = "0%")]
    pub(super) async fn asks(key: u8) -> OnDrop {
        let _ = key;
        value(|| {
            DROPS.up();
            asks::stats();
            asks::peek(9);
            asks::invalidate(9);
            rewarm::container().snapshot();
        })
    }

    #[cached(ttl = "10s", jitter = "0%")]
    pub(super) async fn panics() -> OnDrop {
        value(|| panic!("a destructor panics"))
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(event: String) -> u64 {
        match &*event {
            "fetch" => drop((asks(1).await, asks(2).await, panics().await)),
            "evict" => drop((asks(3).await, asks(4).await)),
            "refresh" => drop((asks::refresh(4).await, panics::refresh().await)),
            "invalidate" => drop((asks::invalidate(4), panics::invalidate())),
            "clear" => asks::clear(),
            _ => {}
        }
        asks::stats().entries as u64
    }
}

#[tokio::test]
async fn a_destructor_may_use_its_cache_or_panic() {
    let _turn = simulation().await;
    let mut c = curious::app::container().await;
    for (event, entries) in [
        ("fetch", 2),
        ("evict", 2),
        ("refresh", 2),
        ("invalidate", 1),
        ("fetch", 2),
        ("clear", 0),
        ("fetch", 2),
    ] {
        assert_eq!(c.invoke(event).await.unwrap(), entries, "{event}");
    }
    c.idle(11 * SECOND);
    assert_eq!(c.invoke("expire").await.unwrap(), 0, "they have expired");
    let drops = curious::DROPS.get();
    assert!(drops >= 8, "{drops} drops");
}

mod hanging {
    use super::*;

    pub(super) static FETCHES: Count = Count::new();

    #[cached(ttl = "50ms", jitter = "0%")]
    pub(super) async fn first_hangs() -> u32 {
        match FETCHES.up() {
            1 => std::future::pending().await,
            fetch => fetch,
        }
    }
}

#[tokio::test]
async fn a_fetch_that_hangs_blocks_its_key_for_its_ttl() {
    let _turn = outside_containers().await;
    let hanging = waiting(2, hanging::first_hangs).await;
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(hanging::first_hangs().await, 2);
    assert_eq!(hanging::first_hangs::refresh().await, 3);
    drop(hanging);
}

mod refreshed {
    use super::*;
    use tokio::sync::Semaphore;

    pub(super) static ROW: AtomicU64 = AtomicU64::new(1);
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    #[cached(ttl = "1h", allow(global_state))]
    pub(super) async fn row() -> u64 {
        let row = ROW.load(SeqCst);
        GATE.acquire().await.unwrap().forget();
        row
    }
}

#[tokio::test]
async fn a_refresh_sees_what_was_written_before_the_call() {
    let _turn = outside_containers().await;
    use refreshed::{GATE, ROW, row};
    let first = waiting(1, row).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    ROW.store(2, SeqCst);
    let second = waiting(3, row::refresh).await;
    GATE.add_permits(2);
    assert_eq!(all(first).await, [1]);
    assert_eq!(all(second).await, [2, 2, 2]);
    assert_eq!(row().await, 2, "it is kept");
    assert_eq!(row::stats().loads, 2, "the refreshes shared one fetch");
}
