use std::sync::atomic::{AtomicU64, Ordering};

use rewarm::handler;

#[rewarm::allow(global_state)]
static NO_REASON: AtomicU64 = AtomicU64::new(0);

#[rewarm::allow(global_sate, reason = "misspelt")]
fn misspelt() {}

#[rewarm::allow(reason = "no lint")]
fn no_lint() {}

#[rewarm::allow]
fn empty() {}

#[rewarm::allow(static_mut, reason = "never safe")]
fn never() {}

#[rewarm::allow(global_state, reason = "nothing is found here")]
static TABLE: [u8; 2] = [1, 2];

#[rewarm::allow(leak, global_state, reason = "only one of them is found")]
static HALF: AtomicU64 = AtomicU64::new(0);

#[rewarm::allow(global_state, because = "an unknown option")]
static BECAUSE: u8 = 0;

fn numbers() -> u64 {
    NO_REASON.fetch_add(1, Ordering::Relaxed) + HALF.fetch_add(1, Ordering::Relaxed)
}

#[handler]
async fn answer(event: u64) -> u64 {
    event + numbers() + u64::from(TABLE[0])
}

fn main() {}
