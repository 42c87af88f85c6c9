//! Parses durations such as `1500ms`, `30s`, `2h30m` and `1d`.
//!
//! A proc-macro crate can export macros alone, so that both crates have a copy of this file. A test
//! keeps the copies equal.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
    ("d", 24 * 3600 * 1_000_000_000),
];

/// The notation of a duration, for error messages.
pub(crate) const HOW: &str =
    "numbers with the units ms, s, m, h or d, as in \"1500ms\", \"30s\" or \"2h30m\"";

/// Parses a duration: one or more numbers, each followed by its unit. Their sum is at most 584
/// years, the nanoseconds that fit into a `u64`.
///
/// # Errors
/// The fault and the notation, separated by a semicolon.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = |what: &str| Err(format!("{what} in the duration {text:?}; write {HOW}"));
    let mut rest = text;
    let mut nanos: u64 = 0;
    if rest.is_empty() {
        return wrong("no value");
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.len() - tail.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return wrong("no number");
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return match unit {
                "" => wrong("no unit"),
                _ => wrong(&format!("unknown unit {unit:?}")),
            };
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*scale));
        let Some(sum) = part.and_then(|part| nanos.checked_add(part)) else {
            return Err(format!(
                "the duration {text:?} is longer than 584 years; write a shorter one: \
                 a duration is {HOW}"
            ));
        };
        nanos = sum;
        rest = tail;
    }
    Ok(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("1500ms"), Ok(1.5));
        assert_eq!(seconds("2h30m"), Ok(9000.0));
        assert_eq!(seconds("1d"), Ok(86400.0));
        assert_eq!(seconds("0s"), Ok(0.0));
        assert_eq!(seconds("1m1m"), Ok(120.0));
    }

    #[test]
    fn the_error_names_the_fault_and_the_units() {
        for (text, fault) in [
            ("", "no value"),
            ("5", "no unit"),
            ("5 m", "unknown unit \" m\""),
            ("m", "no number"),
            ("-5s", "no number"),
            ("1.5s", "unknown unit \".\""),
            ("5min", "unknown unit \"min\""),
            ("5µs", "unknown unit \"µs\""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(fault), "{text}: {error}");
            assert!(error.contains("ms, s, m, h or d"), "{error}");
        }
        for text in ["300000d", "99999999999999999999999s"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("longer than 584 years"), "{error}");
            assert!(error.contains("ms, s, m, h or d"), "{error}");
        }
    }

    #[test]
    fn both_copies_are_equal() {
        let copies = [
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../macros/src/duration.rs")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/src/base/duration.rs")),
        ];
        assert_eq!(copies[0], copies[1]);
    }
}
