//! Globals that no invocation can change, and state that invocations are meant to share.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use rewarm::{cached, handler, init};

const MAX: usize = 3;
static ROUTES: [(&str, fn(&str) -> usize); 1] = [("a", str::len)];
static RULES: &[&(dyn Fn(u8) -> u8 + Sync)] = &[&|n| n];
static WORDS: LazyLock<HashMap<&str, u8>> = LazyLock::new(HashMap::new);
static NAME: LazyLock<String> = LazyLock::new(String::new);
static FORMATS: LazyLock<Vec<Box<dyn Fn() + Send + Sync>>> = LazyLock::new(Vec::new);
static FILLED_IN_MAIN: OnceLock<u8> = OnceLock::new();

thread_local! {
    static CONSTANT: u8 = const { 1 };
}

#[init(allow(global_state))]
static SERVED: AtomicU64 = AtomicU64::new(0);

#[init]
static GREETING: String = std::env::var("HOME")?;

#[init]
async fn later() -> u8 {
    // An initialiser runs once.
    static BUILDS: AtomicU64 = AtomicU64::new(0);
    BUILDS.fetch_add(1, Relaxed) as u8
}

// What looks like state and is none, or is meant to be shared.
#[init]
fn dynamic() -> Arc<dyn Fn() + Send + Sync> {
    Arc::new(|| ())
}

#[init]
fn limit() -> tokio::sync::Semaphore {
    tokio::sync::Semaphore::new(1)
}

#[init]
fn sender() -> (tokio::sync::mpsc::Sender<u8>, Arc<str>) {
    (tokio::sync::mpsc::channel(8).0, "a".into())
}

#[init(allow(global_state))]
fn shared() -> Mutex<u8> {
    Mutex::new(1)
}

#[derive(Clone, Copy, PartialEq)]
#[allow(clippy::upper_case_acronyms)]
enum Method {
    GET,
    POST(u8),
}

// Names that the check uses itself.
struct Resource(u8);
struct Global;

struct Limits<const N: usize>;

impl<const N: usize> Limits<N> {
    const ALL: usize = N;
    fn both() -> usize {
        N + Self::ALL
    }
}

#[handler]
async fn answer(event: u64) -> usize {
    use Method::{GET, POST};
    static LOCAL_RULE: Resource = Resource(1);
    static MARK: Global = Global;
    let Global = MARK;
    const HALF: AtomicU64 = AtomicU64::new(1);
    fn nested<const N: usize, T: Into<u8> + Copy>(value: T) -> [u8; 2] {
        [value.into(), N as u8]
    }
    let method = if event > 1 { GET } else { POST(1) };
    #[allow(non_snake_case)]
    let LOCAL = Mutex::new(1);
    let local = *LOCAL.lock().unwrap();
    let sum = const { MAX + 1 } + [0; { MAX }].len() + nested::<MAX, u8>(1).len();
    match event as usize {
        MAX => 1,
        _ if method == Method::GET => Limits::<MAX>::both() + i32::MAX as usize,
        _ => {
            SERVED.fetch_add(HALF.into_inner(), Relaxed);
            let text = format!("{} {}", GREETING.len(), CONSTANT.with(|one| *one));
            let last = FORMATS.len() + RULES[0](1) as usize + usize::from(WORDS.contains_key("a"));
            let filled = FILLED_IN_MAIN.get().copied().unwrap_or_default();
            text.len() + last + local + sum + ROUTES[0].1(&NAME) + usize::from(filled + LOCAL_RULE.0)
        }
    }
}

#[cached(ttl = "5m", allow(global_state))]
async fn counted() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    CALLS.fetch_add(1, Relaxed)
}

fn main() {}
