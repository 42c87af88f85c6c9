//! Processes for containers, with Redis as their store: `examples/shared_prices.rs` under a Runtime
//! API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use rewarm_tests::services::Service;
use rewarm_tests::{Backend, Function, Random, RuntimeApi, runs_all};

use super::*;

/// The service of the prices. Its prices are the numbers of its requests.
struct Prices {
    requests: Arc<AtomicUsize>,
    /// The milliseconds that the next request takes, and those after it.
    delays: Arc<Mutex<(u64, u64)>>,
    backend: Backend,
}

impl Prices {
    async fn start(delay: u64) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let delays = Arc::new(Mutex::new((delay, delay)));
        let backend = Backend::start({
            let (requests, delays) = (Arc::clone(&requests), Arc::clone(&delays));
            move |_, _| {
                let number = requests.fetch_add(1, SeqCst) + 1;
                let delay = {
                    let mut delays = delays.lock().unwrap();
                    let (next, later) = *delays;
                    *delays = (later, later);
                    next
                };
                let wait = || std::thread::sleep(Duration::from_millis(delay));
                tokio::task::block_in_place(wait);
                (200, number.to_string())
            }
        });
        Self { requests, delays, backend: backend.await }
    }

    fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

/// A container with a Runtime API of its own.
struct Container {
    api: RuntimeApi,
    function: Function,
}

impl Container {
    async fn start(prices: &Prices, redis: &Service) -> Self {
        let api = RuntimeApi::start().await;
        let function = Function::builder(env!("CARGO_BIN_EXE_shared_prices"))
            .env("REDIS_URL", format!("redis://127.0.0.1:{}", redis.port()))
            .env("PRICES_URL", prices.backend.url())
            .spawn(&api);
        api.wait_for_next().await;
        Self { api, function }
    }

    /// The price of an article.
    async fn price(&self, sku: &str) -> u64 {
        let price = self.api.invoke(sku).await.json();
        assert_eq!(price["sku"], sku);
        price["cents"].as_u64().expect("a price")
    }
}

async fn containers(count: usize, prices: &Prices, redis: &Service) -> Vec<Container> {
    let mut containers = Vec::new();
    for _ in 0..count {
        containers.push(Container::start(prices, redis).await);
    }
    containers
}

/// The number of processes: all of them only with `REWARM_ALL`.
fn count() -> usize {
    if runs_all("10 processes instead of 100") { 100 } else { 10 }
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_start_together_ask_the_backend_once() {
    let Some(redis) = Service::redis(&[]) else { return };
    let prices = Prices::start(200).await;
    let containers = containers(count(), &prices, &redis).await;
    let start = Instant::now();
    let asked = containers.iter().map(|container| async {
        let price = container.price("tea").await;
        (price, start.elapsed())
    });
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|(price, _)| *price == 1), "{answers:?}");
    assert_eq!(prices.requests(), 1);
    let slowest = answers.iter().map(|(_, time)| time.as_millis()).max();
    eprintln!("{} containers, fetch 200 ms, slowest response {slowest:?} ms", containers.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_fetched_once_for_all_containers() {
    let Some(redis) = Service::redis(&[]) else { return };
    let prices = Prices::start(0).await;
    let containers = containers(count() / 5, &prices, &redis).await;
    let mut random = Random(7);
    let mut keys = BTreeSet::new();
    for _ in 0..count() {
        // Two of three are one of ten keys.
        let mut key = || {
            let of = random.pick(&[10, 10, 1000]);
            random.below(of).to_string()
        };
        let round: Vec<_> = containers.iter().map(|_| key()).collect();
        let calls = containers.iter().zip(&round).map(|(container, sku)| container.price(sku));
        futures_util::future::join_all(calls).await;
        keys.extend(round);
    }
    assert_eq!(prices.requests(), keys.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_leader_that_is_killed_ends() {
    let Some(redis) = Service::redis(&[]) else { return };
    let prices = Prices::start(0).await;
    *prices.delays.lock().unwrap() = (30_000, 0);
    let leader = Container::start(&prices, &redis).await;
    let others = containers(3, &prices, &redis).await;
    let lost = leader.api.send(json!("tea"));
    while prices.requests() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    leader.function.signal("KILL");
    let others = others.iter().map(|container| container.price("tea"));
    let answers = futures_util::future::join_all(others).await;
    assert_eq!(answers, [2, 2, 2], "one took over after the lease");
    drop(lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_brings_no_old_value_back() {
    let Some(redis) = Service::redis(&[]) else { return };
    let prices = Prices::start(0).await;
    *prices.delays.lock().unwrap() = (1000, 0);
    let leader = Container::start(&prices, &redis).await;
    let other = Container::start(&prices, &redis).await;
    let late = leader.api.send(json!("tea"));
    while prices.requests() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    leader.function.signal("STOP");
    assert_eq!(other.price("tea").await, 2, "after the lease of 2 s");
    leader.function.signal("CONT");
    let late = late.outcome().await;
    // Its own caller gets its value, or an error if the time is up. The store keeps the later one.
    drop(late);
    assert_eq!(Container::start(&prices, &redis).await.price("tea").await, 2);
    assert_eq!(prices.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_hangs_or_fills_up_fails_no_invocation() {
    let Some(mut redis) = Service::redis(&["--maxmemory-policy", "noeviction"]) else { return };
    let prices = Prices::start(0).await;
    let container = Container::start(&prices, &redis).await;
    let mut next = 0;
    let mut price_of_a_new_one = async || {
        next += 1;
        let before = prices.requests() as u64;
        assert_eq!(container.price(&next.to_string()).await, before + 1);
    };
    price_of_a_new_one().await;
    redis.kill();
    for _ in 0..5 {
        price_of_a_new_one().await;
    }
    redis.restart();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    price_of_a_new_one().await;
    redis.signal("STOP");
    for _ in 0..5 {
        price_of_a_new_one().await;
    }
    redis.signal("CONT");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    price_of_a_new_one().await;
    let cli = |arguments: &[&str]| {
        let program = rewarm_tests::services::program("redis-cli").expect("beside redis-server");
        let port = redis.port().to_string();
        let run = std::process::Command::new(program).args(["-p", &port]).args(arguments).output();
        assert!(run.is_ok_and(|run| run.status.success()), "{arguments:?}");
    };
    cli(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..3 {
        price_of_a_new_one().await;
    }
    cli(&["CONFIG", "SET", "maxmemory", "0"]);
    cli(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..3 {
        price_of_a_new_one().await;
    }
    cli(&["REPLICAOF", "NO", "ONE"]);
    cli(&["FLUSHALL"]);
    tokio::time::sleep(Duration::from_millis(4100)).await;
    price_of_a_new_one().await;
    container.function.wait_for_output("the store failed and is left alone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_in_a_freeze_costs_nothing() {
    let Some(mut redis) = Service::redis(&[]) else { return };
    let prices = Prices::start(0).await;
    let container = Container::start(&prices, &redis).await;
    container.price("tea").await;
    container.function.signal("STOP");
    redis.restart();
    container.function.signal("CONT");
    container.price("pot").await;
    let log = container.function.stdout().join("\n");
    assert!(!log.contains("the store failed"), "{log}");
    let other = Container::start(&prices, &redis).await;
    other.price("pot").await;
    assert_eq!(prices.requests(), 2, "the entry was put after the thaw");
}
