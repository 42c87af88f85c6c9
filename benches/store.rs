//! What the second tier costs, against a Redis of its own on a loopback port: a hit in the store
//! beside a bare `GET` with decode by the same client, and a hit in the container with and without a
//! store.

#![forbid(unsafe_code)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use rewarm::store::Redis;
use rewarm::{cached, init};
use serde::{Deserialize, Serialize};
use support::{Row, conclude, median_and_least};

static PORT: AtomicU16 = AtomicU16::new(0);
/// The number of fetches.
static FETCHES: AtomicU64 = AtomicU64::new(0);

fn url() -> String {
    format!("redis://127.0.0.1:{}", PORT.load(Relaxed))
}

#[init]
async fn shared() -> Result<Redis, rewarm::Error> {
    Redis::connect(&url()).await
}

#[derive(Clone, Serialize, Deserialize)]
struct Price {
    sku: String,
    cents: u64,
    currency: String,
}

impl Price {
    fn of(sku: &str) -> Self {
        FETCHES.fetch_add(1, Relaxed);
        Self { sku: sku.to_owned(), cents: sku.len() as u64, currency: "EUR".to_owned() }
    }
}

/// One key makes room for the other: each call of another key asks the store.
#[cached(ttl = "1h", store = shared, max_entries = 1)]
async fn price(sku: &str) -> Price {
    Price::of(sku)
}

#[cached(ttl = "1h", store = shared)]
async fn kept(sku: &str) -> Price {
    Price::of(sku)
}

#[cached(ttl = "1h")]
async fn without_store(sku: &str) -> Price {
    Price::of(sku)
}

/// A server, ended when dropped.
struct Server(Child);

impl Server {
    fn start() -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let port = free.expect("a free port").port();
        PORT.store(port, Relaxed);
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server; scripts/services.sh installs it");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ROUNDS: usize = 200;
const CALLS: usize = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let _server = Server::start();
    let mut rows = Vec::new();
    runtime.expect("a tokio runtime").block_on(async {
        for callers in [1, 8, 64] {
            store_hit(&mut rows, callers).await;
        }
        container_hit(&mut rows).await;
    });
    conclude("store", rows);
}

fn skus(callers: usize) -> Vec<[String; 2]> {
    (0..callers).map(|n| [format!("sku-{n}-a"), format!("sku-{n}-b")]).collect()
}

/// A `GET` and its decoding, as a program without rewarm would write them.
async fn bare(mut connection: MultiplexedConnection, sku: &str) -> Price {
    let json: Vec<u8> = connection.get(format!("bare:{sku}")).await.expect("the server runs");
    serde_json::from_slice(&json).expect("the entry is JSON")
}

async fn store_hit(rows: &mut Vec<Row>, callers: usize) {
    let client = redis::Client::open(url()).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await.expect("the server runs");
    let skus = skus(callers);
    for sku in skus.iter().flatten() {
        let json = serde_json::to_vec(&Price::of(sku)).expect("plain data");
        let () = connection.clone().set(format!("bare:{sku}"), json).await.expect("the server runs");
        price(sku).await;
    }
    let before = FETCHES.load(Relaxed);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let is_ours = (round + turn) % 2 == 1;
            let start = Instant::now();
            for call in 0..CALLS / callers {
                let sku = |pair: &[String; 2]| pair[call % 2].clone();
                match (is_ours, callers) {
                    (true, 1) => drop(price(&sku(&skus[0])).await),
                    (false, 1) => drop(bare(connection.clone(), &sku(&skus[0])).await),
                    _ => {
                        let tasks = skus.iter().map(|pair| {
                            let (sku, connection) = (sku(pair), connection.clone());
                            tokio::spawn(async move {
                                match is_ours {
                                    true => price(&sku).await,
                                    false => bare(connection, &sku).await,
                                }
                            })
                        });
                        for task in tasks.collect::<Vec<_>>() {
                            task.await.expect("no caller panics");
                        }
                    }
                }
            }
            let calls = (CALLS / callers * callers) as f64;
            times[usize::from(is_ours)].push(start.elapsed().as_secs_f64() * 1e6 / calls);
        }
    }
    assert_eq!(FETCHES.load(Relaxed), before, "every call is a hit in the store");
    add(rows, format!("hit in the store, {callers} callers"), ["bare GET", "rewarm"], times, "µs");
}

async fn container_hit(rows: &mut Vec<Row>) {
    (kept("tea").await, without_store("tea").await);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..2 * ROUNDS {
        for turn in 0..2 {
            let has_store = (round + turn) % 2 == 1;
            let start = Instant::now();
            for _ in 0..2_000 {
                match has_store {
                    true => drop(kept("tea").await),
                    false => drop(without_store("tea").await),
                }
            }
            times[usize::from(has_store)].push(start.elapsed().as_secs_f64() * 1e9 / 2_000.0);
        }
    }
    let who = ["without a store", "with a store"];
    add(rows, "hit in the container".to_owned(), who, times, "ns");
}

/// Adds the medians of two contestants, and the ratio of the second.
fn add(
    rows: &mut Vec<Row>,
    what: String,
    who: [&'static str; 2],
    times: [Vec<f64>; 2],
    unit: &'static str,
) {
    let [first, second] = times.map(|times| median_and_least(times).0);
    for (who, value) in who.into_iter().zip([first, second]) {
        rows.push(Row { what: what.clone(), who, value, unit, ratio: value / first });
    }
}
