//! A crate that allows nothing.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

/// Resources.
pub mod resources {
    use rewarm::init;

    /// A number.
    #[init]
    pub fn number() -> u8 {
        1
    }

    /// A text.
    #[init(lazy)]
    pub static TEXT: String = String::from_utf8(vec![b'a'])?;

    /// A static that waits.
    #[init(timeout = "1s")]
    pub static LATER: u8 = async { 1 }.await;

    /// Another one.
    #[init(retry_after = "1s")]
    pub async fn sum(number: &u8, #[from(TEXT)] text: &String) -> Result<usize, std::io::Error> {
        Ok(usize::from(*number) + text.len())
    }
}

/// A cached text.
///
/// # Errors
/// Never.
#[rewarm::cached(ttl = "5m", negative_ttl = "1s")]
pub async fn text(#[from(resources::sum)] sum: &usize, n: u8) -> Result<Option<String>, rewarm::Error> {
    Ok(Some(format!("{sum}{n}")))
}

/// A handler.
///
/// # Errors
/// If the text cannot be had.
#[rewarm::handler]
pub async fn answer(
    event: u8,
    #[from(resources::sum)] sum: &usize,
) -> Result<String, rewarm::Error> {
    Ok(text(event).await?.unwrap_or_default() + &sum.to_string())
}

fn main() {}
