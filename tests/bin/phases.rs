//! A function with slow and failing resources in INIT, a restore from a snapshot, and hooks at
//! SHUTDOWN. The environment selects them.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use rewarm::{Error, handler, init};
use serde_json::Value;

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

async fn close_base(base: &u64) {
    if is_set("CLOSE_TO_STDERR") {
        eprintln!("closed base {base}");
    } else {
        println!("closed base {base}");
    }
}

/// Fails from its second build on if `BREAK_RESTORE` is set.
#[init(close = close_base)]
async fn base() -> Result<u64, Error> {
    static BUILDS: AtomicU64 = AtomicU64::new(0);
    let build = BUILDS.fetch_add(1, SeqCst) + 1;
    if build > 1 && is_set("BREAK_RESTORE") {
        return Err(Error::msg("the snapshot's connection is dead"));
    }
    Ok(build)
}

async fn close_top(_: &u64) {
    if !is_set("CLOSE_TO_STDERR") {
        println!("closing top");
    }
    if is_set("HANG_CLOSE") {
        std::future::pending::<()>().await;
    }
}

#[init(close = close_top)]
async fn top(base: &u64) -> u64 {
    base * 10
}

/// Takes `SLOW_MS` milliseconds.
#[init]
async fn slow() -> Result<u64, Error> {
    let millis = std::env::var("SLOW_MS").map_or(Ok(0), |text| text.parse())?;
    if is_set("BREAK_INIT") {
        return Err(Error::msg("the other region is down"));
    }
    tokio::time::sleep(Duration::from_millis(millis)).await;
    if !is_set("CLOSE_TO_STDERR") {
        println!("slow is ready");
    }
    Ok(millis)
}

#[init(restore = keep)]
async fn kept() -> u64 {
    static BUILDS: AtomicU64 = AtomicU64::new(0);
    BUILDS.fetch_add(1, SeqCst) + 1
}

#[handler]
async fn phases(_: Value, base: &u64, top: &u64, slow: &u64, kept: &u64) -> [u64; 4] {
    [*base, *top, *slow, *kept]
}

fn main() -> ExitCode {
    if std::env::var_os("ASYNC_MAIN").is_some() {
        return async_main();
    }
    phases::run()
}

#[tokio::main(flavor = "current_thread")]
async fn async_main() -> ExitCode {
    phases::run()
}
