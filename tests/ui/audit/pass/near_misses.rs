//! Code that looks like state which requests share, and is none.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, Once, OnceLock};

use rewarm::{handler, init};

// Built once, and only read.
static TABLE: [u8; 3] = [1, 2, 3];
static NAMES: LazyLock<HashMap<u8, &str>> = LazyLock::new(|| HashMap::from([(1, "one")]));
static ROUTES: [fn(&Mutex<u8>) -> u8; 1] = [|of| *of.lock().unwrap()];

fn words() -> &'static [&'static str] {
    static WORDS: OnceLock<Vec<&str>> = OnceLock::new();
    WORDS.get_or_init(|| vec!["a", "b"])
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {});
}

// Only set before the first request.
static VERBOSE: AtomicBool = AtomicBool::new(false);
static REGION: OnceLock<String> = OnceLock::new();

// Never named by request code.
static STARTS: AtomicU64 = AtomicU64::new(0);

fn start() {
    STARTS.fetch_add(1, Ordering::Relaxed);
    VERBOSE.store(true, Ordering::Relaxed);
    let _ = REGION.set("eu".to_owned());
}

#[init]
fn number() -> u64 {
    STARTS.fetch_add(1, Ordering::Relaxed)
}

// The same name as a function with state, in another module.
mod other {
    use super::*;

    pub static COUNT: AtomicU64 = AtomicU64::new(0);

    pub struct Meter;

    impl Meter {
        pub fn get(&self) -> u64 {
            COUNT.fetch_add(1, Ordering::Relaxed)
        }
    }
}

const COUNT: usize = 1;

// A resource, which the attribute declares.
#[init]
static SERVED: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
static TESTED: Mutex<u8> = Mutex::new(0);

struct Lock<T>(T);
static LOCK: Lock<u8> = Lock(1);

async fn work() {
    let task = tokio::spawn(async {});
    let _ = task.await;
}

#[handler]
async fn answer(event: u8, number: &u64) -> usize {
    install();
    work().await;
    SERVED.fetch_add(*number, Ordering::Relaxed);
    let count = NAMES.get(&event).map_or(0, |name| name.len()) + COUNT;
    let count = count + usize::from(ROUTES[0](&Mutex::new(event))) + usize::from(LOCK.0);
    if VERBOSE.load(Ordering::Relaxed) {
        println!("{:?}", REGION.get());
    }
    TABLE.len() + words().len() + count
}

fn main() -> ExitCode {
    start();
    other::Meter.get();
    answer::run()
}
