//! Lambda: the runtime's loop around the service, INIT before it, and what happens after each
//! response. But for the types that handlers meet (`event.rs`), the only place that names
//! `lambda_runtime`.

mod api;
mod concurrent;
#[cfg(all(unix, feature = "graceful-shutdown"))]
mod sigterm;
mod stream;
pub(crate) mod types;

use std::cell::Cell;
use std::env;
use std::marker::PhantomData;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::Either::{Left, Right};
use futures_util::future::LocalBoxFuture;
use http::Method;
use lambda_runtime::{
    Context, Diagnostic, LambdaEvent, LambdaInvocation, Runtime, SnapStartResource,
};
use lambda_runtime_api_client::{PooledClient, body::Body};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::runtime::Builder;

use crate::base::clock::CLOCK;
use crate::base::erased::BoxFuture;
use crate::base::panic::remember_places;
use crate::base::stdio::{Output, say};
use crate::container::snapshot::Start;
use crate::container::{self, container};
use crate::error::{BoxError, ResourceError, chain, listed};
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::response::{AnyResponse, Response};
use crate::invocation::{self, Event};
use crate::metrics::emf;

/// A function's life under Lambda.
pub(crate) fn in_lambda<H: Handler>() -> ExitCode {
    if let Err(missing) = check_environment() {
        say(format_args!("{missing}"));
        return ExitCode::FAILURE;
    }
    log_to(Output::Stdout);
    let concurrency = concurrency();
    // One at a time runs best on one thread: it keeps one connection to the Runtime API and needs
    // half the CPU.
    let builder = match concurrency {
        None | Some(1) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    on_runtime(builder, Box::pin(life::<H>(concurrency)))
}

/// Runs a container's life, of whatever kind, so that a tokio runtime is compiled for one.
pub(crate) fn on_runtime(
    mut builder: Builder,
    life: LocalBoxFuture<'static, ExitCode>,
) -> ExitCode {
    match builder.enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(life);
            // Whoever still blocks a thread is not waited for.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            say(format_args!("error: the tokio runtime cannot be started: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// How many invocations at a time Lambda sends, where it says so: on Lambda Managed Instances.
fn concurrency() -> Option<u32> {
    let said = env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok()?;
    Some(said.parse().unwrap_or(1).max(1))
}

/// What lambda_runtime reads, and panics without.
fn check_environment() -> Result<(), String> {
    for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"] {
        env::var(name).map_err(|_| format!("{name} is not set, as it is in Lambda"))?;
    }
    let name = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
    let size = env::var(name).map_err(|_| format!("{name} is not set, as it is in Lambda"))?;
    size.parse::<i32>().map(drop).map_err(|_| format!("{name} is {size:?}, not a number"))
}

/// A `tracing` subscriber as lambda_runtime sets it up, unless there is one already.
pub(crate) fn log_to(output: Output) {
    #[cfg(feature = "tracing")]
    if !tracing::dispatcher::has_been_set() {
        crate::invocation::span::for_the_log_only();
        lambda_runtime::tracing::init_default_subscriber_with_writer(move || output);
    }
    #[cfg(not(feature = "tracing"))]
    let _ = output;
}

async fn life<H: Handler>(concurrency: Option<u32>) -> ExitCode {
    let start = start();
    container().begin(start);
    measure::<H>(start, emf::to_stdout);
    let budget = match init_budget(start) {
        Ok(budget) => budget,
        Err(error) => {
            let error = format!("REWARM_INIT_BUDGET is not a duration: {error}");
            Failed::new("InvalidConfiguration", error).report("init").await;
            return ExitCode::FAILURE;
        }
    };
    #[cfg(all(unix, feature = "graceful-shutdown"))]
    sigterm::at_shutdown(invocation::shutdown::<H>, container::has_close()).await;
    if let Err(failures) = container::init(budget).await {
        Failed::of(&failures).report("init").await;
        return ExitCode::FAILURE;
    }
    let runtime = Runtime::new(Loop).layer(AfterResponse::<H>(PhantomData));
    let outcome = match concurrency {
        None => runtime.register_snapstart_resource(Arc::new(Snapshot)).run().await,
        Some(workers) => concurrent::run(runtime, workers).await,
    };
    invocation::shutdown::<H>().await;
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&*error), "the Runtime API cannot be used any more");
            ExitCode::FAILURE
        }
    }
}

/// How long INIT may wait. An on-demand function is killed after 10 s, and starts again from
/// nothing; all others have more time.
fn init_budget(start: Start) -> Result<Option<Duration>, String> {
    match env::var("REWARM_INIT_BUDGET") {
        Ok(text) => crate::base::duration::parse(&text).map(Some),
        Err(_) => Ok((start == Start::OnDemand).then_some(Duration::from_secs(9))),
    }
}

/// Writes metrics for CloudWatch, if the handler is to.
pub(crate) fn measure<H: Handler>(start: Start, write: emf::Write) {
    if let Some(options) = H::SPEC.emf {
        let read = |name| env::var(name).ok();
        let function = emf::Function {
            name: read("AWS_LAMBDA_FUNCTION_NAME"),
            version: read("AWS_LAMBDA_FUNCTION_VERSION"),
            memory: read("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            region: read("AWS_REGION"),
        };
        emf::begin(H::SPEC.name, options, function, start, write);
    }
}

/// The container around a SnapStart snapshot. One resource for all: they are restored at the same
/// time, each after what it is built from.
struct Snapshot;

impl SnapStartResource for Snapshot {
    fn before_snapshot(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        // What is read of the clocks here is what they are compared with after the restore.
        CLOCK.sync();
        Box::pin(std::future::ready(Ok(())))
    }

    fn after_restore(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            if let Err(failures) = container::restore().await {
                // lambda_runtime would name no error type but `Box<dyn Error>`.
                Failed::of(&failures).report("restore").await;
                std::process::exit(1);
            }
            Ok(())
        })
    }
}

fn start() -> Start {
    match env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() {
        Ok("provisioned-concurrency") => Start::Provisioned,
        Ok("snap-start") => Start::SnapStart,
        Ok("lambda-managed-instances") => Start::ManagedInstances,
        _ => Start::OnDemand,
    }
}

/// Why a container cannot start, as Lambda is told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    error_type: &'static str,
    error_message: String,
    /// A line for each resource, with the name of its error's type.
    stack_trace: Vec<String>,
}

impl Failed {
    fn new(error_type: &'static str, error_message: String) -> Self {
        Self { error_type, error_message, stack_trace: Vec::new() }
    }

    fn of(failures: &[ResourceError]) -> Self {
        let line = |failure: &ResourceError| {
            let source = std::error::Error::source(failure).map_or_else(String::new, chain);
            let error_type = failure.error_type().unwrap_or("Error");
            format!("{}: {error_type}: {source}", failure.resource())
        };
        let stack_trace = failures.iter().map(line).collect();
        Self { stack_trace, ..Self::new("ResourceUnavailable", listed(failures)) }
    }

    /// Tells Lambda and the log that this phase, `init` or `restore`, has failed:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>.
    fn report(self, phase: &'static str) -> BoxFuture<'static, ()> {
        Box::pin(self.reported(phase))
    }

    async fn reported(self, phase: &'static str) {
        let (name, category) = match phase {
            "init" => ("INIT", "Runtime.InitError"),
            _ => ("the restore", "Runtime.RestoreError"),
        };
        tracing::error!(error = self.error_message, "{name} failed");
        let posted = async {
            let path = format!("/2018-06-01/runtime/{phase}/error");
            let headers = [("lambda-runtime-function-error-type", category)];
            let body = Body::from(serde_json::to_vec(&self)?);
            let request = api::request(Method::POST, &path, &headers, body)?;
            PooledClient::builder().build().call(request).await
        };
        if let Err(error) = posted.await {
            tracing::error!(error = chain(&*error), "Lambda could not be told");
        }
    }
}

/// The time that is left until an invocation's deadline. One that has passed before the event came
/// is none: Lambda sends no such event, but `cargo lambda watch` does.
fn remaining(context: &Context) -> Option<Duration> {
    context.deadline().duration_since(SystemTime::now()).ok()
}

tokio::task_local! {
    /// What [`Loop`] gives to lambda_runtime. It is made by [`AfterResponse`], to which the event
    /// comes as it is: lambda_runtime would answer a malformed one itself.
    static ANSWER: Cell<Option<Answer>>;
}

/// An answer that lambda_runtime sends.
type Answer = Result<Box<RawValue>, InvocationError>;

/// One invocation from its event to the end of what it deferred. A layer around all that
/// lambda_runtime does for one event, and so it goes on after the response.
struct AfterResponse<H>(PhantomData<H>);

impl<H, S> tower::Layer<S> for AfterResponse<H> {
    type Service = AfterResponseService<H, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AfterResponseService { inner, handler: PhantomData }
    }
}

struct AfterResponseService<H, S> {
    inner: S,
    handler: PhantomData<H>,
}

impl<H, S: Clone> Clone for AfterResponseService<H, S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), handler: PhantomData }
    }
}

impl<H, S> tower::Service<LambdaInvocation> for AfterResponseService<H, S>
where
    H: Handler,
    S: tower::Service<LambdaInvocation, Response = (), Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ();
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<(), BoxError>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        // The service that was found ready is the one to call.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let body = std::mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
            let context = &mut invocation.context;
            let ongoing = invocation::begin::<H>(&Event::Json(&body), context, remaining(context));
            let answer = {
                let work = pin!(async {
                    let answer =
                        invocation::answer::<H>(ongoing.clone(), Event::Json(&body), context);
                    drop(body);
                    answer.await
                });
                ongoing.enter(work).await
            };
            let sending = match answer.map(Response::into_any) {
                Ok(AnyResponse::Stream(answer)) => Left(stream::send(answer, invocation)),
                Ok(AnyResponse::Json(answer)) => Right(send(Ok(answer), inner, invocation)),
                Err(error) => Right(send(Err(error), inner, invocation)),
            };
            let sent = {
                let sending = pin!(sending);
                ongoing.enter(sending).await
            };
            if let Err(error) = sent {
                // The loop goes on: if the Runtime API is gone, asking for the next event says so.
                ongoing.within(|| {
                    tracing::error!(error = chain(&*error), "the response could not be sent");
                });
            }
            invocation::end::<H>(ongoing).await;
            Ok(())
        })
    }
}

/// Has lambda_runtime send this answer.
fn send<S: tower::Service<LambdaInvocation>>(
    answer: Answer,
    mut inner: S,
    invocation: LambdaInvocation,
) -> S::Future {
    ANSWER.sync_scope(Cell::new(Some(answer)), || inner.call(invocation))
}

/// Hands lambda_runtime the answer that it sends.
#[derive(Clone)]
struct Loop;

impl tower::Service<LambdaEvent<IgnoredAny>> for Loop {
    type Response = Box<RawValue>;
    type Error = InvocationError;
    type Future = std::future::Ready<Answer>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), InvocationError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: LambdaEvent<IgnoredAny>) -> Self::Future {
        match ANSWER.try_with(Cell::take) {
            Ok(Some(answer)) => std::future::ready(answer),
            _ => unreachable!("AfterResponse is the layer around this service"),
        }
    }
}

/// A handler as a `tower::Service`, for those who build their own [`lambda_runtime::Runtime`].
///
/// Resources are built when they are first needed. What the handler defers runs before the service
/// answers, since only `run` knows when the response has been sent. The event comes to the service
/// already read: a malformed one is lambda_runtime's, and a warm-up ping, which is told by its
/// bytes, is an event like any other. Have the pings answered by a layer, or use `run`.
pub struct Service<H>(PhantomData<H>);

/// The service of a handler.
pub fn service<H: Handler>() -> Service<H> {
    remember_places();
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let start = start();
        container().begin_once(start);
        measure::<H>(start, emf::to_stdout);
    } else {
        container().begin_once(Start::Local);
    }
    Service(PhantomData)
}

impl<H> Clone for Service<H> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<H: Handler> tower::Service<LambdaEvent<H::Event>> for Service<H> {
    type Response = H::Response;
    type Error = InvocationError;
    type Future = BoxFuture<'static, Result<H::Response, InvocationError>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), InvocationError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: LambdaEvent<H::Event>) -> Self::Future {
        Box::pin(async move {
            let (payload, mut context) = event.into_parts();
            let event = Event::Typed(payload);
            let scope = invocation::begin::<H>(&event, &context, remaining(&context));
            let answer = {
                let work = pin!(async {
                    invocation::answer::<H>(scope.clone(), event, &mut context).await
                });
                scope.enter(work).await
            };
            invocation::end::<H>(scope).await;
            answer
        })
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.error_type, error_message: error.error_message }
    }
}
