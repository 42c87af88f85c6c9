//! The levels of lints on a cached function apply to everything that callers see, and to its body.
#![deny(warnings, missing_docs, unreachable_pub, rust_2018_idioms, unfulfilled_lint_expectations)]

use rewarm::cached;

#[allow(missing_docs)]
#[cached(ttl = "5m")]
pub fn allowed() -> u8 {
    1
}

#[cached(ttl = "5m")]
#[expect(missing_docs, unused_variables, reason = "one is fulfilled by callers, one by the body")]
pub async fn expected(key: u8) -> u8 {
    1
}

#[cached(ttl = "5m")]
#[cfg_attr(all(), allow(missing_docs), cfg_attr(all(), expect(unused_mut)))]
pub async fn conditional(key: u8) -> u8 {
    let mut n = key;
    n
}

#[cached(ttl = "5m")]
#[expect(non_snake_case)]
fn arguments(SKU: &str, #[skip] Day: u8) -> usize {
    SKU.len() + usize::from(Day)
}

#[cached(ttl = "5m")]
fn on_arguments(
    #[allow(non_snake_case)] SKU: &str,
    #[expect(unused_variables)] unused: u8,
    #[expect(non_snake_case)]
    #[skip]
    Day: u8,
) -> usize {
    SKU.len() + usize::from(Day)
}

#[expect(non_snake_case)]
#[cached(ttl = "5m")]
fn Upper(n: u8) -> u8 {
    n
}

#[cached(ttl = "5m")]
#[cfg_attr(all(), doc = "Documented.", deprecated(note = "use `allowed`"), must_use)]
pub fn documented(n: u8) -> u8 {
    n
}

#[cached(ttl = "5m")]
#[doc(hidden)]
pub fn hidden() -> u8 {
    1
}

#[cached(ttl = "5m")]
#[cfg(any())]
pub fn absent() -> NoSuchType {}

/// A type that is private.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Private(u8);

/// More private than the function.
#[cached(ttl = "5m")]
#[expect(private_interfaces)]
pub fn interface(key: Private, other: &Private) -> Private {
    Private(key.0 + other.0)
}

/// On its way out.
#[deprecated]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Old(u8);

/// In a function that may use it.
#[cached(ttl = "5m")]
#[expect(deprecated)]
pub async fn uses_deprecated(key: Old, #[skip] other: &Old) -> Result<Old, rewarm::Error> {
    Ok(Old(key.0 + other.0 + documented(1)))
}

mod private {
    #[expect(unreachable_pub)]
    #[rewarm::cached(ttl = "5m")]
    pub fn unreachable(n: u8) -> u8 {
        n
    }
}

fn main() {
    let _ = (arguments("", 1), on_arguments("", 1, 1), Upper(1), private::unreachable(1));
}
