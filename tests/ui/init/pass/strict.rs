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

    /// From another number, and a resource that waits.
    ///
    /// # Errors
    /// The number is too large.
    #[init]
    pub fn total(number: &u8, #[from(LATER)] later: &u8) -> Result<u8, rewarm::Error> {
        number.checked_add(*later).ok_or_else(|| rewarm::Error::msg("too large"))
    }

    /// A text.
    #[init(lazy)]
    pub static TEXT: String = String::from_utf8(vec![b'a'])?;

    /// A static that waits.
    #[init(timeout = "1s")]
    pub static LATER: u8 = async { 1 }.await;

    /// Not written yet.
    #[init(lazy)]
    pub static TODO: u8 = todo!();

    /// Nor is this.
    #[init(lazy)]
    pub static TODO_LATER: u8 = {
        async {}.await;
        unimplemented!()
    };

    /// On its way out.
    #[deprecated]
    #[init]
    pub static OLD: u8 = 1;

    /// So is this.
    #[init]
    #[deprecated(note = "use `LATER`")]
    pub static OLD_LATER: u8 = async { 1 }.await;

    /// And this.
    #[deprecated]
    #[init]
    pub async fn old() -> u8 {
        1
    }

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

/// On its way out.
#[deprecated]
#[rewarm::cached(ttl = "5m")]
#[must_use]
pub fn old_text(n: u8) -> String {
    n.to_string()
}

/// So is this.
#[deprecated]
#[rewarm::handler]
pub async fn old_answer(event: u8) -> u8 {
    event
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
