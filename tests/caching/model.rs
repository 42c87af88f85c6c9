//! Random histories of calls, compared with a model.

use std::collections::HashMap;

use rewarm_tests::Random;
use serde::{Deserialize, Serialize};

use super::*;

const TTL: u64 = 100;
const REVALIDATE: u64 = 20;
const STALE: u64 = 50;
const NEGATIVE: u64 = 10;

/// The result of the next fetch.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Value = 0,
    Nothing = 1,
    Broken = 2,
}

static MODE: AtomicU64 = AtomicU64::new(0);
static FETCHES: AtomicU64 = AtomicU64::new(0);

#[cached(
    ttl = "100s",
    stale_while_revalidate = "20s",
    stale_if_error = "50s",
    negative_ttl = "10s",
    jitter = "0%",
    max_entries = 100,
    allow(global_state)
)]
async fn look_up(key: &str) -> Result<Option<u64>, String> {
    let _ = key;
    let fetch = FETCHES.fetch_add(1, SeqCst) + 1;
    match MODE.load(SeqCst) {
        0 => Ok(Some(fetch)),
        1 => Ok(None),
        _ => Err(format!("fetch {fetch}")),
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Call {
    Get(u8),
    Refresh(u8),
    Invalidate(u8),
    Clear,
}

#[handler(report_every = 0)]
async fn call(call: Call) -> Result<Option<u64>, String> {
    match call {
        Call::Get(key) => look_up(&key.to_string()).await,
        Call::Refresh(key) => look_up::refresh(&key.to_string()).await,
        Call::Invalidate(key) => {
            look_up::invalidate(&key.to_string());
            Ok(None)
        }
        Call::Clear => {
            look_up::clear();
            Ok(None)
        }
    }
}

type Fetched = Result<Option<u64>, String>;

/// The documented behaviour in its simplest form.
#[derive(Default)]
struct Model {
    now: u64,
    fetches: u64,
    kept: HashMap<u8, Kept>,
    /// Errors, and the end of their lifetime.
    failed: HashMap<u8, (Fetched, u64)>,
}

#[derive(Clone)]
struct Kept {
    result: Fetched,
    fresh: u64,
    revalidate: u64,
    stale: u64,
}

impl Model {
    fn fetch(&mut self, key: u8, mode: Mode) -> Fetched {
        self.fetches += 1;
        let result = match mode {
            Mode::Value => Ok(Some(self.fetches)),
            Mode::Nothing => Ok(None),
            Mode::Broken => Err(format!("fetch {}", self.fetches)),
        };
        if result.is_err() {
            self.failed.insert(key, (result.clone(), self.now + NEGATIVE));
            return result;
        }
        let value = matches!(result, Ok(Some(_)));
        let fresh = self.now + if value { TTL } else { NEGATIVE };
        let (revalidate, stale) =
            if value { (fresh + REVALIDATE, fresh + STALE) } else { (fresh, fresh) };
        self.kept.insert(key, Kept { result: result.clone(), fresh, revalidate, stale });
        self.failed.remove(&key);
        result
    }

    fn get(&mut self, key: u8, mode: Mode) -> Fetched {
        let (now, kept) = (self.now, self.kept.get(&key).cloned());
        let failed = self.failed.get(&key).filter(|(_, until)| now < *until).cloned();
        match (kept, failed) {
            (Some(kept), _) if now < kept.fresh => kept.result,
            // A fetch has failed a short time ago.
            (Some(kept), Some(_)) if now < kept.revalidate.max(kept.stale) => kept.result,
            (_, Some((error, _))) => error,
            (Some(kept), None) if now < kept.revalidate => {
                let _ = self.fetch(key, mode);
                kept.result
            }
            (Some(kept), None) if now < kept.stale => self.fetch(key, mode).or(kept.result),
            _ => self.fetch(key, mode),
        }
    }

    fn call(&mut self, call: Call, mode: Mode) -> Fetched {
        match call {
            Call::Invalidate(key) => {
                self.kept.remove(&key);
                self.failed.remove(&key);
            }
            Call::Clear => {
                self.kept.clear();
                self.failed.clear();
            }
            Call::Refresh(key) => return self.fetch(key, mode),
            Call::Get(key) => return self.get(key, mode),
        }
        Ok(None)
    }

    /// The number of values and errors that may still be returned.
    fn live(&self) -> usize {
        let kept = self.kept.values().filter(|kept| self.now < kept.stale.max(kept.revalidate));
        kept.count() + self.failed.values().filter(|(_, until)| self.now < *until).count()
    }
}

/// `REWARM_MODEL_SEQUENCES` sets the number of histories.
#[tokio::test]
async fn random_histories_match_the_model() {
    let sequences = std::env::var("REWARM_MODEL_SEQUENCES").map_or(2_000, |n| n.parse().unwrap());
    let _turn = simulation().await;
    let mut container = call::container().await;
    let mut model = Model::default();
    FETCHES.store(0, SeqCst);
    for seed in 0..sequences {
        let mut random = Random(seed);
        let mut mode = Mode::Value;
        let mut history = Vec::new();
        for _ in 0..20 {
            let (mut wall, mut monotonic) = (0, 0);
            match random.below(4) {
                0 => wall = random.below(130),
                1 => monotonic = random.below(130),
                2 => (wall, monotonic) = (random.below(60), random.below(60)),
                _ => {}
            }
            container.idle_wall(Duration::from_secs(wall));
            container.idle_monotonic(Duration::from_secs(monotonic));
            model.now += wall.max(monotonic);
            if random.below(4) == 0 {
                mode = [Mode::Value, Mode::Value, Mode::Nothing, Mode::Broken]
                    [random.below(4) as usize];
                MODE.store(mode as u64, SeqCst);
            }
            let key = random.below(3) as u8;
            let call = match random.below(12) {
                0 => Call::Invalidate(key),
                1 | 2 => Call::Refresh(key),
                3 => Call::Clear,
                _ => Call::Get(key),
            };
            let expected = model.call(call, mode);
            let result: Fetched = match container.invoke(serde_json::to_value(call).unwrap()).await
            {
                Ok(value) => Ok(serde_json::from_value(value).unwrap()),
                Err(error) => Err(error.error_message),
            };
            history.push(format!(
                "wall +{wall}, monotonic +{monotonic}, {call:?} with mode {}",
                mode as u8
            ));
            assert_eq!(result, expected, "seed {seed}, after {history:#?}");
        }
        // Nothing is left that may not be returned any more.
        assert_eq!(look_up::stats().entries, model.live(), "seed {seed}, after {history:#?}");
        MODE.store(0, SeqCst);
    }
}
