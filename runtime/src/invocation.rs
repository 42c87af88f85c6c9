//! One invocation, from the bytes of its event to the bytes of its answer: resources, deadline, and
//! every way to fail turned into the error that Lambda shows.

use std::borrow::Cow;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use tracing::Level;

use crate::clock::CLOCK;
use crate::container::{self, container};
use crate::error::{ResourceError, chain};
use crate::event::{Context, LambdaEvent};
use crate::metrics::{self, emf};
use crate::panic::{Panic, catch_async};
use crate::reply::Reply;
use crate::scope::{Answered, Scope};
use crate::span;
use crate::stats::Stats;

/// What the expansion of `#[handler]` makes of a function.
pub trait Handler: Send + Sync + 'static {
    /// Its name and options.
    const SPEC: HandlerSpec;
    /// The event.
    type Event: DeserializeOwned + Send;
    /// What is sent for its answer.
    type Reply: Reply;

    /// Takes hold of the resources that it names and calls the function.
    fn call(event: LambdaEvent<Self::Event>) -> impl Future<Output = Outcome<Self>> + Send; // help: drop it before `.await`; docs/lints.md#guard_across_await
}

/// How an invocation ends.
type Outcome<H> = Result<<H as Handler>::Reply, InvocationError>;

/// The options of a handler.
#[derive(Clone, Copy)]
pub struct HandlerSpec {
    pub(crate) name: &'static str,
    /// What its events are, by OpenTelemetry's `faas.trigger`.
    pub(crate) trigger: &'static str,
    pub(crate) emf: Option<emf::Options>,
    pub(crate) deadline_margin: Duration,
    pub(crate) report_every: u64,
    pub(crate) warmup: bool,
}

impl HandlerSpec {
    /// The options if none is given.
    pub const DEFAULT: Self = Self {
        name: "",
        trigger: "other",
        emf: None,
        deadline_margin: Duration::from_millis(250),
        report_every: 10,
        warmup: false,
    };

    /// The function's name.
    pub const fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Writes CloudWatch's embedded metric format.
    pub const fn emf(
        mut self,
        namespace: &'static str,
        dimensions: &'static [emf::Dimension],
    ) -> Self {
        self.emf = Some(emf::Options { namespace, dimensions });
        self
    }

    /// Its events are HTTP requests.
    pub const fn http(mut self) -> Self {
        self.trigger = "http";
        self
    }

    /// How long before Lambda's deadline the handler is cancelled; zero for never.
    pub const fn deadline_margin(mut self, margin: Duration) -> Self {
        self.deadline_margin = margin;
        self
    }

    /// After how many invocations the container is reported; 0 for never.
    pub const fn report_every(mut self, invocations: u64) -> Self {
        self.report_every = invocations;
        self
    }

    /// Answers warm-up pings without the handler.
    pub const fn warmup(mut self) -> Self {
        self.warmup = true;
        self
    }
}

/// A failed invocation as Lambda shows it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InvocationError {
    /// The short name of the handler's error type, or `Panic`, `DeadlineExceeded`, `InvalidEvent`,
    /// `InvalidAnswer`, `ResourceUnavailable`.
    pub error_type: String,
    /// The error and all its sources.
    pub error_message: String,
}

impl InvocationError {
    pub(crate) fn new(error_type: &str, error_message: impl ToString) -> Self {
        Self { error_type: error_type.to_owned(), error_message: error_message.to_string() }
    }
}

impl std::fmt::Display for InvocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)
    }
}

/// For people, as in the log.
impl std::fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvocationError {}

impl From<ResourceError> for InvocationError {
    fn from(error: ResourceError) -> Self {
        Self::new("ResourceUnavailable", chain(&error))
    }
}

impl From<Panic> for InvocationError {
    fn from(panic: Panic) -> Self {
        match panic.payload.downcast_ref::<ResourceError>() {
            Some(error) => error.clone().into(),
            None => Self::new("Panic", panic),
        }
    }
}

/// An invocation's event, still or already read.
pub(crate) enum Event<'a, T> {
    Json(&'a [u8]),
    Typed(T),
}

/// An invocation that has begun, and ends with this: dropped on the way, as by a time limit of a
/// user's own layer, it has failed, and what it deferred is dropped with it.
pub(crate) struct Ongoing(Arc<Scope>);

impl Deref for Ongoing {
    type Target = Arc<Scope>;

    fn deref(&self) -> &Arc<Scope> {
        &self.0
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if self.end() {
            if self.answered.get().is_none() && !self.ping {
                container().invocation_answered(true, false);
            }
            container().invocation_ends();
        }
    }
}

/// Begins an invocation that has so much time left.
pub(crate) fn begin<H: Handler>(
    event: &Event<'_, H::Event>,
    context: &Context,
    remaining: Option<Duration>,
) -> Ongoing {
    let ping = H::SPEC.warmup && matches!(event, Event::Json(json) if is_ping(json));
    let begun = container().invocation_begins(ping);
    let span = span::begin(&H::SPEC, context, begun.cold);
    let told = !ping && metrics::wanted(Level::DEBUG);
    let request_id = told.then(|| context.request_id.clone());
    Ongoing(Arc::new(Scope::new(begun, remaining, span, request_id)))
}

/// Whether an event is a warm-up ping: serverless-plugin-warmup's, or `{"warmup": true}`.
fn is_ping(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Ping<'a> {
        #[serde(borrow)]
        source: Option<Cow<'a, str>>,
        warmup: Option<bool>,
    }
    serde_json::from_slice(json).is_ok_and(|ping: Ping<'_>| {
        ping.warmup == Some(true) || ping.source.as_deref() == Some("serverless-plugin-warmup")
    })
}

/// Runs the handler for one event. The caller has entered `scope`.
pub(crate) async fn answer<H: Handler>(
    scope: &Arc<Scope>,
    event: Event<'_, H::Event>,
    context: Context,
) -> Outcome<H> {
    if scope.ping {
        return Ok(H::Reply::to_ping());
    }
    let (outcome, deadline_exceeded) = guarded::<H>(scope, event, context).await;
    // What is streamed is answered when its body is.
    if !outcome.as_ref().is_ok_and(Reply::goes_on) {
        answered(scope, outcome.as_ref().err(), deadline_exceeded);
    }
    outcome
}

/// Keeps what became of an invocation.
pub(crate) fn answered(scope: &Scope, error: Option<&InvocationError>, deadline_exceeded: bool) {
    container().invocation_answered(error.is_some(), deadline_exceeded);
    let duration = scope.started.elapsed();
    if let Some(error) = error {
        span::fail(&scope.span, error);
    }
    let error = error.map(|error| error.error_type.clone());
    let _ = scope.answered.set(Answered { duration, error, deadline_exceeded });
}

/// The answer, and whether it is missing because the deadline came near.
async fn guarded<H: Handler>(
    scope: &Arc<Scope>,
    event: Event<'_, H::Event>,
    context: Context,
) -> (Outcome<H>, bool) {
    let guard = Guard::new(scope.deadline, H::SPEC.deadline_margin);
    // Boxed here, since it is large and every layer around it would move it.
    let work = catch_async(Box::pin(call::<H>(event, context)));
    let Some(outcome) = guard.hold(work).await else {
        return (Err(guard.exceeded()), true);
    };
    let outcome = outcome.unwrap_or_else(|panic| Err(panic.into()));
    (outcome.map(|reply| reply.within(scope, guard)), false)
}

/// The handler, from the bytes of the event to what is sent.
async fn call<H: Handler>(event: Event<'_, H::Event>, context: Context) -> Outcome<H> {
    let payload = match event {
        Event::Typed(payload) => payload,
        Event::Json(json) => decode(json)?,
    };
    H::call(LambdaEvent::new(payload, context)).await
}

/// The deadline guard: ends what runs a margin ahead of Lambda's deadline.
#[derive(Clone, Copy)]
pub struct Guard {
    end: Option<Instant>,
    margin: Duration,
}

impl Guard {
    fn new(deadline: Option<Instant>, margin: Duration) -> Self {
        let end = deadline.filter(|_| !margin.is_zero());
        let end = end.map(|end| end.checked_sub(margin).unwrap_or_else(Instant::now));
        Self { end, margin }
    }

    /// Drops `work` if it is not done in time.
    pub(crate) async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let Some(end) = self.end else {
            return Some(work.await);
        };
        let mut work = pin!(work);
        // What does not wait needs no timer.
        let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        match first {
            Poll::Ready(done) => Some(done),
            Poll::Pending => timeout_at(end, work).await.ok(),
        }
    }

    /// The error of what was dropped.
    pub(crate) fn exceeded(self) -> InvocationError {
        let margin = self.margin;
        let building = container::building();
        let building = match building.is_empty() {
            true => String::new(),
            false => format!(", while this was being built: {}", building.join(", ")),
        };
        let text = format!("cancelled {margin:?} before Lambda's deadline{building}");
        InvocationError::new("DeadlineExceeded", text)
    }
}

/// Reads an event, and says where it is wrong if it is.
fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvocationError> {
    let does_not_fit = |place: &str, error: serde_json::Error| {
        let text = format!("the event does not fit{place}: {error}");
        InvocationError::new("InvalidEvent", text)
    };
    serde_json::from_slice(json).or_else(|_| {
        // Once more, with the path: only a wrong event pays for it.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let event = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let place = match error.path().to_string().as_str() {
                "." | "?" => String::new(),
                path => format!(" at `{path}`"),
            };
            does_not_fit(&place, error.into_inner())
        })?;
        // What is wrong may come after an event that is right.
        let end = deserializer.end();
        end.map_err(|error| does_not_fit("", error))?;
        Ok(event)
    })
}

/// Ends an invocation whose response has been sent: runs what it deferred, bounded by its deadline.
pub(crate) async fn end<H: Handler>(invocation: Ongoing) {
    let scope = invocation.clone();
    if scope.has_deferred() || container::has_retired() {
        let work = scope.enter(run_deferred(&scope));
        match scope.deadline {
            None => work.await,
            Some(deadline) => {
                let end = deadline.checked_sub(DEADLINE_RESERVE).unwrap_or_else(Instant::now);
                if timeout_at(end, work).await.is_err() {
                    let late =
                        async { tracing::error!("deferred work was dropped at the deadline") };
                    scope.enter(late).await;
                    container().deferred_failed();
                }
            }
        }
    }
    drop(invocation);
    if !scope.ping {
        tell::<H>(scope);
    }
}

/// Tells the metrics sinks of an invocation that is over.
fn tell<H: Handler>(scope: Arc<Scope>) {
    let number = scope.number;
    if let (Some(request_id), Some(answered)) = (&scope.request_id, scope.answered.get()) {
        let caches = container().used_caches();
        let sum = |count: fn(&Stats) -> u64| caches.iter().map(|cache| count(&cache.stats)).sum();
        let told = container().told_with_invocation();
        let invocation = metrics::Invocation {
            handler: H::SPEC.name,
            request_id: request_id.clone(),
            container_id: told.container_id,
            start: told.start,
            number: scope.number,
            cold_start: scope.cold,
            ended: CLOCK.wall(),
            duration: answered.duration,
            init_duration: told.init,
            idle_gap: scope.idle_gap,
            container_age: told.age,
            error: answered.error.clone(),
            deadline_exceeded: answered.deadline_exceeded,
            cache_hits: sum(|stats| stats.hits),
            cache_misses: sum(|stats| stats.misses),
            cache_stale_hits: sum(|stats| stats.stale_hits),
        };
        // Its span is over, too, so that a sink can export it.
        drop(scope);
        for cache in caches {
            metrics::emit(&metrics::Event::Cache(cache));
        }
        metrics::emit(&metrics::Event::Invocation(invocation));
    }
    let every = H::SPEC.report_every;
    if every > 0 && number % every == 0 {
        report();
    }
}

async fn run_deferred(scope: &Scope) {
    container::close_retired().await;
    // Deferred work may defer more.
    loop {
        let deferred = scope.take_deferred();
        if deferred.is_empty() {
            return;
        }
        for work in deferred {
            let outcome = catch_async(work).await;
            if let Err(error) = outcome.map_err(Panic::into_error).and_then(|outcome| outcome) {
                tracing::error!(error = chain(&*error), "deferred work failed");
                container().deferred_failed();
            }
        }
    }
}

/// What deferred work leaves of the time until Lambda's deadline.
const DEADLINE_RESERVE: Duration = Duration::from_millis(50);

/// SHUTDOWN: closes everything, and tells for the last time how the container is doing.
pub(crate) async fn shutdown<H: Handler>() {
    container::shutdown().await;
    if H::SPEC.report_every > 0 {
        report();
    }
}

/// Tells how the container is doing.
pub(crate) fn report() {
    if metrics::wanted(Level::INFO) {
        metrics::emit(&metrics::Event::Report(container().report()));
    }
}
