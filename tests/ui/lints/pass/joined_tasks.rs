//! Tasks that somebody waits for.
#![deny(warnings)]

use rewarm::{cached, handler, init};
use tokio::task::JoinSet;

async fn work() -> u8 {
    1
}

#[handler]
async fn joined(_event: u8) -> u8 {
    let first = tokio::spawn(work());
    let _guard = tokio::task::spawn_blocking(|| 1);
    let mut set = JoinSet::new();
    set.spawn(work());
    let mut handles = Vec::new();
    handles.push(tokio::spawn(work()));
    tokio::spawn(work()).await.unwrap();
    let _ = tokio::spawn(work()).await;
    drop(tokio::spawn(work()).await);
    std::thread::spawn(|| 1).join().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| 1);
    });
    let (second, _) = tokio::join!(tokio::spawn(work()), tokio::spawn(work()));
    let either = match set.len() {
        1 => tokio::spawn(work()),
        _ => tokio::spawn(async { 2 }),
    };
    let _ = if set.is_empty() { tokio::spawn(work()).await } else { either.await };
    let _: Result<u8, _> = { tokio::spawn(work()) }.await;
    for handle in handles {
        handle.await.unwrap();
    }
    set.join_all().await;
    first.await.unwrap() + second.unwrap()
}

#[cached(ttl = "5m")]
async fn fetched() -> u8 {
    rewarm::defer(async {});
    tokio::spawn(work()).await.unwrap_or(1)
}

// A resource may start what lives as long as the container.
#[init]
async fn background() -> u8 {
    tokio::spawn(work());
    std::mem::forget(String::new());
    1
}

fn main() {}
