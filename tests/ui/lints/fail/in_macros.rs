//! What stands in the arguments of macros that everybody knows.

use rewarm::{cached, handler, init};

static mut COUNT: u8 = 0;

async fn ready(n: u8) -> u8 {
    n
}

#[handler]
async fn selects(_event: u8) {
    tokio::select! {
        biased;
        _ = ready(1), if std::env::set_current_dir("/").is_ok() => std::process::exit(1),
        n = ready(2) => { drop(tokio::spawn(ready(n))); }
        else => std::process::abort(),
    }
}

#[handler]
async fn prints(_event: u8) {
    println!("{} {n}", Box::leak(Box::new(1)), n = String::from("a").leak());
    assert!(*Box::leak(Box::new(1)) == 1, "no");
    let _ = matches!(ready(1).await, 1 if std::env::set_current_dir("/").is_ok());
    println!("{}", format!("{}", vec![String::leak(String::new())].len()));
}

#[cached(ttl = "5m")]
async fn joins() -> u8 {
    tokio::join!(
        async {
            tokio::spawn(async {});
        },
        async {
            static mut X: u8 = 1;
        },
    );
    1
}

#[init]
fn lists() -> Vec<u8> {
    unsafe {
        println!("{}", {
            COUNT += 1;
            1
        });
    }
    vec![2]
}

#[handler]
async fn answers(_event: u8) -> Vec<u8> {
    serde_json::json!({ "a": { "b": [1, Box::into_raw(Box::new(1)) as usize] } });
    tracing::info!(target: "a", n = %Vec::leak(vec![1]).len(), "{}", std::env::set_current_dir("/").is_ok());
    vec![1]
}

fn main() {}
