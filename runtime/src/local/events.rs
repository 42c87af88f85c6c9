//! Where events come from: the command line, or stdin, each line as soon as it is there.

use std::io::{self, BufRead};

/// Takes an event, and says whether it wants more.
type Take<'a> = &'a mut dyn FnMut(Vec<u8>) -> Option<()>;

/// Gives all events to `take`, so many times: those that are given, or else those from stdin.
///
/// # Errors
/// If stdin cannot be read, with the number of the line.
pub(super) fn read(
    given: Option<Vec<Vec<u8>>>,
    repeat: usize,
    take: Take<'_>,
) -> Result<(), String> {
    match given {
        Some(events) => again(&events, repeat, take),
        None => from(&mut io::stdin().lock(), repeat, take)?,
    }
    Ok(())
}

fn again(events: &[Vec<u8>], times: usize, take: Take<'_>) {
    let times = if events.is_empty() { 0 } else { times };
    for event in std::iter::repeat_n(events, times).flatten() {
        if take(event.clone()).is_none() {
            return;
        }
    }
}

/// Every line as it comes, and then all of them again as often as they are to be repeated.
pub(super) fn from(input: &mut dyn BufRead, repeat: usize, take: Take<'_>) -> Result<(), String> {
    let Some(repeat) = repeat.checked_sub(1) else {
        return Ok(());
    };
    let mut kept = Vec::new();
    for n in 1.. {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| format!("stdin, line {n}: {error}"))? == 0 {
            break;
        }
        for event in lines(&line) {
            if repeat > 0 {
                kept.push(event.clone());
            }
            if take(event).is_none() {
                return Ok(());
            }
        }
    }
    again(&kept, repeat, take);
    Ok(())
}

/// The lines of a text that are not blank, whatever bytes they have.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of an input, and how that ends.
    fn read_from(mut input: impl BufRead, repeat: usize) -> (Vec<Vec<u8>>, Result<(), String>) {
        let mut events = Vec::new();
        let outcome = from(&mut input, repeat, &mut |event| {
            events.push(event);
            Some(())
        });
        (events, outcome)
    }

    #[test]
    fn every_line_that_is_not_blank_is_an_event() {
        let text = &b"1\n\n  \r\n\xff\xfe\r\n 2"[..];
        let events = [&b"1"[..], b"\xff\xfe", b" 2"].map(<[u8]>::to_vec);
        assert_eq!(read_from(text, 1), (events.to_vec(), Ok(())));
        assert_eq!(read_from(text, 3), ([&events[..], &events, &events].concat(), Ok(())));
        assert_eq!(lines(text).collect::<Vec<_>>(), events);
    }

    #[test]
    fn an_error_names_its_line() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line is dead"))
            }
        }
        let input = || io::BufReader::new(io::Read::chain(&b"1\n\n2"[..], Broken));
        let error = Err("stdin, line 3: the line is dead".to_owned());
        assert_eq!(read_from(input(), 2), (vec![b"1".to_vec()], error));
        assert_eq!(read_from(input(), 0), (vec![], Ok(())), "nothing is read for nothing");
    }

    #[test]
    fn nothing_is_read_on_when_nobody_wants_it() {
        let mut taken = 0;
        let mut first = |_| {
            taken += 1;
            None
        };
        from(&mut &b"1\n2\n"[..], 2, &mut first).unwrap();
        again(&[b"1".to_vec()], 2, &mut first);
        assert_eq!(taken, 2);
    }
}
