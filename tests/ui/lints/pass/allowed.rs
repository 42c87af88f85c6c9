//! What is allowed by name, and what stands behind a `cfg`.
#![deny(warnings)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rewarm::{LambdaEvent, cached, handler, init};

#[init(allow(unbounded_growth))]
static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

#[init(allow(secret_forever))]
fn signing_secret() -> String {
    String::new()
}

#[handler(allow(hidden_static, global_state, detached_task, leak, process_state))]
async fn answer(_event: u8) -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    tokio::spawn(async {});
    std::mem::forget(String::new());
    if CALLS.load(Ordering::Relaxed) > 1_000_000 {
        std::process::exit(1);
    }
    CALLS.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone, Hash, PartialEq, Eq)]
struct Body;

#[cached(ttl = "5m")]
async fn parts(#[skip] event: LambdaEvent<u8>, body: &Body) -> u8 {
    let _ = body;
    event.payload
}

#[handler]
async fn conditional(_event: u8) -> u8 {
    #[cfg(any())]
    static CALLS: AtomicU64 = AtomicU64::new(0);
    #[cfg(any())]
    {
        std::process::exit(1);
    }
    #[cfg(any())]
    tokio::spawn(async {});
    let n = [
        1,
        #[cfg(any())]
        std::process::exit(n),
    ][0];
    match n {
        #[cfg(any())]
        2 => std::process::abort(),
        _ => 1,
    }
}

fn main() {}
