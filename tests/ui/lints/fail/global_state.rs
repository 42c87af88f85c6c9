//! State that one invocation changes and the next one reads.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, RwLock};

use rewarm::{cached, handler, init};

mod counters {
    pub type Counter = std::sync::atomic::AtomicU64;
    pub static REQUESTS: Counter = Counter::new(0);
}

use counters::REQUESTS as RENAMED;

type Hidden = Arc<RwLock<Vec<u8>>>;

// Resources.
#[init]
static CURRENT_USER: Mutex<Option<u64>> = Mutex::new(None);

#[init]
async fn pool() -> Result<Option<Hidden>, rewarm::Error> {
    Ok(None)
}

#[init]
fn pair() -> (u8, tokio::sync::OnceCell<u8>) {
    (1, tokio::sync::OnceCell::new())
}

#[init]
fn foreign() -> Arc<parking_lot::Mutex<u8>> {
    Arc::default()
}

mod parking_lot {
    pub type Mutex<T> = Vec<T>;
}

// Globals that a body names.
static LAST: Mutex<Option<u64>> = Mutex::new(None);
static SEEN: LazyLock<RwLock<Vec<u64>>> = LazyLock::new(Default::default);
static FIRST: OnceLock<u64> = OnceLock::new();
static EACH: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[handler]
async fn answer(event: u64) -> u64 {
    counters::REQUESTS.fetch_add(1, Relaxed);
    counters::REQUESTS.fetch_add(1, Relaxed);
    let remember = || *LAST.lock().unwrap() = Some(event);
    remember();
    println!("{} {}", SEEN.read().unwrap().len(), FIRST.get_or_init(|| event));
    fn nested() -> u64 {
        RENAMED.load(Relaxed)
    }
    SCRATCH.with_borrow_mut(Vec::clear);
    nested()
}

#[cached(ttl = "5m")]
async fn price(sku: u64) -> u64 {
    let counted = async { EACH[0].fetch_add(1, Relaxed) };
    if sku > 1 { counted.await } else { 1 }
}

// Statics in a body.
#[cached(ttl = "5m")]
fn declared() -> u64 {
    static CALLS: counters::Counter = counters::Counter::new(0);
    vec![{
        static IN_ARGUMENTS: Option<Mutex<u8>> = None;
        CALLS.fetch_add(1, Relaxed)
    }][0]
}

fn main() {}
