//! The local runner: runs a function outside Lambda.
//!
//! Events are read from the command line, from a file or from stdin. Responses are written to
//! stdout, one JSON value per line, in the order of the events. The timeline is written to stderr.

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
use crate::base::panic::catch_async;
use crate::base::stdio::{Output, say};
use crate::base::{executor, logging};
use crate::container::snapshot::Start;
use crate::container::{container, lifecycle};
use crate::error::chain;
use crate::invocation::context::Begun;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::{Handler, needs};
use crate::invocation::{self, Payload, outcome};
use crate::lambda::types::Context;
use crate::metrics::emf;
use crate::resource::HandlerNeeds;
use options::{HELP, Options};
use timeline::Timeline;

/// Runs a handler with the options of the command line.
pub(crate) fn run<H: Handler>() -> ExitCode {
    let begin_metrics = || H::SPEC.begin_metrics(Start::Local, emf::to_stderr);
    run_with(Function { needs: needs::<H>, begin_metrics, invoke: invoke::<H> })
}

/// Begins an invocation. The future runs it to its end.
type Invoke = fn(event: Vec<u8>, n: u64, idle: Duration) -> BoxFuture<'static, Done>;

/// A handler without its types.
struct Function {
    needs: fn() -> HandlerNeeds,
    begin_metrics: fn(),
    invoke: Invoke,
}

/// The part that does not depend on the handler's types, and is compiled once.
fn run_with(function: Function) -> ExitCode {
    let options = match Options::read(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            let _ = writeln!(io::stdout(), "{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return usage_error(&error.to_string()),
    };
    if options.events.is_none() && io::IsTerminal::is_terminal(&io::stdin()) {
        return usage_error(
            "no event: pass one with --event '{\"key\": \"value\"}', a file with --events, or pipe \
             events to stdin, one JSON value per line",
        );
    }
    logging::begin(Output::Stderr);
    (function.begin_metrics)();
    // One thread per concurrent invocation: a handler that blocks its thread does not delay others.
    let mut builder = match options.concurrency {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(options.concurrency.clamp(1, MAX_THREADS));
    executor::run(builder, Box::pin(run_container(options, function)))
}

fn usage_error(error: &str) -> ExitCode {
    say(format_args!("error: {error}\nhelp: --help lists the options"));
    ExitCode::from(2)
}

const MAX_THREADS: usize = 256;

/// Runs a container from INIT to SHUTDOWN.
async fn run_container(options: Options, function: Function) -> ExitCode {
    let mut timeline = Timeline::new(options.concurrency == 1);
    container().begin(Start::Local);
    let report = options.report;
    let end = unless_terminated(async {
        let start = Instant::now();
        let result = lifecycle::init((function.needs)(), None).await;
        timeline.init(start.elapsed(), result.is_ok());
        match result {
            Ok(()) => invoke_all(options, function.invoke, &mut timeline).await,
            Err(failures) => {
                failures.iter().for_each(|failure| say(format_args!("error: {}", chain(failure))));
                Err(ExitCode::FAILURE)
            }
        }
    });
    let end = end.await;
    lifecycle::shutdown().await;
    let end = end.inspect(|()| {
        if report {
            outcome::report();
        }
        timeline.summary(report);
    });
    end.map_or_else(|code| code, |()| ExitCode::from(u8::from(container().errors() > 0)))
}

/// Runs `work` until it is done, or until SIGTERM or SIGINT arrives.
///
/// # Errors
/// The exit code of `work`, or 130, which shells use for a program that SIGINT terminated.
async fn unless_terminated(
    work: impl Future<Output = Result<(), ExitCode>>,
) -> Result<(), ExitCode> {
    #[cfg(all(unix, feature = "graceful-shutdown"))]
    if let Ok(terminated) = crate::base::signals::termination() {
        return tokio::select! {
            end = work => end,
            () = terminated => Err(ExitCode::from(130)),
        };
    }
    work.await
}

/// Invokes the function with all events, and prints the responses.
///
/// # Errors
/// The exit code if the events cannot be read or the responses cannot be written.
async fn invoke_all(
    options: Options,
    invoke: Invoke,
    timeline: &mut Timeline,
) -> Result<(), ExitCode> {
    let mut started = start_all(options, invoke);
    let mut unreadable = None;
    while let Some(next) = started.recv().await {
        let done = match next {
            Ok(done) => done.await,
            Err(error) => {
                unreadable = Some(error);
                continue;
            }
        };
        let Ok(done) = done else {
            unreachable!("the panics of an invocation are caught");
        };
        timeline.invocation(&done);
        let line = match &done.response {
            Ok(response) => response.get().to_owned(),
            Err(error) => serde_json::to_string(error).unwrap_or_default(),
        };
        if writeln!(io::stdout(), "{line}").is_err() {
            return Err(ExitCode::FAILURE); // the reader closed the pipe
        }
    }
    unreadable.map_or(Ok(()), |error| Err(usage_error(&error)))
}

/// An invocation that has started, or the error of the next event.
type Started = Result<oneshot::Receiver<Done>, String>;

/// The maximum number of invocations that may wait for the response of an earlier event.
const MAX_WAITING: usize = 1024;

/// Starts an invocation for each event, in the order of the events. Runs on a thread of its own,
/// since reading stdin blocks.
fn start_all(options: Options, invoke: Invoke) -> mpsc::Receiver<Started> {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let Options { events, repeat, idle, concurrency, .. } = options;
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let permits = Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)));
        let mut n = 0;
        let mut start = |event| {
            let permit = runtime.block_on(Arc::clone(&permits).acquire_owned()).ok()?;
            n += 1;
            let (done_sender, done_receiver) = oneshot::channel();
            let invocation = invoke(event, n, idle);
            drop(spawn(async move {
                let mut done = invocation.await;
                // Sequential invocations: the next one starts when the line of this one is printed.
                done.permit = Some(permit).filter(|_| concurrency == 1);
                let _ = done_sender.send(done);
            }));
            sender.blocking_send(Ok(done_receiver)).ok()
        };
        if let Err(error) = events::read(events, repeat, &mut start) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

/// The result of an invocation.
struct Done {
    number: u64,
    cold: bool,
    ping: bool,
    time: Duration,
    response: Result<Box<RawValue>, InvocationError>,
    /// Delays the next invocation until it is dropped.
    permit: Option<OwnedSemaphorePermit>,
}

/// Invokes a handler. This part is compiled for each handler.
fn invoke<H: Handler>(event: Vec<u8>, n: u64, idle: Duration) -> BoxFuture<'static, Done> {
    if n > 1 {
        CLOCK.skip(idle);
    }
    let mut context = Context::default();
    context.request_id = format!("local-{n}");
    Box::pin(async move {
        let start = Instant::now();
        let done = catch_async(async {
            let active = invocation::begin::<H>(&Payload::Json(&event), &context, None);
            let response = invocation::respond_in_full::<H>(&active, &event, context).await;
            let Begun { number, cold, ping, .. } = active.begun;
            let time = start.elapsed();
            invocation::end::<H>(active).await;
            Done { number, cold, ping, time, response, permit: None }
        });
        // A panic outside the guards around the handler, such as that of a `tracing` layer.
        done.await.unwrap_or_else(|panic| {
            let (number, time, response) = (n, start.elapsed(), Err(panic.into()));
            Done { number, cold: false, ping: false, time, response, permit: None }
        })
    })
}
