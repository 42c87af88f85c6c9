//! A level on the item applies to its body and to its signature, and each fault is one error.

use rewarm::{cached, handler, init};

#[init]
#[deny(unused_variables)]
fn resource() -> u8 {
    let unused = 1;
    1
}

#[init]
#[deny(unused_variables)]
static STATIC: u8 = {
    let unused = 1;
    1
};

#[deny(non_snake_case, unused_variables)]
#[cached(ttl = "5m")]
async fn cached_function(SKU: &str, unused: u8) -> usize {
    SKU.len()
}

#[cfg_attr(all(), deny(unused_variables))]
#[handler]
async fn answer(event: u8) -> u8 {
    1
}

#[cached(ttl = "5m")]
#[cfg_attr(all(), deny(non_snake_case))]
fn Conditional(n: u8) -> u8 {
    n
}

#[deny(unfulfilled_lint_expectations)]
#[expect(unused_variables)]
#[cached(ttl = "5m")]
async fn unfulfilled(n: u8) -> u8 {
    n
}

#[init]
#[expect(unused_mut)]
#[deny(unfulfilled_lint_expectations)]
async fn unfulfilled_too() -> u8 {
    1
}


fn main() {}
