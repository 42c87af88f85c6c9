//! Clippy has no warnings for functions whose form an attribute requires, and its levels on an item
//! apply as on a plain function.
#![deny(
    unfulfilled_lint_expectations,
    clippy::pedantic,
    clippy::missing_const_for_fn,
    clippy::unused_async,
    clippy::used_underscore_binding
)]

use super::*;

#[init]
async fn one() -> u8 {
    1
}

#[init]
fn two() -> u8 {
    2
}

#[cached(ttl = "5m")]
async fn three(_unused: u8, #[skip] _passed: &str) -> u8 {
    3
}

#[cached(ttl = "5m")]
fn four(_unused: &str) -> u8 {
    4
}

#[handler]
async fn sum(_event: u8, one: &u8, two: &u8) -> u8 {
    *one + *two
}

#[init]
#[expect(clippy::unused_async, reason = "the levels on an item come last")]
async fn five() -> u8 {
    5
}

#[expect(clippy::missing_const_for_fn)]
#[init]
fn six() -> u8 {
    6
}

#[cached(ttl = "5m")]
#[expect(clippy::unused_async, clippy::many_single_char_names)]
#[expect(clippy::too_many_arguments, reason = "there are eight, of which callers pass seven")]
async fn seven(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    #[skip] e: u8,
    #[skip] f: u8,
    #[skip] g: u8,
    #[from] five: &u8,
) -> u8 {
    a + b + c + d + e * 4 + f * 2 + g + *five
}

#[cached(ttl = "5m")]
#[cfg_attr(all(), expect(clippy::too_many_arguments, clippy::many_single_char_names))]
fn eight(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, #[skip] h: u8) -> u8 {
    a + b + c + d + e + f + g + h
}

#[cached(ttl = "5m")]
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, clippy::option_option)]
fn nine(text: String) -> Result<Option<Option<usize>>, Error> {
    Ok(Some(Some(text.len())))
}

#[handler]
#[expect(clippy::unused_async)]
async fn ten(event: u8, six: &u8) -> u8 {
    event + *six
}

/// Functions of which other crates know.
pub mod public {
    use super::*;

    /// Clippy leaves the signature alone.
    ///
    /// # Errors
    /// Never.
    #[cached(ttl = "5m")]
    pub fn lengths(text: String, linked: Vec<Box<u8>>, #[skip] n: &u8) -> Result<usize, Error> {
        Ok(text.len() + linked.len() + usize::from(*n))
    }

    #[init]
    #[must_use]
    pub fn without_error() -> u8 {
        1
    }

    #[cached(ttl = "5m")]
    #[expect(clippy::must_use_candidate, clippy::missing_panics_doc)]
    pub fn panics(n: Option<u8>) -> u8 {
        n.unwrap()
    }
}

#[tokio::test]
async fn they_return_values() {
    let _turn = outside_containers().await;
    assert_eq!(sum(0, &1, &2).await + three(0, "").await + four(""), 10);
    assert_eq!(seven(1, 1, 1, 1, 3, 2, 1).await, 26);
    assert_eq!(eight(1, 1, 1, 1, 1, 1, 1, 1), 8);
    assert_eq!(nine("text".to_owned()).unwrap(), Some(Some(4)));
    assert_eq!(ten(1, &six().unwrap()).await, 7);
}
