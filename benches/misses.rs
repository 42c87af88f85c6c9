//! What a miss costs, alone and in a crowd, and how many of them a bounded cache has.
//!
//! - A crowd: so many callers at the same time ask for one cold key, whose fetch takes 10 ms; how
//!   often it is fetched, and how long all take together.
//! - A stream: keys as a shop has them, Zipf-distributed, more of them than the cache may hold; how
//!   many are hits, and what a call costs on average.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use moka::future::Cache as Moka;
use quick_cache::sync::Cache as QuickCache;
use rewarm::cached;
use support::{Row, conclude, median_and_least};

const CAPACITY: usize = 1_000;
const HOUR: Duration = Duration::from_secs(3600);
const FETCH: Duration = Duration::from_millis(10);

/// How often something was fetched.
static FETCHES: AtomicU64 = AtomicU64::new(0);

async fn fetch(sku: &str) -> u64 {
    FETCHES.fetch_add(1, Relaxed);
    if sku.starts_with("slow") {
        tokio::time::sleep(FETCH).await;
    }
    sku.len() as u64
}

async fn fail(sku: &str) -> Result<u64, String> {
    fetch(sku).await;
    Err(format!("no {sku}"))
}

#[cached(ttl = "1h", max_entries = 1000)]
async fn price(sku: &str) -> u64 {
    fetch(sku).await
}

#[cached(ttl = "1h", max_entries = 1000)]
async fn failing(sku: &str) -> Result<u64, String> {
    fail(sku).await
}

#[cached::macros::concurrent_cached(
    ttl_secs = 3600,
    max_size = 1000,
    key = "String",
    convert = { sku.to_owned() }
)]
async fn price_concurrent_cached(sku: &str) -> u64 {
    fetch(sku).await
}

#[cached::macros::cached(
    ttl_secs = 3600,
    max_size = 1000,
    key = "String",
    convert = { sku.to_owned() },
    sync_writes = "by_key"
)]
async fn price_by_key(sku: &str) -> u64 {
    fetch(sku).await
}

#[cached::macros::cached(
    ttl_secs = 3600,
    max_size = 1000,
    key = "String",
    convert = { sku.to_owned() },
    sync_writes = "by_key"
)]
async fn failing_by_key(sku: &str) -> Result<u64, String> {
    fail(sku).await
}

/// One call with that key.
type Call = Arc<dyn Fn(Arc<str>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

struct Contestant {
    name: &'static str,
    /// A call to an empty cache.
    make: fn() -> Call,
}

macro_rules! contestant {
    ($name:literal, { $($make:tt)* }, |$sku:ident $(, $cache:ident)?| $call:expr) => {
        Contestant {
            name: $name,
            make: || {
                $($make)*
                Arc::new(move |$sku: Arc<str>| {
                    $(let $cache = $cache.clone();)?
                    Box::pin(async move { let _ = std::hint::black_box($call); })
                })
            },
        }
    };
}

fn bounded_moka() -> Moka<String, u64> {
    Moka::builder().max_capacity(CAPACITY as u64).time_to_live(HOUR).build()
}

fn contestants() -> Vec<Contestant> {
    vec![
        contestant!(
            "rewarm",
            {
                price::clear();
            },
            |sku| price(&sku).await
        ),
        contestant!(
            "moka get_with",
            {
                let cache = bounded_moka();
            },
            |sku, cache| cache.get_with_by_ref(&*sku, fetch(&sku)).await
        ),
        contestant!(
            "quick_cache get_or_insert_async",
            {
                let cache = Arc::new(QuickCache::<String, u64>::new(CAPACITY));
            },
            |sku, cache| {
                let fetch = async { Ok::<_, Infallible>(fetch(&sku).await) };
                cache.get_or_insert_async(&*sku, fetch).await
            }
        ),
        contestant!("cached #[concurrent_cached]", {}, |sku| price_concurrent_cached(&sku).await),
        contestant!("cached #[cached], by_key", {}, |sku| price_by_key(&sku).await),
    ]
}

fn failing_contestants() -> Vec<Contestant> {
    vec![
        contestant!(
            "rewarm",
            {
                failing::clear();
            },
            |sku| failing(&sku).await.is_ok()
        ),
        contestant!(
            "moka try_get_with",
            {
                let cache = bounded_moka();
            },
            |sku, cache| cache.try_get_with_by_ref(&*sku, fail(&sku)).await.is_ok()
        ),
        contestant!(
            "quick_cache get_or_insert_async",
            {
                let cache = Arc::new(QuickCache::<String, u64>::new(CAPACITY));
            },
            |sku, cache| cache.get_or_insert_async(&*sku, fail(&sku)).await.is_ok()
        ),
        contestant!("cached #[cached], by_key", {}, |sku| failing_by_key(&sku).await.is_ok()),
    ]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a tokio runtime");
    let mut rows = Vec::new();
    runtime.block_on(async {
        crowd(&mut rows, "1,000 callers, one cold key", &contestants(), 1_000).await;
        let what = "50 callers, one key whose fetch fails";
        crowd(&mut rows, what, &failing_contestants(), 50).await;
        for keys in [900, 10_000, 100_000] {
            stream(&mut rows, keys).await;
        }
    });
    conclude("misses", rows);
}

/// So many callers at the same time ask for one key that is not there.
async fn crowd(rows: &mut Vec<Row>, what: &str, contestants: &[Contestant], callers: usize) {
    const ROUNDS: usize = 15;
    let mut times = vec![Vec::new(); contestants.len()];
    let mut fetches = vec![0; contestants.len()];
    for round in 0..ROUNDS {
        for (n, contestant) in contestants.iter().enumerate() {
            let call = (contestant.make)();
            let sku: Arc<str> = format!("slow-{callers}-{round}").into();
            let before = FETCHES.load(Relaxed);
            let start = Instant::now();
            let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(call(sku.clone()))).collect();
            for task in tasks {
                task.await.expect("no caller panics");
            }
            times[n].push(start.elapsed().as_secs_f64() * 1e3);
            fetches[n] += FETCHES.load(Relaxed) - before;
        }
    }
    let add = |rows: &mut Vec<Row>, part: &str, n: usize, value: f64, unit| {
        let (what, who) = (format!("{what}: {part}"), contestants[n].name);
        rows.push(Row { what, who, value, unit, ratio: f64::NAN });
    };
    for (n, fetches) in fetches.into_iter().enumerate() {
        add(rows, "fetches", n, fetches as f64 / ROUNDS as f64, "fetches");
    }
    for (n, times) in times.into_iter().enumerate() {
        add(rows, "until all have an answer", n, median_and_least(times).0, "ms");
    }
}

/// A stream of keys, the same for all.
async fn stream(rows: &mut Vec<Row>, keys: usize) {
    const CALLS: usize = 200_000;
    const TURN: usize = 1_000;
    let contestants = contestants();
    let stream = zipf(keys, CALLS);
    let calls: Vec<Call> = contestants.iter().map(|contestant| (contestant.make)()).collect();
    let mut times = vec![Vec::new(); calls.len()];
    let mut fetches = vec![0; calls.len()];
    for (turn, skus) in stream.chunks(TURN).enumerate() {
        // The caches fill in the first half.
        let counts = turn * TURN >= CALLS / 2;
        for (n, call) in calls.iter().enumerate() {
            let before = FETCHES.load(Relaxed);
            let start = Instant::now();
            for sku in skus {
                call(sku.clone()).await;
            }
            let time = start.elapsed().as_nanos() as f64 / TURN as f64;
            // moka's upkeep is its caller's, too, but it has none outside of calls.
            if counts {
                times[n].push(time);
                fetches[n] += FETCHES.load(Relaxed) - before;
            }
            // What was handed to tasks of its own is done before the next one's turn.
            tokio::task::yield_now().await;
        }
    }
    let asked = (CALLS / 2) as f64;
    let name = |part: &str| format!("Zipf over {keys} keys, {CAPACITY} kept: {part}");
    for (contestant, fetches) in contestants.iter().zip(fetches) {
        let (who, value) = (contestant.name, 100.0 * (1.0 - fetches as f64 / asked));
        rows.push(Row { what: name("hits"), who, value, unit: "%", ratio: f64::NAN });
    }
    for (contestant, times) in contestants.iter().zip(times) {
        let (who, value) = (contestant.name, median_and_least(times).0);
        rows.push(Row { what: name("a call"), who, value, unit: "ns", ratio: f64::NAN });
    }
}

/// So many keys by Zipf's law with the exponent 1, the same in every run.
fn zipf(keys: usize, calls: usize) -> Vec<Arc<str>> {
    let names: Vec<Arc<str>> = (0..keys).map(|n| format!("{keys}-sku-{n:06}").into()).collect();
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..calls)
        .map(|_| {
            let place = random() * sum;
            names[sums.partition_point(|sum| *sum < place).min(keys - 1)].clone()
        })
        .collect()
}
