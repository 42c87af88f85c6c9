//! `#[cached]` held against a model, and what it costs: random histories, allocations, memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use rewarm::{cached, handler};
use serde::{Deserialize, Serialize};

const TTL: u64 = 100;
const REVALIDATE: u64 = 20;
const STALE: u64 = 50;
const NEGATIVE: u64 = 10;

/// What the backend does with the next fetch.
#[derive(Clone, Copy, PartialEq)]
enum Backend {
    Value = 0,
    Nothing = 1,
    Broken = 2,
}

static BACKEND: AtomicU64 = AtomicU64::new(0);
static FETCHES: AtomicU64 = AtomicU64::new(0);

#[cached(
    ttl = "100s",
    stale_while_revalidate = "20s",
    stale_if_error = "50s",
    negative_ttl = "10s",
    jitter = "0%",
    max_entries = 100
)]
async fn look_up(key: &str) -> Result<Option<u64>, String> {
    let _ = key;
    let fetch = FETCHES.fetch_add(1, SeqCst) + 1;
    match BACKEND.load(SeqCst) {
        0 => Ok(Some(fetch)),
        1 => Ok(None),
        _ => Err(format!("fetch {fetch}")),
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Ask {
    Get(u8),
    Refresh(u8),
    Invalidate(u8),
    Clear,
}

#[handler(report_every = 0)]
async fn ask(ask: Ask) -> Result<Option<u64>, String> {
    match ask {
        Ask::Get(key) => look_up(&key.to_string()).await,
        Ask::Refresh(key) => look_up::refresh(&key.to_string()).await,
        Ask::Invalidate(key) => {
            look_up::invalidate(&key.to_string());
            Ok(None)
        }
        Ask::Clear => {
            look_up::clear();
            Ok(None)
        }
    }
}

type Answer = Result<Option<u64>, String>;

/// What the documentation promises, written as simply as can be.
#[derive(Default)]
struct Model {
    now: u64,
    fetches: u64,
    kept: HashMap<u8, Kept>,
}

struct Kept {
    answer: Answer,
    fresh: u64,
    revalidate: u64,
    stale: u64,
}

impl Model {
    fn fetch(&mut self, key: u8, backend: Backend) -> Answer {
        self.fetches += 1;
        let answer = match backend {
            Backend::Value => Ok(Some(self.fetches)),
            Backend::Nothing => Ok(None),
            Backend::Broken => Err(format!("fetch {}", self.fetches)),
        };
        let value = matches!(answer, Ok(Some(_)));
        let old_is_good =
            self.kept.get(&key).is_some_and(|kept| kept.answer.is_ok() && self.now < kept.stale);
        if answer.is_ok() || !old_is_good {
            let fresh = self.now + if value { TTL } else { NEGATIVE };
            let (revalidate, stale) =
                if value { (fresh + REVALIDATE, fresh + STALE) } else { (fresh, fresh) };
            self.kept.insert(key, Kept { answer: answer.clone(), fresh, revalidate, stale });
        }
        answer
    }

    fn ask(&mut self, ask: Ask, backend: Backend) -> Answer {
        match ask {
            Ask::Invalidate(key) => {
                self.kept.remove(&key);
                Ok(None)
            }
            Ask::Clear => {
                self.kept.clear();
                Ok(None)
            }
            Ask::Refresh(key) => self.fetch(key, backend),
            Ask::Get(key) => {
                let old = self
                    .kept
                    .get(&key)
                    .map(|kept| (kept.answer.clone(), kept.fresh, kept.revalidate, kept.stale));
                match old {
                    Some((answer, fresh, ..)) if self.now < fresh => answer,
                    Some((answer, _, revalidate, _)) if self.now < revalidate => {
                        let _ = self.fetch(key, backend);
                        answer
                    }
                    Some((answer, _, _, stale)) if self.now < stale => {
                        match self.fetch(key, backend) {
                            Err(_) => answer,
                            new => new,
                        }
                    }
                    _ => self.fetch(key, backend),
                }
            }
        }
    }
}

/// SplitMix64: histories that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// `REWARM_MODEL_SEQUENCES` runs more than the 2,000 of every day.
#[tokio::test]
async fn random_histories_answer_as_the_model_does() {
    let sequences = std::env::var("REWARM_MODEL_SEQUENCES").map_or(2_000, |n| n.parse().unwrap());
    let mut container = ask::container().await;
    let mut model = Model::default();
    FETCHES.store(0, SeqCst);
    for seed in 0..sequences {
        let mut random = Random(seed);
        let mut backend = Backend::Value;
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
                backend = [Backend::Value, Backend::Value, Backend::Nothing, Backend::Broken]
                    [random.below(4) as usize];
                BACKEND.store(backend as u64, SeqCst);
            }
            let key = random.below(3) as u8;
            let ask = match random.below(12) {
                0 => Ask::Invalidate(key),
                1 | 2 => Ask::Refresh(key),
                3 => Ask::Clear,
                _ => Ask::Get(key),
            };
            let expected = model.ask(ask, backend);
            let answer: Answer = match container.invoke(serde_json::to_value(ask).unwrap()).await {
                Ok(value) => Ok(serde_json::from_value(value).unwrap()),
                Err(error) => Err(error.error_message),
            };
            history.push(format!(
                "wall +{wall}, monotonic +{monotonic}, {ask:?} with backend {}",
                backend as u8
            ));
            assert_eq!(answer, expected, "seed {seed}, after {history:#?}");
        }
        // Nothing is left that nobody may be given any more.
        let alive =
            model.kept.values().filter(|kept| model.now < kept.stale.max(kept.revalidate)).count();
        assert_eq!(look_up::stats().entries, alive, "seed {seed}, after {history:#?}");
        BACKEND.store(0, SeqCst);
    }
}
