//! What reuse saves: the quickstart's calls to its backends over 1,000 invocations, in simulated
//! time. Most events come in bursts, some after a minute or so, a few after so long that Lambda has
//! thrown the container away.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rewarm::{cached, handler, init};
use serde_json::json;
use support::{Row, conclude};

const INVOCATIONS: u64 = 1_000;

/// An idle container lives about so long; Lambda promises nothing.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Calls to the parameter store, the database's connections, its queries.
#[rewarm::allow(global_state, reason = "counts what the simulated backends receive")]
static CALLS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn call(backend: usize) -> u64 {
    CALLS[backend].fetch_add(1, Relaxed)
}

#[cached(ttl = "5m")]
async fn settings() -> u64 {
    call(0)
}

#[init]
async fn db(settings: &u64) -> u64 {
    call(1) + settings
}

#[cached(ttl = "30s", max_entries = 500)]
async fn price(#[from] db: &u64, sku: &str) -> u64 {
    call(2) + db + sku.len() as u64
}

#[handler(report_every = 0)]
async fn checkout(sku: String, settings: u64) -> u64 {
    price(&sku).await + settings
}

/// Numbers from 0 to 1, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time until the next event: 80 % follow within seconds, 18 % within minutes, 2 % later.
    fn gap(&mut self) -> Duration {
        let mean = match self.next() {
            kind if kind < 0.80 => 3.0,
            kind if kind < 0.98 => 60.0,
            _ => 1_200.0,
        };
        Duration::from_secs_f64(-mean * (1.0 - self.next()).ln())
    }

    /// One of 50 products, by Zipf's law.
    fn sku(&mut self) -> String {
        let all: f64 = (1..=50).map(|rank| 1.0 / f64::from(rank)).sum();
        let mut place = self.next() * all;
        let mut rank = 0;
        while place > 0.0 && rank < 50 {
            rank += 1;
            place -= 1.0 / f64::from(rank);
        }
        format!("sku-{rank}")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut container = checkout::container().await;
    let (mut containers, mut time) = (1_u64, Duration::ZERO);
    for _ in 0..INVOCATIONS {
        container.invoke(json!(random.sku())).await.expect("every order can be priced");
        let gap = random.gap();
        time += gap;
        if gap > LIFE {
            container.shutdown().await;
            container = checkout::container().await;
            containers += 1;
        } else {
            container.idle(gap);
        }
    }
    println!(
        "{INVOCATIONS} invocations in {containers} containers, over {} h",
        time.as_secs() / 3600
    );
    let whats = ["calls to the parameter store", "connections to the database", "queries"];
    let mut rows = Vec::new();
    for (what, calls) in whats.iter().zip(&CALLS) {
        let mut add = |who, value: u64| {
            let what = (*what).to_owned();
            rows.push(Row { what, who, value: value as f64, unit: "calls", ratio: f64::NAN });
        };
        add("made in each invocation", INVOCATIONS);
        add("rewarm", calls.load(Relaxed));
    }
    conclude("savings", rows);
}
