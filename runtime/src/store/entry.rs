//! The format of an entry: a line of fixed width, and the value as JSON. `redis-cli GET` shows both.
//!
//! ```text
//! rewarm1 1790000000000 some 0000000003
//! 540
//! ```
//!
//! The line has the version of the format, the time at which the fetch began, `some` or `none`, and
//! the length of the JSON, without which a truncated number would be another number.

use std::fmt::{self, Debug, Display};

use bytes::Bytes;

/// The first word: the name and the version of the format.
pub(super) const MARK: &str = "rewarm1 ";
/// The width of the time. Redis' scripts read it at this place.
pub(super) const TIME_WIDTH: usize = 13;
/// The last time that fits, in the year 2286.
const MAX_TIME: u64 = 10_u64.pow(TIME_WIDTH as u32) - 1;
/// The length of the first line.
const HEADER: usize = MARK.len() + TIME_WIDTH + " some ".len() + LENGTH_WIDTH + 1;
const LENGTH_WIDTH: usize = 10;

/// An entry of a store: a value as JSON, and the time at which its fetch began.
///
/// It is kept as the text that stores contain, so that neither reading nor writing copies a large
/// value. A clone shares the text.
///
/// ```
/// use rewarm::store::Entry;
///
/// let entry = Entry::new(1_790_000_000_000, false, b"540");
/// assert_eq!(entry.as_bytes(), b"rewarm1 1790000000000 some 0000000003\n540");
/// assert_eq!(Entry::decode(entry.as_bytes().to_vec()).unwrap(), entry);
/// assert!(Entry::decode(b"rewarm1 1790000000000 some 0000000003\n54".to_vec()).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    text: Bytes,
    fetched_ms: u64,
    is_none: bool,
}

impl Entry {
    /// Creates the entry of a value. `fetched_ms` is the wall-clock time at which its fetch began,
    /// in milliseconds since 1970, and `is_none` is true if the function returned `None`.
    pub fn new(fetched_ms: u64, is_none: bool, json: &[u8]) -> Self {
        let fetched_ms = fetched_ms.min(MAX_TIME);
        let flag = if is_none { "none" } else { "some" };
        let header = format!("{MARK}{fetched_ms:013} {flag} {:010}\n", json.len());
        let mut text = Vec::with_capacity(header.len() + json.len());
        text.extend_from_slice(header.as_bytes());
        text.extend_from_slice(json);
        Self { text: text.into(), fetched_ms, is_none }
    }

    /// Returns the time at which the fetch began, in milliseconds since 1970.
    pub fn fetched_ms(&self) -> u64 {
        self.fetched_ms
    }

    /// True if the function returned `None`.
    pub fn is_none(&self) -> bool {
        self.is_none
    }

    /// Returns the value as JSON.
    pub fn json(&self) -> &[u8] {
        self.text.get(HEADER..).unwrap_or_default()
    }

    /// Returns the text that a store keeps. It is UTF-8 if the value is JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Reads the text that a store kept. The value itself is not examined.
    ///
    /// # Errors
    /// If the text is no entry, is truncated, or has a later version of the format. To a store this
    /// is a miss.
    pub fn decode(text: Vec<u8>) -> Result<Self, InvalidEntry> {
        let invalid = |reason| Err(InvalidEntry(reason));
        if !text.starts_with(MARK.as_bytes()) {
            let other_version = text.starts_with(&MARK.as_bytes()[..MARK.len() - 2]);
            return invalid(if other_version { "another version" } else { "no entry" });
        }
        let Some((header, json)) = text.split_at_checked(HEADER) else {
            return invalid("truncated");
        };
        let rest = &header[MARK.len()..];
        let (time, rest) = rest.split_at(TIME_WIDTH);
        let (flag, rest) = rest.split_at(" some ".len());
        let (length, end) = rest.split_at(LENGTH_WIDTH);
        let is_none = match flag {
            b" some " => false,
            b" none " => true,
            _ => return invalid("no entry"),
        };
        let (Some(fetched_ms), Some(length), b"\n") = (digits(time), digits(length), end) else {
            return invalid("no entry");
        };
        if length != json.len() as u64 {
            return invalid("truncated");
        }
        Ok(Self { text: text.into(), fetched_ms, is_none })
    }
}

/// The value is left out: it may be confidential.
impl Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("fetched_ms", &self.fetched_ms)
            .field("is_none", &self.is_none)
            .field("json_bytes", &self.json().len())
            .finish()
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number: u64, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// The error of a text that is no [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEntry(&'static str);

impl Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text of the entry is invalid: {}", self.0)
    }
}

impl std::error::Error for InvalidEntry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for json in [&b""[..], b"null", b"\"\xc3\xa9\n\"", &[b'x'; 1_000_000]] {
            for is_none in [false, true] {
                for time in [0, 1, 1_790_000_000_000, MAX_TIME] {
                    let entry = Entry::new(time, is_none, json);
                    let read = Entry::decode(entry.as_bytes().to_vec()).unwrap();
                    assert_eq!(read, entry);
                    assert_eq!((read.fetched_ms(), read.is_none()), (time, is_none));
                    assert_eq!(read.json(), json);
                }
            }
        }
        assert_eq!(Entry::new(u64::MAX, false, b"1").fetched_ms(), MAX_TIME);
    }

    #[test]
    fn every_truncation_and_every_change_of_the_header_is_noticed() {
        let entry = Entry::new(1_790_000_000_000, false, b"123456");
        let text = entry.as_bytes();
        for length in 0..text.len() {
            assert!(Entry::decode(text[..length].to_vec()).is_err(), "{length} bytes");
        }
        assert!(Entry::decode([text, b"7"].concat()).is_err());
        for at in 0..HEADER {
            for byte in [0, b' ', b'\n', b'-', b'x', 0xff] {
                let mut changed = text.to_vec();
                changed[at] = byte;
                let is_same = changed == text;
                assert_eq!(Entry::decode(changed).is_ok(), is_same, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn the_errors_name_the_fault() {
        let error = |text: &str| Entry::decode(text.into()).unwrap_err().to_string();
        assert!(error("rewarm2 x").ends_with("another version"));
        assert!(error("rewarm1 17").ends_with("truncated"));
        assert!(error("OK").ends_with("no entry"));
        assert!(error("").ends_with("no entry"));
    }

    #[test]
    fn debug_does_not_print_the_value() {
        let text = format!("{:?}", Entry::new(5, false, b"\"sesame\""));
        assert_eq!(text, "Entry { fetched_ms: 5, is_none: false, json_bytes: 8 }");
    }
}
