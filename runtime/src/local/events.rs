//! Where events come from: the command line, or stdin, each line as soon as it is there.

use std::io::{self, BufRead};

use tokio::sync::mpsc;

/// How many events are read ahead.
const AHEAD: usize = 16;

/// An event, or why there are no more.
type Read = Result<Vec<u8>, String>;

/// All events: those that are given, or else those from stdin, so many times. They are read on a
/// thread of their own, since stdin may block for as long as it likes.
pub(super) fn read(given: Option<Vec<Vec<u8>>>, repeat: usize) -> mpsc::Receiver<Read> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let _ = match given {
            Some(events) => again(&sender, &events, repeat),
            None => from(&mut io::stdin().lock(), &sender, repeat),
        };
    });
    receiver
}

/// Sends all events so many times. `None` if nobody wants them any more.
fn again(sender: &mpsc::Sender<Read>, events: &[Vec<u8>], times: usize) -> Option<()> {
    for _ in 0..if events.is_empty() { 0 } else { times } {
        for event in events {
            sender.blocking_send(Ok(event.clone())).ok()?;
        }
    }
    Some(())
}

/// Sends every line as it comes, and all of them again as often as they are to be repeated.
fn from(input: &mut dyn BufRead, sender: &mpsc::Sender<Read>, repeat: usize) -> Option<()> {
    let repeat = repeat.checked_sub(1)?;
    let mut kept = Vec::new();
    for n in 1.. {
        let mut line = Vec::new();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                let _ = sender.blocking_send(Err(format!("stdin, line {n}: {error}")));
                return None;
            }
        }
        for event in lines(&line) {
            if repeat > 0 {
                kept.push(event.clone());
            }
            sender.blocking_send(Ok(event)).ok()?;
        }
    }
    again(sender, &kept, repeat)
}

/// The lines of a text that are not blank, whatever bytes they have.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of an input that has these bytes and then fails.
    fn read_from(text: &'static [u8], repeat: usize, fails: bool) -> Vec<Read> {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line is dead"))
            }
        }
        let (sender, mut receiver) = mpsc::channel(100);
        let _ = match fails {
            true => from(&mut io::BufReader::new(io::Read::chain(text, Broken)), &sender, repeat),
            false => from(&mut &*text, &sender, repeat),
        };
        drop(sender);
        std::iter::from_fn(|| receiver.blocking_recv()).collect()
    }

    #[test]
    fn every_line_that_is_not_blank_is_an_event() {
        let text = b"1\n\n  \r\n\xff\xfe\r\n 2";
        let events = [&b"1"[..], b"\xff\xfe", b" 2"].map(|event| Ok(event.to_vec()));
        assert_eq!(read_from(text, 1, false), events);
        assert_eq!(read_from(text, 3, false), [&events[..], &events, &events].concat());
        assert_eq!(read_from(text, 0, true), [], "nothing is read for nothing");
        assert_eq!(lines(text).map(Ok).collect::<Vec<Read>>(), events);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = Err("stdin, line 3: the line is dead".to_owned());
        assert_eq!(read_from(b"1\n\n2", 2, true), [Ok(b"1".to_vec()), error]);
    }
}
