//! The command line of the local runner.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Error, Parser, ValueExt};

use super::events::lines;
use crate::base::duration;

pub(super) const HELP: &str = "\
Runs a Lambda function without Lambda.

Events are read from stdin, one JSON a line, or given by:
  --event JSON       one event; may be given several times
  --events FILE      one JSON a line; may be given several times
  --repeat N         all of them N times

  --idle DURATION    time that passes between two invocations, as 10m; nobody waits for it
  --concurrency N    so many invocations at a time
  --report           the container's report at the end
  --help             this

Answers go to stdout, one JSON a line, in the order of the events. A timeline goes to stderr.
The exit code is 1 if an invocation failed, 2 if the command line is wrong.";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// The events that it gives, in that order; `None` if they come from stdin.
    pub(super) given: Option<Vec<Vec<u8>>>,
    pub(super) repeat: usize,
    pub(super) idle: Duration,
    pub(super) concurrency: usize,
    pub(super) report: bool,
}

impl Options {
    /// `None` if help was asked for.
    pub(super) fn read(mut parser: Parser) -> Result<Option<Self>, Error> {
        let mut options =
            Self { given: None, repeat: 1, idle: Duration::ZERO, concurrency: 1, report: false };
        while let Some(arg) = parser.next()? {
            match arg {
                // Whatever it is, it is meant: an empty one, too, or one that is not UTF-8.
                Arg::Long("event") => options.give([parser.value()?.into_encoded_bytes()]),
                Arg::Long("events") => {
                    let file = PathBuf::from(parser.value()?);
                    let bytes = std::fs::read(&file);
                    let bytes =
                        bytes.map_err(|error| format!("--events {}: {error}", file.display()))?;
                    options.give(lines(&bytes));
                }
                Arg::Long("repeat") => options.repeat = number(&mut parser, "--repeat")?,
                Arg::Long("idle") => {
                    let idle = parser.value()?.parse_with(duration::parse);
                    options.idle = idle.map_err(|error| of("--idle", error))?;
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
            return Err("--concurrency 0 runs nothing; the least is 1".into());
        }
        Ok(Some(options))
    }

    fn give(&mut self, events: impl IntoIterator<Item = Vec<u8>>) {
        self.given.get_or_insert_default().extend(events);
    }
}

fn number(parser: &mut Parser, option: &str) -> Result<usize, Error> {
    parser.value()?.parse().map_err(|error| of(option, error))
}

/// An error of an option's value, with the option.
fn of(option: &str, error: Error) -> Error {
    format!("{option}: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Option<Options>, Error> {
        Options::read(Parser::from_args(args))
    }

    #[test]
    fn the_command_line_is_read() {
        let args = ["--event", "{}", "--event=", "--event=1", "--repeat", "3", "--idle", "10m"];
        let options = read(&args).unwrap().unwrap();
        assert_eq!(options.given.unwrap(), [&b"{}"[..], b"", b"1"], "an empty event is one");
        assert_eq!((options.repeat, options.idle), (3, Duration::from_secs(600)));
        assert_eq!(read(&["--help"]).unwrap(), None);
        assert_eq!(read(&[]).unwrap().unwrap().given, None, "stdin");
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (args, fault) in [
            (&["--evnt", "{}"][..], "--evnt"),
            (&["--idle", "10min"][..], "--idle: cannot parse argument \"10min\": unknown unit"),
            (&["--repeat", "x"][..], "--repeat: cannot parse argument \"x\": invalid digit"),
            (&["--repeat", "-1"][..], "--repeat: cannot parse argument \"-1\": invalid digit"),
            (&["--concurrency="][..], "--concurrency: cannot parse argument \"\""),
            (&["--concurrency", "0"][..], "the least is 1"),
            (&["--event"][..], "--event"),
            (&["--events", "/nowhere"][..], "--events /nowhere: "),
            (&["stray"][..], "stray"),
        ] {
            let error = read(args).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
