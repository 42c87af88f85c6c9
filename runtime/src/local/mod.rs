//! The local runner: the same service without Lambda. Events come from the command line, a file or
//! stdin; answers go to stdout, one JSON a line, in order; what happened goes to stderr.

mod events;
mod options;
mod timeline;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::base::clock::CLOCK;
use crate::base::erased::{BoxFuture, spawn};
use crate::base::stdio::{Output, say};
use crate::container::snapshot::Start;
use crate::container::{self, container};
use crate::error::chain;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::{self, Event};
use crate::lambda::types::Context;
use crate::lambda::{log_to, measure, on_runtime};
use crate::metrics::emf;
use options::{HELP, Options};
use timeline::Timeline;

/// Runs a handler as the command line says.
pub(crate) fn run<H: Handler>() -> ExitCode {
    run_with(|| measure::<H>(Start::Local, emf::to_stderr), invoke::<H>)
}

/// Begins an invocation; the future is the rest of it.
type Invoke = fn(event: Vec<u8>, n: u64, idle: Duration) -> BoxFuture<'static, Done>;

/// All but what knows the handler's types.
fn run_with(measure: fn(), invoke: Invoke) -> ExitCode {
    let options = match Options::read(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            let _ = writeln!(io::stdout(), "{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return usage(&error.to_string()),
    };
    if options.given.is_none() && io::IsTerminal::is_terminal(&io::stdin()) {
        return usage(
            "no event: give one with --event '{\"key\": \"value\"}', a file with --events, or pipe \
             them in, one JSON a line",
        );
    }
    log_to(Output::Stderr);
    measure();
    // As Lambda has it, but with a thread for each invocation: a handler that blocks its thread does
    // not hold up the others.
    let mut builder = match options.concurrency {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(options.concurrency.clamp(1, MAX_THREADS));
    on_runtime(builder, Box::pin(lifecycle(options, invoke)))
}

fn usage(error: &str) -> ExitCode {
    say(format_args!("error: {error}\nhelp: --help lists what can be given"));
    ExitCode::from(2)
}

const MAX_THREADS: usize = 256;

async fn lifecycle(options: Options, invoke: Invoke) -> ExitCode {
    let mut timeline = Timeline::new(options.concurrency == 1);
    container().begin(Start::Local);
    let start = Instant::now();
    let outcome = container::init(None).await;
    timeline.init(start.elapsed(), outcome.is_ok());
    if let Err(failures) = outcome {
        for failure in failures {
            say(format_args!("error: {}", chain(&failure)));
        }
        return ExitCode::FAILURE;
    }
    let report = options.report;
    let (mut broken, mut unreadable) = (false, None);
    let mut started = start_all(options, invoke);
    while let Some(next) = started.recv().await {
        let done = match next {
            Ok(told) => told.await,
            Err(error) => {
                unreadable = Some(error);
                break;
            }
        };
        let Ok(done) = done else {
            // A panic outside of the handler, as in a `tracing` subscriber.
            say(format_args!("error: an invocation has no end"));
            broken = true;
            continue;
        };
        timeline.invocation(&done);
        let line = match &done.answer {
            Ok(answer) => answer.get().to_owned(),
            Err(error) => serde_json::to_string(error).unwrap_or_default(),
        };
        if writeln!(io::stdout(), "{line}").is_err() {
            return ExitCode::FAILURE; // nobody reads on
        }
    }
    container::shutdown().await;
    if report {
        invocation::report();
    }
    timeline.summary(report);
    match unreadable {
        Some(error) => usage(&error),
        None => ExitCode::from(u8::from(broken || container().errors() > 0)),
    }
}

/// What will be there when an event's invocation is done, or why there are no more events.
type Started = Result<oneshot::Receiver<Done>, String>;

/// How many answers may wait for one of an earlier event.
const WAITING: usize = 1024;

/// Starts an invocation for each event, so many at a time, in the order of the events. That has a
/// thread of its own, since stdin may block for as long as it likes.
fn start_all(options: Options, invoke: Invoke) -> mpsc::Receiver<Started> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let Options { given, repeat, idle, concurrency, .. } = options;
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let places = Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)));
        let mut n = 0;
        let mut start = |event| {
            let place = runtime.block_on(Arc::clone(&places).acquire_owned()).ok()?;
            n += 1;
            let (tell, told) = oneshot::channel();
            let invocation = invoke(event, n, idle);
            drop(spawn(async move {
                let mut done = invocation.await;
                // One at a time: the next begins when this one's line is out.
                done.place = Some(place).filter(|_| concurrency == 1);
                let _ = tell.send(done);
            }));
            sender.blocking_send(Ok(told)).ok()
        };
        if let Err(error) = events::read(given, repeat, &mut start) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// One invocation, done.
struct Done {
    number: u64,
    cold: bool,
    ping: bool,
    time: Duration,
    answer: Result<Box<RawValue>, InvocationError>,
    /// What keeps the next one waiting.
    place: Option<OwnedSemaphorePermit>,
}

/// The one part that is compiled for each handler.
fn invoke<H: Handler>(event: Vec<u8>, n: u64, idle: Duration) -> BoxFuture<'static, Done> {
    if n > 1 {
        CLOCK.skip(idle);
    }
    let mut context = Context::default();
    context.request_id = format!("local-{n}");
    let invocation = invocation::begin::<H>(&Event::Json(&event), &context, None);
    Box::pin(async move {
        let answer = invocation::answer_in_full::<H>(&invocation, &event, context).await;
        let (number, cold, ping) = (invocation.number, invocation.cold, invocation.ping);
        let time = invocation.started.elapsed();
        invocation::end::<H>(invocation).await;
        Done { number, cold, ping, time, answer, place: None }
    })
}
