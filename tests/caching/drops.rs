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

/// A purge while an entry is stored. `Hash` of a key runs at each place where the cache can be
/// interrupted by another thread.
mod interrupted {
    use std::hash::{Hash, Hasher};
    use std::sync::{Condvar, Mutex};

    use super::*;

    #[derive(Default)]
    pub(super) struct Stop {
        /// The number of calls of `Hash` until one stops.
        pub(super) calls: Option<u32>,
        pub(super) is_stopped: bool,
    }

    pub(super) static STOP: Mutex<Stop> = Mutex::new(Stop { calls: None, is_stopped: false });
    pub(super) static GO_ON: Condvar = Condvar::new();

    #[derive(Clone, PartialEq, Eq)]
    pub(super) struct Key(pub(super) u32);

    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
            if self.0 == 1 {
                return;
            }
            let mut stop = STOP.lock().unwrap();
            match &mut stop.calls {
                None => {}
                Some(0) => {
                    *stop = Stop { calls: None, is_stopped: true };
                    while stop.is_stopped {
                        stop = GO_ON.wait(stop).unwrap();
                    }
                }
                Some(calls) => *calls -= 1,
            }
        }
    }

    fn arm(after: u32) {
        STOP.lock().unwrap().calls = Some(after);
    }

    #[cached(ttl = "10s", jitter = "0%")]
    pub(super) async fn entry(key: &Key, #[skip] after: u32) -> u32 {
        if key.0 != 1 {
            arm(after);
        }
        key.0
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(event: Value) -> u64 {
        if event == "fetch" {
            entry(&Key(1), 0).await;
        }
        entry::stats().entries as u64
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_stored_while_others_expire_is_dropped_when_it_expires() {
    let _turn = simulation().await;
    use interrupted::{GO_ON, Key, STOP, Stop, app, entry};
    let mut stops = 0;
    for calls in 0..6 {
        let mut c = app::container().await;
        assert_eq!(c.invoke("fetch").await.unwrap(), 1);
        c.idle(5 * SECOND);
        let storing = tokio::spawn(async move { entry(&Key(2 + calls), calls).await });
        while !STOP.lock().unwrap().is_stopped && !storing.is_finished() {
            tokio::task::yield_now().await;
        }
        stops += u32::from(STOP.lock().unwrap().is_stopped);
        // The first entry expires while the second is being stored.
        c.idle(6 * SECOND);
        assert!(c.invoke("").await.unwrap().as_u64() <= Some(1));
        *STOP.lock().unwrap() = Stop::default();
        GO_ON.notify_all();
        storing.await.unwrap();
        c.idle(5 * SECOND);
        c.invoke("").await.unwrap();
        assert_eq!(entry::stats().entries, 0, "stopped at call {calls} of `Hash`");
    }
    assert!(stops >= 2, "{stops}");
}

mod keys {
    use super::*;

    /// A key whose destructor uses the cache.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub(super) struct Key(pub(super) u8);

    impl Drop for Key {
        fn drop(&mut self) {
            if self.0 != 0 {
                DROPS.up();
                item::peek(&Key(0));
                item::invalidate(&Key(0));
            }
        }
    }

    pub(super) static DROPS: Count = Count::new();

    #[cached(
        ttl = "10s",
        stale_while_revalidate = "10s",
        negative_ttl = "1s",
        jitter = "0%",
        max_entries = 2
    )]
    pub(super) async fn item(key: &Key) -> Result<u8, Refused> {
        if key.0 == 9 { Err(Refused) } else { Ok(key.0) }
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(event: String) -> u64 {
        match &*event {
            "fetch" => {
                for key in [1, 2, 3, 9] {
                    let _ = item(&Key(key)).await;
                }
            }
            "refresh" => drop(item::refresh(&Key(1)).await),
            "invalidate" => item::invalidate(&Key(1)),
            "clear" => item::clear(),
            _ => {}
        }
        item::stats().entries as u64
    }
}

#[tokio::test]
async fn a_destructor_of_a_key_may_use_the_cache() {
    let _turn = simulation().await;
    let mut c = keys::app::container().await;
    for (event, entries) in [
        ("fetch", 3),
        ("refresh", 3),
        ("fetch", 3),
        ("invalidate", 2),
        ("fetch", 3),
        ("clear", 0),
        ("fetch", 3),
    ] {
        assert_eq!(c.invoke(event).await.unwrap(), entries, "{event}");
    }
    c.idle(15 * SECOND);
    c.invoke("fetch").await.unwrap(); // revalidates
    c.idle(30 * SECOND);
    assert_eq!(c.invoke("expire").await.unwrap(), 0);
    assert!(keys::DROPS.get() > 20);
}
