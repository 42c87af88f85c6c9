//! `#[cached]` held against a model, and what it costs: random histories, allocations, memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::FutureExt;
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
    /// Errors, and until when they are remembered.
    failed: HashMap<u8, (Answer, u64)>,
}

#[derive(Clone)]
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
        if answer.is_err() {
            self.failed.insert(key, (answer.clone(), self.now + NEGATIVE));
            return answer;
        }
        let value = matches!(answer, Ok(Some(_)));
        let fresh = self.now + if value { TTL } else { NEGATIVE };
        let (revalidate, stale) =
            if value { (fresh + REVALIDATE, fresh + STALE) } else { (fresh, fresh) };
        self.kept.insert(key, Kept { answer: answer.clone(), fresh, revalidate, stale });
        self.failed.remove(&key);
        answer
    }

    fn get(&mut self, key: u8, backend: Backend) -> Answer {
        let (now, kept) = (self.now, self.kept.get(&key).cloned());
        let failed = self.failed.get(&key).filter(|(_, until)| now < *until).cloned();
        match (kept, failed) {
            (Some(kept), _) if now < kept.fresh => kept.answer,
            // It was just found that a fetch fails.
            (Some(kept), Some(_)) if now < kept.revalidate.max(kept.stale) => kept.answer,
            (_, Some((error, _))) => error,
            (Some(kept), None) if now < kept.revalidate => {
                let _ = self.fetch(key, backend);
                kept.answer
            }
            (Some(kept), None) if now < kept.stale => self.fetch(key, backend).or(kept.answer),
            _ => self.fetch(key, backend),
        }
    }

    fn ask(&mut self, ask: Ask, backend: Backend) -> Answer {
        match ask {
            Ask::Invalidate(key) => {
                self.kept.remove(&key);
                self.failed.remove(&key);
            }
            Ask::Clear => {
                self.kept.clear();
                self.failed.clear();
            }
            Ask::Refresh(key) => return self.fetch(key, backend),
            Ask::Get(key) => return self.get(key, backend),
        }
        Ok(None)
    }

    /// How many answers may still be given.
    fn alive(&self) -> usize {
        let kept = self.kept.values().filter(|kept| self.now < kept.stale.max(kept.revalidate));
        kept.count() + self.failed.values().filter(|(_, until)| self.now < *until).count()
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
        assert_eq!(look_up::stats().entries, model.alive(), "seed {seed}, after {history:#?}");
        BACKEND.store(0, SeqCst);
    }
}

#[cached(ttl = "1h", max_entries = 1000)]
fn length(text: &str, factor: u64) -> Arc<u64> {
    Arc::new(text.len() as u64 * factor)
}

#[cached(ttl = "1h")]
async fn settings() -> Arc<u64> {
    Arc::new(7)
}

#[cached(ttl = "1h")]
async fn price(sku: &str, parts: &[u8]) -> Result<Arc<u64>, String> {
    Ok(Arc::new(sku.len() as u64 + parts.len() as u64))
}

#[tokio::test]
async fn a_hit_allocates_nothing() {
    let _alone = ask::container().await;
    settings().await;
    price("tea", &[1, 2]).await.unwrap();
    length("tea", 3);
    let counted = allocation_counter::measure(|| {
        assert_eq!(settings().now_or_never().map(|seven| *seven), Some(7));
        assert_eq!(price("tea", &[1, 2]).now_or_never().map(|sum| *sum.unwrap()), Some(5));
        assert_eq!(*length("tea", 3), 9);
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    let counted = allocation_counter::measure(|| drop(length("pot", 3)));
    assert!(counted.count_total > 0, "a miss does: the counter counts");
}

#[tokio::test]
async fn memory_stays_flat_over_a_million_keys() {
    let _alone = ask::container().await;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let ask = |n: u64| {
        length(&n.to_string(), n);
    };
    (0..10_000).for_each(ask);
    let before = resident();
    (10_000..1_000_000).for_each(ask);
    let grown = resident().saturating_sub(before);
    let stats = length::stats();
    assert!(stats.entries <= 1000, "{stats:?}");
    assert!(stats.evictions >= 998_000, "{stats:?}");
    assert!(grown < 4 << 20, "{grown} bytes");
}

mod secrets {
    use super::*;

    pub static DROPPED: AtomicU64 = AtomicU64::new(0);

    /// Says when it is gone, as a secret that zeroises itself does.
    #[derive(Clone)]
    pub struct Secret {
        _held: Arc<Zeroised>,
    }
    struct Zeroised;

    impl Drop for Zeroised {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }

    #[cached(ttl = "5m", jitter = "0%")]
    pub async fn password(user: &str) -> Secret {
        let _ = user;
        Secret { _held: Arc::new(Zeroised) }
    }

    #[handler(report_every = 0)]
    pub async fn use_it(user: Option<String>) {
        if let Some(user) = user {
            password(&user).await;
        }
    }
}

#[tokio::test]
async fn an_expired_secret_is_gone_before_the_next_invocation_asks_for_anything() {
    let mut container = secrets::use_it::container().await;
    container.invoke("ann").await.unwrap();
    container.idle(Duration::from_secs(200));
    container.invoke("bob").await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 0);
    container.idle_wall(Duration::from_secs(100));
    container.invoke(serde_json::Value::Null).await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 1, "ann's");
    container.idle_monotonic(Duration::from_secs(200));
    container.restore().await.unwrap();
    assert_eq!(secrets::DROPPED.load(SeqCst), 2, "a restore drops what is expired, too");
}

mod spread {
    use super::*;

    #[cached(ttl = "100s", jitter = "50%", max_entries = 500)]
    pub fn value(key: u64) -> u64 {
        key
    }

    #[handler(report_every = 0)]
    pub async fn fill(keys: u64) -> u64 {
        (0..keys).map(value).sum()
    }
}

#[tokio::test]
async fn jitter_shortens_lifetimes_by_up_to_its_share() {
    let mut container = spread::fill::container().await;
    container.invoke(500).await.unwrap();
    let mut left = Vec::new();
    for seconds in [49, 26, 24, 1] {
        container.idle(Duration::from_secs(seconds));
        container.invoke(0).await.unwrap();
        left.push(spread::value::stats().entries);
    }
    assert_eq!(left[0], 500, "none before half its time");
    assert!((150..350).contains(&left[1]), "about half after three quarters: {left:?}");
    assert!(left[2] < 50, "{left:?}");
    assert_eq!(left[3], 0, "all at the TTL");
}

/// Wherever it happens, the first time that it is asked for its hash or the tenth.
#[tokio::test]
async fn a_key_that_panics_leaves_the_others_alone() {
    let _alone = ask::container().await;
    static CALM: AtomicU64 = AtomicU64::new(0);

    #[derive(Clone, PartialEq, Eq)]
    struct Moody(u8);
    impl std::hash::Hash for Moody {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            assert!(self.0 != 13 || CALM.fetch_sub(1, SeqCst) != 0, "unlucky");
            state.write_u8(self.0);
        }
    }
    #[cached(ttl = "1h")]
    fn doubled(key: Moody) -> u8 {
        key.0 * 2
    }

    let mut panics = 0;
    for calm in 0..20 {
        CALM.store(calm, SeqCst);
        let asked = std::panic::catch_unwind(|| {
            doubled(Moody(13));
            doubled::invalidate(Moody(13));
        });
        panics += usize::from(asked.is_err());
        assert_eq!((doubled(Moody(1)), doubled(Moody(2))), (2, 4), "calm {calm} times");
    }
    assert!((5..20).contains(&panics), "{panics}");
    CALM.store(100, SeqCst);
    assert_eq!(doubled(Moody(13)), 26);
    assert_eq!(doubled::stats().entries, 3);
}

/// A caller on each of many threads, at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_thousand_callers_of_a_cold_key_share_one_fetch() {
    let _alone = ask::container().await;
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[cached(ttl = "1h")]
    async fn slow(key: u64) -> Result<u64, String> {
        RUNS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        if key == 3 { Err("no three".to_owned()) } else { Ok(key) }
    }

    for key in [1, 2] {
        let callers: Vec<_> = (0..1000).map(|_| tokio::spawn(slow(key))).collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(key));
        }
    }
    assert_eq!(RUNS.load(SeqCst), 2);
    let barrier = Arc::new(tokio::sync::Barrier::new(8));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                slow(3).await
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Err("no three".to_owned()));
    }
    let stats = slow::stats();
    assert_eq!((stats.entries, stats.loads), (2, 2 + stats.load_errors), "errors are not kept");
}
