//! What a user gives the local runner: its command line, durations and events.
//!
//! The lines of an input up to an empty one are the arguments; the rest is stdin.
#![no_main]

use base::duration;
use libfuzzer_sys::{Corpus, fuzz_target};

#[path = "../../runtime/src/base"]
mod base {
    pub(crate) mod duration;
}

/// The parts of the local runner that read, where they are in the crate.
#[path = "../../runtime/src/local"]
mod local {
    mod events;
    #[expect(dead_code, reason = "its help is printed, and its report made, by the runner")]
    mod options;

    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use options::Options;

    /// Enough to see that they come again, whatever `--repeat` says.
    const MOST: usize = 1000;

    /// The command line is read or refused, and all events come in order, as often as it says.
    pub(crate) fn read(args: &[&[u8]], stdin: &[u8]) {
        let args = args.iter().map(|arg| OsString::from_vec(arg.to_vec()));
        let options = match Options::read(lexopt::Parser::from_args(args)) {
            Ok(Some(options)) => options,
            Ok(None) => return,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        assert!(options.concurrency > 0);
        let Options { events: given, repeat, .. } = options;
        if let Some(given) = given {
            let read = taken(MOST, |take| events::read(Some(given.clone()), repeat, take));
            assert_eq!(read, repeated(&given, repeat, MOST));
        }
        let lines: Vec<_> = events::lines(stdin).collect();
        assert!(lines.iter().all(|line| !line.trim_ascii().is_empty() && !line.contains(&b'\n')));
        for most in [1, MOST] {
            let read = taken(most, |take| events::read_lines(&mut &*stdin, repeat, take));
            assert_eq!(read, repeated(&lines, repeat, most));
        }
    }

    /// What is read if no more than so many are wanted.
    fn taken(
        most: usize,
        read: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> Option<()>) -> Result<(), String>,
    ) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        let mut take = |event| {
            assert!(events.len() < most, "no line is read after the last event that was wanted");
            events.push(event);
            (events.len() < most).then_some(())
        };
        assert_eq!(read(&mut take), Ok(()));
        events
    }

    fn repeated(events: &[Vec<u8>], times: usize, most: usize) -> Vec<Vec<u8>> {
        // Nothing is repeated more often than there is room for.
        let times = times.min(most);
        std::iter::repeat_n(events, times).flatten().take(most).cloned().collect()
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let (args, stdin) = match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (input, &b""[..]),
    };
    let args: Vec<_> = args.split(|byte| *byte == b'\n').collect();
    // No files are read here; their lines are read as those of stdin are.
    if args.iter().any(|arg| arg.starts_with(b"--events")) {
        return Corpus::Reject;
    }
    for arg in &args {
        // An option with its value in one, or a value alone.
        let value = arg.strip_prefix(b"--idle=").unwrap_or(arg);
        if let Ok(value) = str::from_utf8(value) {
            duration(value);
        }
    }
    local::read(&args, stdin);
    Corpus::Keep
});

/// A duration is read or refused with a word on how it is written; one that is read is a number of
/// milliseconds, and is read again as that.
fn duration(text: &str) {
    match duration::parse(text) {
        Ok(read) => {
            let millis = format!("{}ms", read.as_millis());
            assert_eq!(duration::parse(&millis), Ok(read), "{text:?}");
        }
        Err(error) => assert!(error.contains(duration::HOW), "{error}"),
    }
}
