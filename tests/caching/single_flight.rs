//! Concurrent callers share one fetch.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::*;

mod single {
    use super::*;

    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    /// Waits at the gate, and ends as the key says.
    async fn through(end: &str) -> Result<String, Refused> {
        GATE.acquire().await.unwrap().forget();
        assert_ne!(end, "panic", "no luck");
        if end == "fail" { Err(Refused) } else { Ok(end.to_owned()) }
    }

    #[cached(ttl = "1h")]
    pub(super) async fn fetch(end: &str) -> Result<String, Refused> {
        through(end).await
    }

    /// An error that is not `Clone`.
    #[derive(Debug)]
    pub(super) struct Own;

    pub(super) static TRIES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn unshared() -> Result<u32, Own> {
        through("").await.map_err(|_| Own)?;
        match TRIES.up() {
            1 => Err(Own),
            tries => Ok(tries),
        }
    }
}

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    let _turn = outside_containers().await;
    use single::{GATE, fetch, unshared};
    let values = waiting(8, || fetch("ok")).await;
    let errors = waiting(8, || fetch("fail")).await;
    assert_eq!(fetch::stats().misses, 16);
    GATE.add_permits(2);
    for value in all(values).await {
        assert_eq!(value.unwrap(), "ok");
    }
    for error in all(errors).await {
        assert_eq!(error, Err(Refused));
    }
    let stats = fetch::stats();
    assert_eq!((stats.loads, stats.load_errors, stats.entries), (2, 1, 1));

    // The first caller gets the error, which cannot be cloned. The next caller tries again.
    let calls = waiting(8, unshared).await;
    GATE.add_permits(2);
    let results = all(calls).await;
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!((failed, unshared::stats().loads), (1, 2), "{results:?}");

    // A fetch outlives its caller. A key that is invalidated meanwhile is not cached.
    drop(waiting(1, || fetch("later")).await);
    let second = waiting(1, || fetch("later")).await;
    GATE.add_permits(1);
    assert_eq!(all(second).await, [Ok("later".to_owned())]);
    assert_eq!(fetch::stats().loads, 3);
    let third = waiting(1, || fetch("forgotten")).await;
    fetch::invalidate("forgotten");
    GATE.add_permits(1);
    assert_eq!(all(third).await, [Ok("forgotten".to_owned())]);
    assert_eq!(fetch::peek("forgotten"), None);

    // All callers of the key panic, other keys work.
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(tokio::spawn(fetch("panic")));
        tokio::task::yield_now().await;
    }
    let hits = fetch::stats().hits;
    assert_eq!(fetch("ok").await.unwrap(), "ok");
    assert_eq!(fetch::stats().hits, hits + 1, "another key does not wait");
    GATE.add_permits(3);
    for call in calls {
        let panic = call.await.unwrap_err().into_panic();
        let message = panic.downcast::<String>().unwrap();
        assert!(message.contains("no luck"), "{message}");
    }
    assert_eq!(fetch::peek("panic"), None);
}

#[cached(ttl = "1h")]
fn squared(n: u64) -> Arc<u64> {
    Arc::new(n * n)
}

#[test]
fn threads_share_the_fetch_of_a_plain_function() {
    let _turn = outside_containers_blocking();
    let line = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                line.wait();
                assert_eq!(*squared(7), 49);
            });
        }
    });
    assert_eq!(squared::stats().loads, 1);
    assert!(Arc::ptr_eq(&squared(7), &squared(7)));
}

#[handler(report_every = 0)]
async fn idle(_: Value) {}

/// Callers on many threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_thousand_callers_of_a_cold_key_share_one_fetch() {
    let _turn = simulation().await;
    let _container = idle::container().await;
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[cached(ttl = "1h", allow(global_state))]
    async fn slow(key: u64) -> Result<u64, String> {
        RUNS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        if key == 3 { Err("no three".to_owned()) } else { Ok(key) }
    }

    for key in [1, 2] {
        let callers: Vec<_> = (0..1000).map(|_| tokio::spawn(slow(key))).collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(key));
        }
    }
    assert_eq!(RUNS.load(SeqCst), 2);
    let barrier = Arc::new(tokio::sync::Barrier::new(8));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                slow(3).await
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Err("no three".to_owned()));
    }
    let stats = slow::stats();
    assert_eq!((stats.entries, stats.loads), (2, 2 + stats.load_errors), "errors are not cached");
}
