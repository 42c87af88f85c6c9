//! The local runner: the same service without Lambda. Events come from the command line, a file or
//! stdin; answers go to stdout, one JSON a line, in order; what happened goes to stderr.

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use lexopt::{Arg, Parser, ValueExt};
use serde_json::value::RawValue;

use crate::clock::CLOCK;
use crate::container::{self, container};
use crate::error::chain;
use crate::event::Context;
use crate::invocation::{self, Event, Handler, InvocationError};
use crate::metrics::emf;
use crate::reply::in_full;
use crate::run::{log_to, measure, runtime};
use crate::snapshot::Start;

const HELP: &str = "\
Runs a Lambda function without Lambda.

Events are read from stdin, one JSON a line, or given by:
  --event JSON       one event; may be given several times
  --events FILE      one JSON a line
  --repeat N         all of them N times

  --idle DURATION    time that passes between two invocations, as 10m; nobody waits for it
  --concurrency N    so many invocations at a time
  --report           the container's report at the end
  --help             this

Answers go to stdout, one JSON a line, in the order of the events. A timeline goes to stderr.
The exit code is 1 if an invocation failed, 2 if the command line is wrong.";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Options {
    events: Vec<String>,
    file: Option<PathBuf>,
    repeat: usize,
    idle: Duration,
    concurrency: usize,
    report: bool,
}

impl Options {
    /// `None` if help was asked for.
    fn read(
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            events: Vec::new(),
            file: None,
            repeat: 1,
            idle: Duration::ZERO,
            concurrency: 1,
            report: false,
        };
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("event") => options.events.push(parser.value()?.string()?),
                Arg::Long("events") => options.file = Some(parser.value()?.into()),
                Arg::Long("repeat") => options.repeat = parser.value()?.parse()?,
                Arg::Long("idle") => {
                    options.idle = parser.value()?.parse_with(crate::duration::parse)?;
                }
                Arg::Long("concurrency") => options.concurrency = parser.value()?.parse()?,
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

    /// Where the events are: what was given, or the lines of stdin.
    fn events(&self) -> Result<Box<dyn Iterator<Item = std::io::Result<String>>>, String> {
        let mut given: Vec<String> = self.events.clone();
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
            given.extend(text.lines().map(str::to_owned));
        }
        if self.events.is_empty() && self.file.is_none() {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                return Err("no event: give one with --event '{\"key\": \"value\"}', a file with \
                            --events, or pipe them in, one JSON a line"
                    .to_owned());
            }
            if self.repeat == 1 {
                return Ok(Box::new(stdin.lock().lines().filter(|line| !is_blank(line))));
            }
            let lines: Result<Vec<_>, _> = stdin.lock().lines().collect();
            given = lines.map_err(|error| format!("stdin: {error}"))?;
        }
        let given = std::iter::repeat_n(given, self.repeat).flatten();
        Ok(Box::new(given.map(Ok).filter(|line| !is_blank(line))))
    }
}

fn is_blank(line: &std::io::Result<String>) -> bool {
    line.as_ref().is_ok_and(|line| line.trim().is_empty())
}

/// Runs a handler as the command line says.
pub(crate) fn run<H: Handler>() -> ExitCode {
    let options = match Options::read(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return usage(&error.to_string()),
    };
    let events = match options.events() {
        Ok(events) => events,
        Err(error) => return usage(&error),
    };
    log_to(std::io::stderr);
    let threads = u32::try_from(options.concurrency).unwrap_or(u32::MAX);
    match runtime(threads) {
        Ok(runtime) => {
            let code = runtime.block_on(life::<H>(&options, events));
            runtime.shutdown_background();
            code
        }
        Err(error) => usage(&format!("the tokio runtime cannot be started: {error}")),
    }
}

fn usage(error: &str) -> ExitCode {
    eprintln!("error: {error}\nhelp: --help lists what can be given");
    ExitCode::from(2)
}

async fn life<H: Handler>(
    options: &Options,
    events: Box<dyn Iterator<Item = std::io::Result<String>>>,
) -> ExitCode {
    let mut timeline = Timeline::new(options.concurrency == 1);
    container().begin(Start::Local);
    measure::<H>(Start::Local, emf::to_stderr);
    let start = Instant::now();
    let outcome = container::init(None).await;
    timeline.init(start.elapsed(), outcome.is_ok());
    if let Err(failures) = outcome {
        for failure in failures {
            eprintln!("error: {}", chain(&failure));
        }
        return ExitCode::FAILURE;
    }
    let mut answers = std::pin::pin!(
        stream::iter(events.zip(1..))
            .map(|(line, n)| async move {
                let line = line.map_err(|error| format!("stdin: {error}"))?;
                Ok::<_, String>(invoke::<H>(line, n, options.idle).await)
            })
            .buffered(options.concurrency)
    );
    while let Some(answer) = answers.next().await {
        let done = match answer {
            Ok(done) => done,
            Err(error) => return usage(&error),
        };
        timeline.invocation(&done);
        let line = match &done.answer {
            Ok(answer) => answer.get().to_owned(),
            Err(error) => serde_json::to_string(error).unwrap_or_default(),
        };
        if writeln!(std::io::stdout(), "{line}").is_err() {
            return ExitCode::FAILURE; // nobody reads on
        }
    }
    container::shutdown().await;
    timeline.summary();
    if options.report {
        invocation::report();
    }
    ExitCode::from(u8::from(container().errors() > 0))
}

/// One invocation, done.
struct Done {
    number: u64,
    cold: bool,
    ping: bool,
    time: Duration,
    answer: Result<Box<RawValue>, InvocationError>,
}

async fn invoke<H: Handler>(event: String, n: u64, idle: Duration) -> Done {
    if container().invocations() > 0 {
        CLOCK.skip(idle);
    }
    let event = Event::Json(event.as_bytes());
    let mut context = Context::default();
    context.request_id = format!("local-{n}");
    let scope = invocation::begin::<H>(&event, &context, None);
    let start = Instant::now();
    let answer = async {
        let answer = invocation::answer::<H>(&scope, event, context).await?;
        in_full(answer).await
    };
    let answer = scope.clone().enter(answer).await;
    let (number, cold, ping) = (scope.number, scope.cold, scope.ping);
    let done = Done { number, cold, ping, time: start.elapsed(), answer };
    invocation::end::<H>(scope).await;
    done
}

/// What people see: INIT, a line for each invocation, and a summary.
struct Timeline {
    colour: bool,
    /// Whether what happened to the caches meanwhile is one invocation's.
    one_at_a_time: bool,
    times: Vec<Duration>,
    init: Duration,
    /// The hits and misses of all caches up to the last line.
    counted: (u64, u64),
}

impl Timeline {
    fn new(one_at_a_time: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let colour = std::io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb;
        let (times, init, counted) = (Vec::new(), Duration::ZERO, (0, 0));
        Self { colour, one_at_a_time, times, init, counted }
    }

    /// `text` in an ANSI colour, on a terminal.
    fn paint(&self, code: u8, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn init(&mut self, time: Duration, ok: bool) {
        self.init = time;
        let resources = container().resources();
        let built: Vec<_> = resources.iter().filter(|resource| resource.generation > 0).collect();
        let word = self.paint(if ok { CYAN } else { RED }, "init");
        eprintln!("{word}       {:>12}  {}", millis(time), counted(built.len(), "resource"));
        // Where INIT is logged, each has its line there.
        if !tracing::enabled!(tracing::Level::INFO) {
            for resource in built {
                let time = millis(resource.build_time.unwrap_or_default());
                eprintln!("           {time:>12}  {}", self.paint(DIM, resource.name));
            }
        }
    }

    fn invocation(&mut self, done: &Done) {
        let word = match (done.ping, done.cold) {
            (true, _) => self.paint(DIM, "ping"),
            (false, true) => self.paint(BLUE, "cold"),
            (false, false) => self.paint(GREEN, "warm"),
        };
        if !done.ping {
            self.times.push(done.time);
        }
        let outcome = match &done.answer {
            Ok(_) => "ok".to_owned(),
            Err(error) => self.paint(RED, &error.to_string().replace('\n', " ")),
        };
        let (hits, misses) = hits_and_misses();
        let (hits_before, misses_before) = std::mem::replace(&mut self.counted, (hits, misses));
        let mut cached = String::new();
        for (count, what) in [(hits - hits_before, "hit"), (misses - misses_before, "miss")] {
            if count > 0 && self.one_at_a_time {
                cached += &format!("  {}", counted(count as usize, what));
            }
        }
        let cached = self.paint(DIM, &cached);
        eprintln!("{word} {:>5} {:>12}  {outcome}{cached}", done.number, millis(done.time));
    }

    fn summary(&self) {
        let container = container();
        let failed = format!("{} failed", container.errors());
        let failed = self.paint(if container.errors() > 0 { RED } else { GREEN }, &failed);
        eprintln!("\n{}, {failed}", counted(container.invocations() as usize, "invocation"));
        let Some(first) = self.times.first() else {
            return;
        };
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let cold = millis(self.init + *first);
        let parts = format!("init {} + first {}", millis(self.init), millis(*first));
        eprintln!("  cold start {cold:>12}  {}", self.paint(DIM, &parts));
        for percent in [50, 99] {
            eprintln!("  p{percent}        {:>12}", millis(percentile(&sorted, percent)));
        }
        let (hits, misses) = hits_and_misses();
        if hits + misses > 0 {
            let rate = format!("{:.0}%", 100.0 * hits as f64 / (hits + misses) as f64);
            let of = self.paint(DIM, &format!("{hits} of {}", hits + misses));
            eprintln!("  cache hits {rate:>12}  {of}");
        }
    }
}

const RED: u8 = 31;
const GREEN: u8 = 32;
const BLUE: u8 = 34;
const CYAN: u8 = 36;
const DIM: u8 = 2;

/// `1 hit`, `2 hits`, `2 misses`.
fn counted(count: usize, what: &str) -> String {
    let plural = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{plural}")
}

/// The smallest that so many percent of all are not above. `sorted` is not empty.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

fn hits_and_misses() -> (u64, u64) {
    container().caches().iter().fold((0, 0), |(hits, misses), cache| {
        (hits + cache.stats.hits + cache.stats.stale_hits, misses + cache.stats.misses)
    })
}

fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&times[..3], 99), Duration::from_millis(3));
    }

    #[test]
    fn things_are_counted_in_words() {
        assert_eq!(counted(1, "hit"), "1 hit");
        assert_eq!(counted(0, "invocation"), "0 invocations");
        assert_eq!(counted(2, "miss"), "2 misses");
    }

    #[test]
    fn the_command_line_is_read() {
        let options =
            Options::read(["--event", "{}", "--event=1", "--repeat", "3", "--idle", "10m"]);
        let options = options.unwrap().unwrap();
        assert_eq!(options.events, ["{}", "1"]);
        assert_eq!((options.repeat, options.idle), (3, Duration::from_secs(600)));
        let events: Vec<_> = options.events().unwrap().map(Result::unwrap).collect();
        assert_eq!(events, ["{}", "1", "{}", "1", "{}", "1"]);
        assert_eq!(Options::read(["--help"]).unwrap(), None);
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (args, fault) in [
            (&["--evnt", "{}"][..], "--evnt"),
            (&["--idle", "10min"][..], "unknown unit \"min\""),
            (&["--repeat", "x"][..], "x"),
            (&["--concurrency", "0"][..], "the least is 1"),
            (&["--event"][..], "--event"),
            (&["stray"][..], "stray"),
        ] {
            let error = Options::read(args).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }
}
