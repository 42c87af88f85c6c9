use std::sync::Mutex;

use rewarm::{cached, handler, init};

#[init]
async fn resource() -> u8 {
    let lock = Mutex::new(1);
    let guard = lock.lock().unwrap();
    tokio::task::yield_now().await;
    *guard
}

#[cached(ttl = "5m")]
async fn fetched(_sku: &str) -> u8 {
    let shared = std::rc::Rc::new(1);
    tokio::task::yield_now().await;
    *shared
}

#[handler]
async fn answer(_event: u8) -> u8 {
    let lock = Mutex::new(1);
    let guard = lock.lock().unwrap();
    tokio::task::yield_now().await;
    *guard
}

fn main() {}
