//! Names that the expansion uses too, that the prelude has, and that other items have.
#![deny(warnings)]

use std::sync::Arc;

use rewarm::{cached, handler, init};

#[init]
async fn get() -> u8 {
    1
}

#[init]
async fn rebuild(get: &u8) -> u8 {
    *get
}

#[init]
fn vec() -> Vec<u8> {
    vec![1]
}

#[init]
async fn private(vec: &Vec<u8>) -> u8 {
    vec[0]
}

#[init]
static DEPTH: u8 = 1;

#[cached(ttl = "5m")]
async fn peek() -> u8 {
    1
}

#[cached(ttl = "5m")]
async fn refresh(key: u8, held: &str, value: u8, #[skip] query: &str, #[from] get: &u8) -> u8 {
    key + held.len() as u8 + value + query.len() as u8 + *get
}

#[cached(ttl = "5m")]
fn invalidate(mut n: u8, fetch: u8) -> u8 {
    n += fetch;
    n
}

#[cached(ttl = "5m")]
async fn stats(_sku: &str) -> u8 {
    1
}

mod nested {
    pub mod shop {
        use rewarm::init;

        #[init]
        pub(crate) async fn get(#[from(super::super::get)] outer: &u8) -> u8 {
            *outer
        }
    }

    pub mod shop_too {
        #[rewarm::init]
        pub(in crate::nested) async fn get() -> u8 {
            1
        }
    }

    pub async fn inner() -> u8 {
        *shop_too::get().await.unwrap_or_default()
    }
}

// Patterns, `mut`, `_`, and names that stand in the expansion.
#[handler]
async fn run(
    (mut first, _): (u8, u8),
    context: rewarm::Context,
    mut get: Arc<u8>,
    #[from(nested::shop::get)] _: &u8,
    #[from(rebuild)] __held: &u8,
    #[from(DEPTH)] &depth: &u8,
) -> Result<u8, std::convert::Infallible> {
    first += depth;
    *Arc::make_mut(&mut get) += 1;
    let inner = async move { first + *get + *__held }.await;
    Ok(inner + nested::inner().await + context.request_id.len() as u8)
}

// A resource, though its type is called as the one of Lambda.
#[derive(Clone)]
pub struct Context(u8);

#[init]
fn tenant() -> Context {
    Context(1)
}

#[handler]
async fn of_tenant(_event: u8, #[from(tenant)] context: Context) -> u8 {
    context.0
}

fn main() -> std::process::ExitCode {
    run::run()
}
