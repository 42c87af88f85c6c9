//! What can be kept and held across an `.await`.
#![deny(warnings)]

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use rewarm::{cached, handler, init};

type Shared = Arc<dyn Fn(u8) -> u8 + Send + Sync>;

#[init]
fn function() -> Shared {
    Arc::new(|n| n)
}

#[init(allow(global_state))]
async fn locked() -> Result<Mutex<RefCell<u8>>, std::io::Error> {
    Ok(Mutex::new(RefCell::new(1)))
}

#[init]
static TEXT: &'static str = "a";

#[init(allow(global_state))]
static NUMBER: std::sync::OnceLock<u8> = std::sync::OnceLock::new();

#[cached(ttl = "5m")]
async fn answer() -> Option<Arc<str>> {
    None
}

#[handler]
async fn dropped(_event: u8, locked: &Mutex<RefCell<u8>>, function: Arc<Shared>) -> u8 {
    let number = {
        let guard = locked.lock().unwrap();
        let number = *guard.borrow();
        number
    };
    let number = {
        let local = std::rc::Rc::new(number);
        *local
    };
    let _ = answer().await;
    let lock = tokio::sync::Mutex::new(1);
    let guard = lock.lock().await;
    tokio::task::yield_now().await;
    function(number) + *guard + NUMBER.get().copied().unwrap_or_default() + u8::from(TEXT.is_empty())
}

fn main() {}
