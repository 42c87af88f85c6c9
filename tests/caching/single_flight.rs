//! Concurrent callers share one fetch.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
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

static REFUSALS: AtomicU64 = AtomicU64::new(0);

type Boxed = Box<dyn std::error::Error + Send + Sync>;

#[cached(ttl = "5m", allow(global_state))]
async fn refused() -> Result<u64, Boxed> {
    let n = REFUSALS.fetch_add(1, SeqCst);
    tokio::task::yield_now().await;
    Err(Error::msg(format_args!("refusal {n}")).into())
}

#[tokio::test]
async fn an_error_that_is_not_clone_is_shared_if_it_can_be_made_of_a_text() {
    let _turn = outside_containers().await;
    let errors = join_all((0..2000).map(|_| refused())).await;
    assert_eq!(REFUSALS.load(SeqCst), 1, "one fetch");
    let texts = errors.into_iter().map(|result| {
        let error = result.unwrap_err();
        let source = error.source().map(ToString::to_string);
        (error.to_string(), source)
    });
    let mut own = 0;
    for (text, source) in texts {
        match source {
            None => own += usize::from(text == "refusal 0"),
            Some(source) => {
                let of_a_follower = ("resource `refused` is unavailable", "refusal 0");
                assert_eq!((text.as_str(), source.as_str()), of_a_follower);
            }
        }
    }
    assert_eq!(own, 1, "the leader has the error itself");
}

static HANGS: AtomicBool = AtomicBool::new(true);

#[cached(ttl = "200ms", jitter = "0%", allow(global_state))]
async fn hangs_once() -> u64 {
    if HANGS.swap(false, SeqCst) {
        std::future::pending::<()>().await;
    }
    7
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_keeps_no_caller_longer_than_the_ttl() {
    let _turn = outside_containers().await;
    let leader = tokio::spawn(hangs_once());
    tokio::task::yield_now().await;
    let start = tokio::time::Instant::now();
    let (joined, refreshed) = tokio::join!(hangs_once(), hangs_once::refresh());
    assert_eq!((joined, refreshed), (7, 7));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    leader.abort();
}

/// A function that is not async, as a parameter and called.
#[cached(ttl = "5m")]
fn rate() -> u64 {
    3
}

#[init(lazy)]
async fn table(rate: &u64) -> Vec<u64> {
    vec![*rate]
}

#[tokio::test]
async fn a_plain_function_is_no_task_that_a_blocked_caller_waits_for() {
    let _turn = outside_containers().await;
    rate::invalidate();
    let (table, called) = tokio::join!(table(), async { rate() * 2 });
    assert_eq!((table.unwrap()[0], called), (3, 6));
}

mod ready {
    use super::*;

    pub(super) static FETCHES: Count = Count::new();

    #[cached(ttl = "1h", max_entries = 100)]
    pub(super) async fn double(n: u64) -> u64 {
        2 * n
    }

    #[cached(ttl = "1h")]
    pub(super) async fn refused() -> Result<u64, Refused> {
        FETCHES.up();
        Err(Refused)
    }

    #[cached(ttl = "1h")]
    pub(super) async fn nothing(key: u8) -> Option<u64> {
        let _ = key;
        FETCHES.up();
        None
    }

    #[cached(ttl = "1h")]
    pub(super) async fn panics() -> u64 {
        FETCHES.up();
        panic!("no luck")
    }

    #[cached(ttl = "1h")]
    pub(super) async fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { depth(n - 1).await + 1 }
    }
}

#[tokio::test]
async fn a_fetch_that_waits_for_nothing_is_done_at_its_first_poll() {
    let _turn = outside_containers().await;
    use ready::{FETCHES, double, nothing, refused};
    assert_eq!(double(7).now_or_never(), Some(14));
    assert_eq!(double::stats().loads, 1);

    // All callers before the next task runs share what is not kept.
    let errors = join_all((0..500).map(|_| refused())).await;
    assert_eq!(FETCHES.get(), 1);
    assert!(errors.iter().all(|error| *error == Err(Refused)));
    assert_eq!(join_all((0..500).map(|_| nothing(1))).await, [None; 500]);
    assert_eq!(FETCHES.get(), 2);
    assert_eq!(nothing(1).await, None);
    assert_eq!(FETCHES.get(), 3, "it is not kept");
    assert_eq!(panic_of(ready::panics()).await, "no luck");
    assert_eq!((FETCHES.get(), ready::panics::stats().load_errors), (4, 1));

    assert_eq!(ready::depth(3_000).await, 3_000, "on no deep stack");
}

#[tokio::test]
async fn fetches_that_wait_for_nothing_let_other_tasks_run() {
    let _turn = outside_containers().await;
    let other = tokio::spawn(async {});
    let mut calls = 0;
    while !other.is_finished() {
        ready::double(1_000 + calls).await;
        calls += 1;
        assert!(calls < 1_000);
    }
}
