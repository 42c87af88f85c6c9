//! Arguments of macros that look like what is flagged, and are not.
#![deny(warnings)]

use rewarm::{cached, handler};

macro_rules! skip {
    ($($tokens:tt)*) => {};
}

mod own {
    macro_rules! println {
        ($($tokens:tt)*) => {};
    }
    pub(crate) use println;
}

async fn ready(n: u8) -> u8 {
    n
}

#[handler]
async fn selects(_event: u8) -> u8 {
    tokio::select! {
        exit = ready(1) => exit,
        forget = async { |n: u8| n } => forget(2),
        Ok(n) = tokio::spawn(ready(3)) => n,
        else => 4,
    }
}

#[handler]
async fn prints(_event: u8) -> String {
    skip!(std::process::exit(1));
    own::println!(std::process::exit(1));
    let _ = stringify!(std::process::exit(1), Box::leak(b));
    println!("{} {COUNT}", "Box::leak(b)", COUNT = 1);
    println!("{n:>w$}", n = 1, w = 2);
    assert!(matches!(ready(1).await, 1 | 2 if true), "std::process::exit(1)");
    format!("{}", tokio::spawn(ready(1)).await.unwrap_or(1))
}

#[cached(ttl = "5m")]
async fn joins() -> u8 {
    let (a, b) = tokio::join!(tokio::spawn(ready(1)), async { tokio::spawn(ready(2)).await });
    let numbers = vec![
        {
            static TABLE: [u8; 2] = [1, 2];
            TABLE[0]
        };
        2
    ];
    tracing::info!(target: "a", a = ?a, numbers = %numbers.len(), "{}", serde_json::json!({ "leak": [1, null] }));
    a.unwrap_or(1) + b.unwrap_or(2)
}

fn main() {}
