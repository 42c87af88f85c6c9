//! A function with ten resources.

#[path = "../wait.rs"]
mod wait;

use std::process::ExitCode;

use rewarm::{handler, init};
use wait::wait;

#[init]
async fn first() -> u64 {
    wait().await
}

#[init]
async fn second(first: &u64) -> u64 {
    first + wait().await
}

#[init]
async fn chain(second: &u64) -> u64 {
    second + wait().await
}

#[init]
async fn a() -> u64 {
    wait().await
}

#[init]
async fn b() -> u64 {
    wait().await
}

#[init]
async fn c() -> u64 {
    wait().await
}

#[init]
async fn d() -> u64 {
    wait().await
}

#[init]
async fn e() -> u64 {
    wait().await
}

#[init]
async fn f() -> u64 {
    wait().await
}

#[init]
async fn g() -> u64 {
    wait().await
}

#[handler]
async fn add(
    number: u64,
    chain: &u64,
    a: &u64,
    b: &u64,
    c: &u64,
    d: &u64,
    e: &u64,
    f: &u64,
    g: &u64,
) -> u64 {
    number + chain + a + b + c + d + e + f + g
}

fn main() -> ExitCode {
    add::run()
}
