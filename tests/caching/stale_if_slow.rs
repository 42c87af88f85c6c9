//! `stale_if_slow`.

use super::*;
use tokio::time::{Instant, sleep};

static BACKEND: Backend = Backend::new();
/// The milliseconds that a fetch takes.
static TAKES: AtomicU64 = AtomicU64::new(0);

#[cached(ttl = "10s", stale_if_error = "1m", stale_if_slow = "50ms", jitter = "0%")]
async fn value() -> Result<u64, Error> {
    let number = BACKEND.fetch();
    sleep(Duration::from_millis(TAKES.load(SeqCst))).await;
    number
}

/// Sums the values of as many calls as the event says.
#[handler(report_every = 0, deadline_margin = "10ms")]
async fn app(calls: u64) -> Result<u64, Error> {
    let mut sum = 0;
    for _ in 0..calls {
        sum += value().await?;
    }
    Ok(sum)
}

fn reset(takes: u64) {
    BACKEND.reset();
    TAKES.store(takes, SeqCst);
}

#[tokio::test(start_paused = true)]
async fn a_slow_fetch_costs_one_wait_and_ends_before_the_freeze() {
    let _turn = simulation().await;
    reset(0);
    let mut c = app::container().await;
    assert_eq!(c.invoke(1).await.unwrap(), 1);
    reset(0);
    c.idle(10 * SECOND);
    assert_eq!(c.invoke(1).await.unwrap(), 1, "one that is fast is waited for");

    TAKES.store(200, SeqCst);
    c.idle(10 * SECOND);
    let start = Instant::now();
    assert_eq!(c.invoke(5).await.unwrap(), 5, "the stale value");
    assert_eq!(start.elapsed().as_millis(), 200, "one wait of 50 ms, then the deferred one");
    assert_eq!(value::stats().stale_hits, 5);
    assert_eq!(c.invoke(1).await.unwrap(), 2, "the value of the slow fetch");
    assert_eq!(value::stats().loads, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_beyond_the_window() {
    let _turn = simulation().await;
    reset(200);
    let mut c = app::container().await;
    assert_eq!(c.invoke(1).await.unwrap(), 1);
    c.idle(70 * SECOND);
    assert_eq!(c.invoke(1).await.unwrap(), 2);
    assert_eq!(value::stats().stale_hits, 0);
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_wait_for_one_fetch_and_no_longer() {
    let _turn = simulation().await;
    reset(0);
    let mut c = app::container().await;
    assert_eq!(c.invoke(1).await.unwrap(), 1);
    TAKES.store(200, SeqCst);
    c.idle(10 * SECOND);
    let start = Instant::now();
    let later = async {
        sleep(Duration::from_millis(30)).await;
        (value().await.unwrap(), start.elapsed().as_millis())
    };
    let both = tokio::join!(value(), later);
    assert_eq!((both.0.unwrap(), both.1), (1, (1, 50)), "from the start of the fetch");
    assert_eq!(BACKEND.fetches(), 2);
}

#[tokio::test]
async fn the_fetch_ends_without_an_invocation() {
    let _turn = simulation().await;
    reset(0);
    let mut c = app::container().await;
    assert_eq!(value().await.unwrap(), 1);
    TAKES.store(60, SeqCst);
    c.idle(10 * SECOND);
    assert_eq!(value().await.unwrap(), 1);
    while value::stats().loads < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(value::peek(), Some(2));
}

#[cached(ttl = "10s", stale_if_error = "1m", stale_if_slow = "50ms", jitter = "0%")]
async fn blocking() -> Result<u64, Error> {
    std::thread::sleep(Duration::from_millis(TAKES.load(SeqCst)));
    Ok(1)
}

#[handler(report_every = 0)]
async fn blocks(_event: u64) -> u64 {
    let start = std::time::Instant::now();
    let _ = blocking().await;
    start.elapsed().as_millis() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_blocks_its_thread_is_slow_too() {
    let _turn = simulation().await;
    reset(0);
    let mut c = blocks::container().await;
    c.invoke(0).await.unwrap();
    reset(400);
    c.idle(15 * SECOND);
    assert!(c.invoke(0).await.unwrap().as_u64() < Some(300));
}
