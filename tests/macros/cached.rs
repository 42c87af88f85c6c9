//! `#[cached]`.

use std::sync::Arc;

use rewarm::{Error, cached, init};
use tokio::sync::Semaphore;

use super::*;

mod plain {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) async fn length(text: &str, bytes: &[u8], factor: usize) -> usize {
        (text.len() + bytes.len()) * factor
    }
}

#[tokio::test]
async fn arguments_are_the_key_whatever_they_are_borrowed_from() {
    use plain::length;
    assert_eq!(length("tea", b"pot", 1).await, 6);
    let owned = (String::from("tea"), b"pot".to_vec());
    assert_eq!(length(&owned.0, &owned.1, 1).await, 6);
    assert_eq!(length::stats().loads, 1);
    for other in [("te", "apot", 1), ("teapot", "", 1), ("tea", "pot", 2)] {
        let sum = length(other.0, other.1.as_bytes(), other.2).await;
        assert_eq!(sum, 6 * other.2);
    }
    let stats = length::stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (1, 4, 4));
    assert_eq!((stats.entries, stats.load_errors, stats.stale_hits), (4, 0, 0));
    assert_eq!(length::peek("tea", b"pot", 2), Some(12));
    assert_eq!(length::peek("tea", b"pot", 3), None);
    assert_eq!(length::stats().hits, 1, "a look is not a hit");
}

mod fallible {
    use super::*;

    pub(super) static LOADS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn settings() -> Result<u32, Refused> {
        match LOADS.up() {
            1 | 2 => Err(Refused),
            load => Ok(load),
        }
    }

    pub(super) static SEARCHES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn find(name: String) -> Option<u32> {
        (SEARCHES.up() > 2).then_some(name.len() as u32)
    }

    pub(super) static QUERIES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) fn query() -> std::io::Result<Option<u32>> {
        match QUERIES.up() {
            1 => Err(std::io::Error::other("no")),
            2 => Ok(None),
            query => Ok(Some(query)),
        }
    }
}

#[tokio::test]
async fn only_answers_are_kept() {
    use fallible::{find, query, settings};
    let outcomes = all((0..5).map(|_| settings())).await;
    assert_eq!(outcomes, [Err(Refused), Err(Refused), Ok(3), Ok(3), Ok(3)]);
    let stats = settings::stats();
    assert_eq!((stats.loads, stats.load_errors, stats.entries), (3, 2, 1));

    let outcomes = all((0..4).map(|_| find("tea".into()))).await;
    assert_eq!(outcomes, [None, None, Some(3), Some(3)]);

    assert_eq!(query().unwrap_err().to_string(), "no");
    assert_eq!(query().unwrap(), None);
    assert_eq!(query().unwrap(), Some(3));
    assert_eq!(query().unwrap(), Some(3));
}

mod bounded {
    use super::*;

    #[cached(ttl = "1h", max_entries = 10)]
    pub(super) async fn double(n: u32) -> u32 {
        2 * n
    }
}

#[tokio::test]
async fn a_cache_does_not_outgrow_its_bound() {
    use bounded::double;
    for n in 0..1000 {
        assert_eq!(double(n).await, 2 * n);
    }
    let stats = double::stats();
    assert!((1..=10).contains(&stats.entries), "{stats:?}");
    assert!(stats.evictions >= 990, "{stats:?}");
}

mod injected {
    use super::*;

    #[init]
    pub(super) async fn db() -> String {
        "db".to_owned()
    }

    #[init(lazy)]
    pub(super) async fn broken() -> Result<String, Refused> {
        Err(Refused)
    }

    #[cached(ttl = "1h")]
    pub(super) async fn row(
        #[from] db: &String,
        key: &str,
        #[from(db)] same: Arc<String>,
        #[skip] trace: &str,
        #[skip] attempt: u32,
    ) -> Result<String, Error> {
        Ok(format!("{db}={same} {key} {trace} {attempt}"))
    }

    #[cached(ttl = "1h")]
    pub(super) async fn nothing(#[from] broken: &String) -> Result<String, Error> {
        Ok(broken.clone())
    }

    #[cached(ttl = "1h")]
    pub(super) async fn nowhere(#[from] broken: &String) -> String {
        broken.clone()
    }

    #[init(lazy)]
    pub(super) async fn dependent(nothing: &String) -> String {
        nothing.clone()
    }
}

mod mixed {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) async fn rate() -> u32 {
        7
    }

    #[init(lazy)]
    pub(super) async fn prices(rate: &u32) -> [u32; 2] {
        [rate * 2, rate * 3]
    }

    #[cached(ttl = "1h")]
    pub(super) async fn price(#[from] rate: &u32, #[from] prices: &[u32; 2], n: usize) -> u32 {
        assert_eq!(*rate, 7);
        prices[n]
    }
}

#[tokio::test]
async fn a_cached_resource_counts_one_hit_for_one_use() {
    use mixed::{price, rate};
    let counts = || {
        let stats = rate::stats();
        (stats.hits, stats.misses, stats.loads)
    };
    assert_eq!(rate().await, 7);
    assert_eq!(counts(), (0, 1, 1));
    // Its own use while `prices` is waited for, and that of `prices`.
    assert_eq!(price(0).await, 14);
    assert_eq!(counts(), (2, 1, 1));
    assert_eq!(price(1).await, 21);
    assert_eq!(counts(), (3, 1, 1));
}

#[tokio::test]
async fn resources_and_what_is_skipped_are_not_part_of_the_key() {
    use injected::row;
    assert_eq!(row("a", "first", 1).await.unwrap(), "db=db a first 1");
    assert_eq!(row("a", "second", 2).await.unwrap(), "db=db a first 1");
    assert_eq!(row("b", "third", 3).await.unwrap(), "db=db b third 3");
    assert_eq!(row::stats().entries, 2);
    assert_eq!(row::peek("a").unwrap(), "db=db a first 1");
    row::invalidate("a");
    assert_eq!(row::peek("a"), None);
}

#[tokio::test]
async fn a_missing_resource_is_the_error_of_the_function() {
    use injected::{dependent, nothing, nowhere};
    let missing = format!("resource `broken` is unavailable: refused: {CAUSE}");
    assert_eq!(nothing().await.unwrap_err().to_string(), missing);
    assert_eq!(panic_of(nowhere()).await, missing);
    let error = Error::from(dependent().await.unwrap_err());
    assert_eq!(
        error.to_string(),
        format!(
            "resource `dependent` is unavailable: resource `nothing` is unavailable: {missing}"
        )
    );
}

mod single {
    use super::*;

    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    /// Waits at the gate; the key says how it ends.
    async fn through(end: &str) -> Result<String, Refused> {
        GATE.acquire().await.unwrap().forget();
        assert_ne!(end, "panic", "no luck");
        if end == "fail" { Err(Refused) } else { Ok(end.to_owned()) }
    }

    #[cached(ttl = "1h")]
    pub(super) async fn fetch(end: &str) -> Result<String, Refused> {
        through(end).await
    }

    /// An error that only one can have.
    #[derive(Debug)]
    pub(super) struct Own;

    pub(super) static TRIES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn lonely() -> Result<u32, Own> {
        through("").await.map_err(|_| Own)?;
        match TRIES.up() {
            1 => Err(Own),
            tries => Ok(tries),
        }
    }
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_fetch() {
    use single::{GATE, fetch, lonely};
    let answers = waiting(8, || fetch("ok")).await;
    let errors = waiting(8, || fetch("fail")).await;
    assert_eq!(fetch::stats().misses, 16);
    GATE.add_permits(2);
    for answer in all(answers).await {
        assert_eq!(answer.unwrap(), "ok");
    }
    for error in all(errors).await {
        assert_eq!(error, Err(Refused));
    }
    let stats = fetch::stats();
    assert_eq!((stats.loads, stats.load_errors, stats.entries), (2, 1, 1));

    // The one that began it gets an error that cannot be shared, and the next in line tries.
    let calls = waiting(8, lonely).await;
    GATE.add_permits(2);
    let outcomes = all(calls).await;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!((failed, lonely::stats().loads), (1, 2), "{outcomes:?}");

    // A fetch outlives its caller, and what is forgotten meanwhile is not kept.
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

    // A panic is that of who began it, and harms nobody else.
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(tokio::spawn(fetch("panic")));
        tokio::task::yield_now().await;
    }
    let hits = fetch::stats().hits;
    assert_eq!(fetch("ok").await.unwrap(), "ok");
    assert_eq!(fetch::stats().hits, hits + 1, "another key is not held up");
    GATE.add_permits(3);
    for call in calls {
        let panic = call.await.unwrap_err().into_panic();
        let message = panic.downcast::<String>().unwrap();
        assert!(message.contains("no luck"), "{message}");
    }
    assert_eq!(fetch::peek("panic"), None);
}

mod controlled {
    use super::*;

    pub(super) static LOADS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn version() -> u32 {
        LOADS.up()
    }

    pub(super) static LOOKUPS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn lookup(r#type: &str) -> Result<String, Refused> {
        let lookup = LOOKUPS.up();
        if lookup == 4 { Err(Refused) } else { Ok(format!("{} {lookup}", r#type)) }
    }
}

#[tokio::test]
async fn kept_answers_are_seen_replaced_and_forgotten() {
    use controlled::{lookup, version};
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 1);
    assert_eq!(version::peek(), Some(1));
    assert_eq!(version::refresh().await, 2);
    assert_eq!(version().await, 2);
    version::invalidate();
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 3);

    assert_eq!(lookup("a").await.unwrap(), "a 1");
    assert_eq!(lookup("b").await.unwrap(), "b 2");
    lookup::invalidate("a");
    assert_eq!((lookup::peek("a"), lookup::peek("b")), (None, Some("b 2".into())));
    assert_eq!(lookup::refresh("b").await.unwrap(), "b 3");
    assert_eq!(lookup::refresh("b").await, Err(Refused));
    assert_eq!(lookup("b").await.unwrap(), "b 3", "an error replaces nothing");
    lookup::clear();
    assert_eq!(lookup::stats().entries, 0);
    assert_eq!(lookup("b").await.unwrap(), "b 5");
}

mod recursive {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    #[cached(ttl = "1h")]
    pub(super) async fn slow_fib(n: u64) -> u64 {
        if n < 2 { n } else { slow_fib(n - 1).await + slow_fib(n - 2).await }
    }

    #[cached(ttl = "1h")]
    pub(super) fn squared(n: u64) -> Arc<u64> {
        Arc::new(n * n)
    }
}

#[tokio::test]
async fn a_cached_function_may_call_itself() {
    use recursive::{fib, slow_fib};
    assert_eq!(fib(90), 2_880_067_194_370_816_120);
    assert_eq!(fib::stats().loads, 91);
    assert_eq!(slow_fib(50).await, 12_586_269_025);
    assert_eq!(slow_fib::stats().loads, 51);
}

#[test]
fn threads_share_what_does_not_wait() {
    use recursive::squared;
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
