//! What a hit costs: a value that is there, read by one thread and by two.
//!
//! `hits [NAME]` measures and writes `results/NAME.json` (`hits`); `hits --one GROUP NAME N` runs
//! one contestant, for a profiler.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use moka::future::Cache as Moka;
use quick_cache::sync::Cache as QuickCache;
use rewarm::{cached, init};
use rustix::time::{ClockId, clock_gettime};
use support::{Contestant, Group, Outcome, instructions, race, run_one, save, table};
use tokio::sync::OnceCell;

/// A resource: what a pool of connections is to those who use it, a value behind an `Arc`.
pub struct Pool {
    size: usize,
}

impl Pool {
    fn connect() -> Self {
        Self { size: black_box(8) }
    }
}

#[init]
async fn db() -> Pool {
    Pool::connect()
}

static POOL: OnceCell<Pool> = OnceCell::const_new();
static SHARED_POOL: OnceCell<Arc<Pool>> = OnceCell::const_new();

#[init]
static GREETING: String = "Good morning".to_owned();

static LAZY_LOCK: LazyLock<String> = LazyLock::new(|| "Good morning".to_owned());
static ONCE_CELL: once_cell::sync::Lazy<String> =
    once_cell::sync::Lazy::new(|| "Good morning".to_owned());

/// A configuration.
pub struct Settings {
    tax_percent: i64,
}

impl Settings {
    fn load() -> Arc<Self> {
        Arc::new(Self { tax_percent: black_box(20) })
    }
}

#[cached(ttl = "1h")]
async fn settings() -> Result<Arc<Settings>, rewarm::Error> {
    Ok(Settings::load())
}

#[cached::macros::once(ttl_secs = 3600)]
async fn settings_once() -> Result<Arc<Settings>, String> {
    Ok(Settings::load())
}

/// A price.
#[derive(Clone, Copy)]
pub struct Price {
    cents: u64,
}

impl Price {
    fn look_up(sku: &str) -> Self {
        Self { cents: sku.len() as u64 }
    }
}

#[cached(ttl = "1h")]
async fn price(sku: &str) -> Result<Price, rewarm::Error> {
    Ok(Price::look_up(sku))
}

#[cached::macros::concurrent_cached(
    ttl_secs = 3600,
    max_size = 1000,
    key = "String",
    convert = { sku.to_owned() }
)]
async fn price_concurrent_cached(sku: &str) -> Result<Price, String> {
    Ok(Price::look_up(sku))
}

#[cached::macros::cached(
    ttl_secs = 3600,
    max_size = 1000,
    key = "String",
    convert = { sku.to_owned() }
)]
async fn price_cached(sku: &str) -> Result<Price, String> {
    Ok(Price::look_up(sku))
}

/// Keys as a shop has them.
static SKUS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..64).map(|n| format!("sku-{:08}", n * 7919)).collect());

/// Runs a future on this thread. A hit never waits, but for a lock of those that have one.
fn now<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Runs what may wait: the first use, which brings the value.
fn first<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a tokio runtime").block_on(future)
}

/// Nanoseconds of the clock that the container clock reads.
#[inline]
fn coarse() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

fn hour() -> u64 {
    coarse() + 3_600_000_000_000
}

/// A contestant whose operation is the last block, run in a loop in one poll of one future, with
/// what the first lines made.
macro_rules! contestant {
    ($name:literal, { $($make:tt)* }, $operation:expr) => {
        Contestant {
            name: $name,
            make: || {
                $($make)*
                Box::new(move |operations| now(async {
                    for _ in 0..operations {
                        $operation;
                    }
                }))
            },
        }
    };
}

/// The same with a key, another one each time.
macro_rules! keyed {
    ($name:literal, { $($make:tt)* }, |$sku:ident| $operation:expr) => {
        Contestant {
            name: $name,
            make: || {
                $($make)*
                Box::new(move |operations| now(async {
                    let skus = &**SKUS;
                    for n in 0..operations {
                        let $sku: &str = black_box(&skus[n as usize % skus.len()]);
                        $operation;
                    }
                }))
            },
        }
    };
}

fn resource() -> Group {
    Group {
        name: "resource",
        contestants: vec![
            contestant!(
                "ArcSwap::load_full",
                {
                    let swap = ArcSwap::from_pointee(Pool::connect());
                },
                black_box(swap.load_full().size)
            ),
            contestant!(
                "rewarm, db().await",
                {
                    first(db()).expect("a pool");
                },
                black_box(db().await.map_or(0, |pool| pool.size))
            ),
            contestant!(
                "rewarm, a parameter &Pool",
                {
                    first(db()).expect("a pool");
                },
                black_box(rewarm::private::hold::<(db,)>().await.map_or(0, |(pool,)| pool.size))
            ),
            contestant!(
                "tokio OnceCell, &Pool",
                {},
                black_box(POOL.get_or_init(|| async { Pool::connect() }).await.size)
            ),
            contestant!(
                "tokio OnceCell, Arc clone",
                {},
                black_box(
                    Arc::clone(
                        SHARED_POOL.get_or_init(|| async { Arc::new(Pool::connect()) }).await
                    )
                    .size
                )
            ),
        ],
    }
}

fn a_static() -> Group {
    Group {
        name: "static",
        contestants: vec![
            contestant!("once_cell Lazy", {}, black_box(black_box(&ONCE_CELL).len())),
            contestant!("rewarm, GREETING", {}, black_box(black_box(&GREETING).len())),
            contestant!("LazyLock", {}, black_box(black_box(&LAZY_LOCK).len())),
        ],
    }
}

struct Entry {
    settings: Arc<Settings>,
    until: u64,
}

fn unkeyed() -> Group {
    Group {
        name: "unkeyed",
        contestants: vec![
            contestant!(
                "floor: ArcSwap, coarse clock, Arc clone",
                {
                    let swap =
                        ArcSwap::from_pointee(Entry { settings: Settings::load(), until: hour() });
                },
                {
                    let entry = swap.load();
                    if coarse() < entry.until {
                        black_box(Arc::clone(&entry.settings).tax_percent);
                    }
                }
            ),
            contestant!(
                "rewarm, settings().await",
                {
                    first(settings()).expect("settings");
                },
                black_box(settings().await.map_or(0, |settings| settings.tax_percent))
            ),
            contestant!(
                "rewarm, a parameter &Settings",
                {
                    first(settings()).expect("settings");
                },
                black_box(
                    rewarm::private::hold::<(settings,)>()
                        .await
                        .map_or(0, |held| held.0.tax_percent)
                )
            ),
            contestant!(
                "moka get_with",
                {
                    let moka: Moka<(), Arc<Settings>> =
                        Moka::builder().time_to_live(Duration::from_secs(3600)).build();
                },
                black_box(moka.get_with((), async { Settings::load() }).await.tax_percent)
            ),
            contestant!(
                "cached #[once]",
                {},
                black_box(settings_once().await.map_or(0, |settings| settings.tax_percent))
            ),
        ],
    }
}

fn keyed() -> Group {
    Group {
        name: "keyed",
        contestants: vec![
            keyed!(
                "floor: quick_cache get, coarse clock",
                {
                    let (cache, until) = (QuickCache::<String, Price>::new(1000), hour());
                    SKUS.iter().for_each(|sku| cache.insert(sku.clone(), Price::look_up(sku)));
                },
                |sku| {
                    let price = cache.get(sku);
                    if coarse() < black_box(until) {
                        black_box(price.map_or(0, |price| price.cents));
                    }
                }
            ),
            keyed!(
                "rewarm, price(sku).await",
                {
                    SKUS.iter().for_each(|sku| drop(first(price(sku))));
                },
                |sku| black_box(price(sku).await.map_or(0, |price| price.cents))
            ),
            keyed!(
                "moka try_get_with",
                {
                    let moka: Moka<String, Price> = Moka::builder()
                        .max_capacity(1000)
                        .time_to_live(Duration::from_secs(3600))
                        .build();
                },
                |sku| {
                    let found = moka.try_get_with_by_ref(sku, async {
                        Ok::<_, Infallible>(Price::look_up(sku))
                    });
                    black_box(found.await.map_or(0, |price| price.cents))
                }
            ),
            keyed!(
                "moka get",
                {
                    let moka: Moka<String, Price> = Moka::builder()
                        .max_capacity(1000)
                        .time_to_live(Duration::from_secs(3600))
                        .build();
                    SKUS.iter().for_each(|sku| now(moka.insert(sku.clone(), Price::look_up(sku))));
                },
                |sku| black_box(moka.get(sku).await.map_or(0, |price| price.cents))
            ),
            keyed!("cached #[concurrent_cached]", {}, |sku| black_box(
                price_concurrent_cached(sku).await.map_or(0, |price| price.cents)
            )),
            keyed!("cached #[cached]", {}, |sku| black_box(
                price_cached(sku).await.map_or(0, |price| price.cents)
            )),
        ],
    }
}

/// Every thread reads the same key, so that nothing but the sharing is measured.
fn one_key() -> Group {
    Group {
        name: "one key",
        contestants: vec![
            contestant!(
                "floor: quick_cache get, coarse clock",
                {
                    let (cache, until) = (QuickCache::<String, Price>::new(1000), hour());
                    cache.insert("tea".to_owned(), Price { cents: 450 });
                },
                {
                    let price = cache.get(black_box("tea"));
                    if coarse() < black_box(until) {
                        black_box(price.map_or(0, |price| price.cents));
                    }
                }
            ),
            contestant!(
                "rewarm, price(sku).await",
                {
                    drop(first(price("tea")));
                },
                black_box(price(black_box("tea")).await.map_or(0, |price| price.cents))
            ),
            contestant!(
                "moka get",
                {
                    let moka: Moka<String, Price> =
                        Moka::builder().time_to_live(Duration::from_secs(3600)).build();
                    now(moka.insert("tea".to_owned(), Price { cents: 450 }));
                },
                black_box(moka.get(black_box("tea")).await.map_or(0, |price| price.cents))
            ),
            contestant!(
                "cached #[concurrent_cached]",
                {},
                black_box(
                    price_concurrent_cached(black_box("tea")).await.map_or(0, |price| price.cents)
                )
            ),
        ],
    }
}

fn clocks() -> Group {
    Group {
        name: "clock",
        contestants: vec![
            contestant!("coarse", {}, black_box(coarse())),
            contestant!("Instant::now", {}, black_box(std::time::Instant::now())),
        ],
    }
}

fn main() {
    let groups = [resource(), a_static(), unkeyed(), keyed(), one_key(), clocks()];
    if run_one(&groups) {
        return;
    }
    let name = std::env::args().nth(1).unwrap_or_else(|| "hits".to_owned());
    let mut outcomes: Vec<Outcome> = Vec::new();
    for group in &groups {
        for threads in [1, 2] {
            outcomes.extend(race(group, threads, 400));
        }
    }
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.threads == 1) {
        outcome.instructions = instructions(outcome.group, outcome.name);
    }
    for group in &groups {
        let rows: Vec<Vec<String>> = group
            .contestants
            .iter()
            .map(|contestant| {
                let find = |threads| {
                    let mine = |outcome: &&Outcome| {
                        (outcome.group, outcome.name, outcome.threads)
                            == (group.name, contestant.name, threads)
                    };
                    outcomes.iter().find(mine).expect("every contestant raced")
                };
                let (one, two) = (find(1), find(2));
                vec![
                    contestant.name.to_owned(),
                    format!("{:.1}", one.ns),
                    format!("{:.2}", one.ratio),
                    one.instructions.map_or_else(String::new, |count| format!("{count:.0}")),
                    format!("{:.1}", two.ns),
                    format!("{:.2}", two.ratio),
                ]
            })
            .collect();
        println!(
            "{}",
            table(&[group.name, "ns", "ratio", "instructions", "ns, 2 threads", "ratio"], &rows)
        );
    }
    println!("{}", save(&name, &outcomes).display());
}
