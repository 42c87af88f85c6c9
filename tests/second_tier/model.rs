//! Random histories of containers that share a store which fails at random. Whatever happens, a value
//! is that of its key, no older than promised, and not one that was removed before the container
//! asked.

use rewarm_tests::Random;
use serde::{Deserialize, Serialize};

use super::*;

const TTL: u64 = 100;
const LOCAL_TTL: u64 = 30;
const REVALIDATE: u64 = 20;
const STALE: u64 = 50;

static FETCHES: AtomicU64 = AtomicU64::new(0);
static IS_BROKEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
/// The seconds since the start of a history.
static NOW: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fetched {
    key: u8,
    number: u64,
    at: u64,
}

#[cached(
    ttl = "100s",
    local_ttl = "30s",
    stale_while_revalidate = "20s",
    stale_if_error = "50s",
    jitter = "0%",
    store = shared,
    store_timeout = "10ms",
    allow(global_state)
)]
async fn look_up(key: u8) -> Result<Fetched, String> {
    let number = FETCHES.fetch_add(1, SeqCst) + 1;
    match IS_BROKEN.load(SeqCst) {
        true => Err("broken".to_owned()),
        false => Ok(Fetched { key, number, at: NOW.load(SeqCst) }),
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Call {
    Get(u8),
    Refresh(u8),
    Invalidate(u8),
    Clear,
}

/// The value, or true if the store was reached.
#[derive(Debug, Serialize, Deserialize)]
enum Outcome {
    Value(Fetched),
    Removed(bool),
}

#[handler(report_every = 0)]
async fn call(call: Call) -> Result<Outcome, String> {
    Ok(match call {
        Call::Get(key) => Outcome::Value(look_up(key).await?),
        Call::Refresh(key) => match look_up::refresh(key).await {
            Ok(result) => Outcome::Value(result?),
            Err(_) => Outcome::Removed(false),
        },
        Call::Invalidate(key) => Outcome::Removed(look_up::invalidate(key).await.is_ok()),
        Call::Clear => Outcome::Removed(look_up::clear().await.is_ok()),
    })
}

/// What a history has to remember of a key.
#[derive(Clone, Copy, Default)]
struct Key {
    /// Values up to this number were removed from the store, at this time.
    removed: u64,
    removed_at: u64,
    /// The same in this container.
    removed_here: u64,
}

/// `REWARM_MODEL_SEQUENCES` sets the number of histories.
#[tokio::test(start_paused = true)]
async fn random_histories_keep_every_promise() {
    let sequences = std::env::var("REWARM_MODEL_SEQUENCES").map_or(300, |n| n.parse().unwrap());
    let _turn = simulation().await;
    for seed in 0..sequences {
        OUTSIDE.reset().await;
        IS_BROKEN.store(false, SeqCst);
        NOW.store(0, SeqCst);
        history(&mut Random(seed), seed).await;
    }
}

async fn history(random: &mut Random, seed: u64) {
    let mut container = call::container().await;
    // The wall clocks of all simulated containers start at one time.
    let mut age = 0;
    let mut keys = [Key::default(); 3];
    let mut steps = Vec::new();
    for _ in 0..25 {
        let idle = [0, 0, 5, 40, 130][random.below(5) as usize];
        container.idle(Duration::from_secs(idle));
        age += idle;
        if random.below(6) == 0 {
            drop(container);
            container = call::container().await;
            container.idle(Duration::from_secs(age));
            keys.iter_mut().for_each(|key| key.removed_here = 0);
            steps.push("a new container".to_owned());
        }
        NOW.store(age, SeqCst);
        let fault = random.pick(&[
            Fault::None,
            Fault::None,
            Fault::None,
            Fault::Down,
            Fault::Panics,
            Fault::Hangs,
            Fault::Slow(5),
        ]);
        OUTSIDE.set(fault);
        let is_broken = random.below(4) == 0;
        IS_BROKEN.store(is_broken, SeqCst);
        let n = random.below(3) as usize;
        let key = n as u8;
        let call = match random.below(10) {
            0 => Call::Invalidate(key),
            1 => Call::Refresh(key),
            2 => Call::Clear,
            _ => Call::Get(key),
        };
        let before = FETCHES.load(SeqCst);
        let outcome = container.invoke(serde_json::to_value(call).unwrap()).await;
        let of = keys[n];
        steps.push(format!("{idle} s, {call:?}, broken {is_broken}: {outcome:?}"));
        let context = || format!("seed {seed}: {steps:#?}");
        match outcome.map(|value| serde_json::from_value(value).unwrap()) {
            Ok(Outcome::Value(value)) => {
                assert_eq!(value.key, key, "{}", context());
                let oldest = TTL + REVALIDATE.max(STALE);
                assert!(age - value.at < oldest, "too old, {}", context());
                assert!(value.number > of.removed_here, "removed here, {}", context());
                if value.number <= of.removed {
                    let used_until = of.removed_at + LOCAL_TTL + REVALIDATE.max(STALE);
                    assert!(age < used_until, "removed elsewhere, {}", context());
                }
                if matches!(call, Call::Refresh(_)) {
                    assert!(value.number > before, "refreshed, {}", context());
                }
            }
            Ok(Outcome::Removed(is_done)) => {
                let all = matches!(call, Call::Clear);
                for (other, of) in keys.iter_mut().enumerate() {
                    if all || other == n {
                        if is_done && !matches!(call, Call::Refresh(_)) {
                            (of.removed, of.removed_at) = (before, age);
                        }
                        if !matches!(call, Call::Refresh(_)) {
                            of.removed_here = match is_done {
                                true => before,
                                // The store may still have it.
                                false => 0,
                            };
                        }
                    }
                }
            }
            Err(error) => {
                assert!(is_broken, "{error:?}, {}", context());
                assert_eq!(error.error_message, "broken", "{}", context());
            }
        }
    }
    OUTSIDE.set(Fault::None);
}
