//! Reads events from the command line, or line by line from stdin.

use std::io::{self, BufRead};

/// Handles an event. Returns `None` if it takes no more events.
type OnEvent<'a> = &'a mut dyn FnMut(Vec<u8>) -> Option<()>;

/// Passes all events `repeat` times to `on_event`. If `events` is `None`, they are read from stdin.
///
/// # Errors
/// The error of stdin, with the number of the line.
pub(super) fn read(
    events: Option<Vec<Vec<u8>>>,
    repeat: usize,
    on_event: OnEvent<'_>,
) -> Result<(), String> {
    match events {
        Some(events) => repeat_all(&events, repeat, on_event),
        None => read_lines(&mut io::stdin().lock(), repeat, on_event)?,
    }
    Ok(())
}

fn repeat_all(events: &[Vec<u8>], repeat: usize, on_event: OnEvent<'_>) {
    // Without this, `--repeat` with a large number and an empty file would spin.
    let repeat = if events.is_empty() { 0 } else { repeat };
    for event in std::iter::repeat_n(events, repeat).flatten() {
        if on_event(event.clone()).is_none() {
            return;
        }
    }
}

/// Passes on every line as soon as it has been read, and then all lines again for each repetition.
pub(super) fn read_lines(
    input: &mut dyn BufRead,
    repeat: usize,
    on_event: OnEvent<'_>,
) -> Result<(), String> {
    let Some(repeat) = repeat.checked_sub(1) else {
        return Ok(());
    };
    let mut events = Vec::new();
    for n in 1.. {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| format!("stdin, line {n}: {error}"))? == 0 {
            break;
        }
        for event in lines(&line) {
            if repeat > 0 {
                events.push(event.clone());
            }
            if on_event(event).is_none() {
                return Ok(());
            }
        }
    }
    repeat_all(&events, repeat, on_event);
    Ok(())
}

/// Returns the lines that are not blank. They may be invalid UTF-8: to reject such an event is up
/// to the invocation, as under Lambda.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the events of an input and the result of reading it.
    fn read_from(mut input: impl BufRead, repeat: usize) -> (Vec<Vec<u8>>, Result<(), String>) {
        let mut events = Vec::new();
        let result = read_lines(&mut input, repeat, &mut |event| {
            events.push(event);
            Some(())
        });
        (events, result)
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
        assert_eq!(read_from(input(), 0), (vec![], Ok(())), "the input was read");
    }

    #[test]
    fn reading_stops_when_no_more_events_are_taken() {
        let mut count = 0;
        let mut take_one = |_| {
            count += 1;
            None
        };
        read_lines(&mut &b"1\n2\n"[..], 2, &mut take_one).unwrap();
        repeat_all(&[b"1".to_vec()], 2, &mut take_one);
        assert_eq!(count, 2);
    }
}
