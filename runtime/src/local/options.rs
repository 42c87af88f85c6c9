//! The command line of the local runner.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::events::lines;
use crate::base::duration;

pub(super) const HELP: &str = "\
Runs a Lambda function locally.

Events are read from stdin, one JSON value per line, unless options provide them:
  --event JSON       An event. Can be repeated.
  --events FILE      A file of events, one JSON value per line. Can be repeated.

Options:
  --repeat N         Run all events N times.
  --idle DURATION    Simulate an idle time such as 10m between invocations, without waiting.
  --concurrency N    Run up to N invocations concurrently.
  --report           Print a report of the container at the end.
  -h, --help         Print this help.

Responses are written to stdout, one JSON value per line, in the order of the events.
The timeline and the log are written to stderr.

The exit code is 1 if INIT or an invocation failed, and 2 if the command line or the events cannot
be read.";

/// The options of the command line.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// The events of the options, in their order; `None` if events are read from stdin.
    pub(super) events: Option<Vec<Vec<u8>>>,
    pub(super) repeat: usize,
    pub(super) idle: Duration,
    pub(super) concurrency: usize,
    pub(super) report: bool,
}

impl Options {
    /// Parses the command line. Returns `None` for `--help`.
    ///
    /// # Errors
    /// The first option that is unknown, lacks its value or has an invalid one.
    pub(super) fn read(mut parser: Parser) -> Result<Option<Self>, Error> {
        let mut options =
            Self { events: None, repeat: 1, idle: Duration::ZERO, concurrency: 1, report: false };
        while let Some(arg) = parser.next()? {
            match arg {
                // An event may be empty or invalid UTF-8: the invocation rejects it, as under
                // Lambda.
                Arg::Long("event") => options.add([parser.value()?.into_encoded_bytes()]),
                Arg::Long("events") => {
                    let file = PathBuf::from(parser.value()?);
                    let bytes = std::fs::read(&file);
                    let bytes =
                        bytes.map_err(|error| format!("--events {}: {error}", file.display()))?;
                    options.add(lines(&bytes));
                }
                Arg::Long("repeat") => options.repeat = number(&mut parser, "--repeat")?,
                Arg::Long("idle") => {
                    let idle = parser.value()?.parse_with(duration::parse);
                    options.idle = idle.map_err(|error| error_of("--idle", error))?;
                }
                Arg::Long("concurrency") => {
                    options.concurrency = number(&mut parser, "--concurrency")?;
                }
                Arg::Long("report") => options.report = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        if options.concurrency == 0 {
            return Err("--concurrency must be at least 1".into());
        }
        Ok(Some(options))
    }

    fn add(&mut self, events: impl IntoIterator<Item = Vec<u8>>) {
        self.events.get_or_insert_default().extend(events);
    }
}

fn number(parser: &mut Parser, option: &str) -> Result<usize, Error> {
    parser.value()?.parse().map_err(|error| error_of(option, error))
}

/// Adds the name of the option to the error of its value.
fn error_of(option: &str, error: Error) -> Error {
    format!("{option}: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Option<Options>, Error> {
        Options::read(Parser::from_args(args))
    }

    #[test]
    fn the_command_line_is_parsed() {
        let args = ["--event", "{}", "--event=", "--event=1", "--repeat", "3", "--idle", "10m"];
        let options = read(&args).unwrap().unwrap();
        assert_eq!(options.events.unwrap(), [&b"{}"[..], b"", b"1"], "an empty event counts");
        assert_eq!((options.repeat, options.idle), (3, Duration::from_secs(600)));
        assert_eq!(read(&["--help"]).unwrap(), None);
        assert_eq!(read(&[]).unwrap().unwrap().events, None, "stdin");
    }

    #[test]
    fn an_error_names_the_option_and_its_fault() {
        for (args, fault) in [
            (&["--evnt", "{}"][..], "--evnt"),
            (&["--idle", "10min"][..], "--idle: cannot parse argument \"10min\": unknown unit"),
            (&["--repeat", "x"][..], "--repeat: cannot parse argument \"x\": invalid digit"),
            (&["--repeat", "-1"][..], "--repeat: cannot parse argument \"-1\": invalid digit"),
            (&["--concurrency="][..], "--concurrency: cannot parse argument \"\""),
            (&["--concurrency", "0"][..], "--concurrency must be at least 1"),
            (&["--event"][..], "--event"),
            (&["--events", "/nowhere"][..], "--events /nowhere: "),
            (&["stray"][..], "stray"),
        ] {
            let error = read(args).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
