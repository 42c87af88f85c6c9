use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};

use rewarm::handler;

static NAMED: AtomicU64 = AtomicU64::new(0);

#[handler]
async fn names_it(event: u64) -> u64 {
    NAMED.fetch_add(event, Ordering::Relaxed)
}

// A second handler with the same global: still one error.
#[handler]
async fn names_it_too(event: u64) -> u64 {
    NAMED.fetch_add(event, Ordering::Relaxed)
}

mod cache {
    use super::*;

    type Shared<T> = LazyLock<Mutex<T>>;

    static PRICES: Shared<HashMap<u64, u64>> = LazyLock::new(Mutex::default);

    pub struct Prices;

    impl Prices {
        pub fn get(&self, id: u64) -> Option<u64> {
            PRICES.lock().unwrap().insert(id, id)
        }
    }
}

#[handler]
async fn through_a_method(event: u64) -> Option<u64> {
    cache::Prices.get(event)
}

thread_local! {
    static MODE: Cell<u8> = const { Cell::new(0) };
}

macro_rules! mode {
    ($mode:expr) => {
        MODE.replace($mode)
    };
}

#[handler]
async fn through_a_macro(event: u8) -> u8 {
    mode!(event)
}

struct Visits {
    by_user: RefCell<u64>,
}

struct Guarded(Visits);
unsafe impl Sync for Guarded {}

static VISITS: Guarded = Guarded(Visits { by_user: RefCell::new(0) });

fn visit() -> u64 {
    VISITS.0.by_user.replace(1)
}

#[handler]
async fn in_a_type_of_ones_own(event: u64) -> u64 {
    event + visit()
}

static USER: OnceLock<String> = OnceLock::new();

fn user(name: &str) -> &'static str {
    USER.get_or_init(|| name.to_owned())
}

#[handler]
async fn filled_by_the_first(event: String) -> usize {
    user(&event).len()
}

static mut TOTAL: u64 = 0;

fn total() -> u64 {
    unsafe { TOTAL }
}

#[handler]
async fn reads_a_static_mut(event: u64) -> u64 {
    event + total()
}

static DB_PASSWORD: OnceLock<String> = OnceLock::new();

fn password() -> usize {
    DB_PASSWORD.get_or_init(|| "secret".to_owned()).len()
}

#[handler]
async fn keeps_a_secret(event: usize) -> usize {
    event + password()
}

fn main() {}
