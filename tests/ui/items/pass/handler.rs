//! The levels of lints on a handler apply to its body, and to the resources that it names.
#![deny(warnings, missing_docs, unreachable_pub, rust_2018_idioms, unfulfilled_lint_expectations)]

use rewarm::{handler, init};

/// On its way out.
#[deprecated]
#[init]
pub fn old() -> u8 {
    1
}

#[allow(missing_docs)]
#[handler]
pub async fn allowed(event: u8) -> u8 {
    event
}

#[handler]
#[expect(missing_docs, unused_variables)]
pub async fn expected(event: u8) -> u8 {
    1
}

#[handler]
#[cfg_attr(all(), allow(missing_docs), expect(unused_mut))]
pub async fn conditional(mut event: u8) -> u8 {
    event
}

#[handler]
#[allow(deprecated)]
async fn injected(event: u8, old: &u8) -> u8 {
    event + *old
}

#[expect(deprecated)]
#[handler]
async fn called(event: u8, old: std::sync::Arc<u8>) -> u8 {
    event + *old + old::get().map_or(0, |old| *old)
}

#[handler]
#[expect(non_snake_case)]
async fn Upper(EVENT: u8) -> u8 {
    EVENT
}

#[handler]
#[cfg_attr(all(), doc = "Documented.", deprecated, must_use)]
pub async fn documented(event: u8) -> u8 {
    event
}

#[handler]
#[doc(hidden)]
pub async fn hidden(event: u8) -> u8 {
    event
}

#[handler]
#[cfg(any())]
pub async fn absent(event: NoSuchType) {}

mod private {
    #[expect(unreachable_pub)]
    #[rewarm::handler]
    pub async fn unreachable(n: u8) -> u8 {
        n
    }
}

fn main() {
    let _ = (injected::run as fn() -> _, called::run as fn() -> _, Upper::run as fn() -> _);
    let _ = private::unreachable::run as fn() -> _;
}
