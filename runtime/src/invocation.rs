//! One invocation, from the bytes of its event to the bytes of its answer: resources, deadline, and
//! every way to fail turned into the error that Lambda shows.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::container::{self, container};
use crate::error::{ResourceError, chain};
use crate::event::{Context, LambdaEvent};
use crate::panic::{Panic, catch_async};
use crate::reply::Reply;
use crate::scope::Scope;

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
    pub(crate) deadline_margin: Duration,
    pub(crate) report_every: u64,
    pub(crate) warmup: bool,
}

impl HandlerSpec {
    /// The options if none is given.
    pub const DEFAULT: Self =
        Self { deadline_margin: Duration::from_millis(250), report_every: 10, warmup: false };

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// Begins an invocation that has so much time left.
pub(crate) fn begin<H: Handler>(
    event: &Event<'_, H::Event>,
    remaining: Option<Duration>,
) -> Arc<Scope> {
    let ping = H::SPEC.warmup && matches!(event, Event::Json(json) if is_ping(json));
    let (number, cold) = container().invocation_begins(ping);
    Arc::new(Scope::new(number, cold, ping, remaining))
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
    let outcome = guarded::<H>(scope, event, context).await;
    // What is streamed is answered when its body is.
    if !outcome.as_ref().is_ok_and(Reply::goes_on) {
        answered(scope, outcome.as_ref().err());
    }
    outcome
}

/// Keeps what became of an invocation.
pub(crate) fn answered(_scope: &Scope, error: Option<&InvocationError>) {
    container().invocation_answered(error.is_some());
}

async fn guarded<H: Handler>(
    scope: &Arc<Scope>,
    event: Event<'_, H::Event>,
    context: Context,
) -> Outcome<H> {
    let payload = match event {
        Event::Typed(payload) => payload,
        Event::Json(json) => decode(json)?,
    };
    let guard = Guard::new(scope.deadline, H::SPEC.deadline_margin);
    let work = catch_async(H::call(LambdaEvent::new(payload, context)));
    let reply = guard.hold(work).await???;
    Ok(reply.within(scope, guard))
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
    pub(crate) async fn hold<T>(self, work: impl Future<Output = T>) -> Result<T, InvocationError> {
        let Some(end) = self.end else {
            return Ok(work.await);
        };
        timeout_at(end, work).await.map_err(|_| {
            let margin = self.margin;
            let text = format!("the handler was cancelled {margin:?} before Lambda's deadline");
            InvocationError::new("DeadlineExceeded", text)
        })
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
                "." => String::new(),
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
pub(crate) async fn end<H: Handler>(scope: Arc<Scope>) {
    let work = scope.clone().enter(run_deferred(&scope));
    match scope.deadline {
        None => work.await,
        Some(deadline) => {
            let end = deadline.checked_sub(DEADLINE_RESERVE).unwrap_or_else(Instant::now);
            if timeout_at(end, work).await.is_err() {
                tracing::error!("deferred work was dropped at the deadline");
            }
        }
    }
    scope.end();
    container().invocation_ends();
    let every = H::SPEC.report_every;
    if every > 0 && scope.number % every == 0 && !scope.ping {
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
            if let Err(panic) = catch_async(work).await {
                tracing::error!(%panic, "deferred work panicked");
            }
        }
    }
}

/// What deferred work leaves of the time until Lambda's deadline.
const DEADLINE_RESERVE: Duration = Duration::from_millis(50);

/// How the container is doing, in one line of the log.
pub(crate) fn report() {
    let container = container();
    tracing::info!(
        uptime_s = container.age().as_secs_f64(),
        invocations = container.invocations(),
        errors = container.errors(),
        error_rate_percent = container.error_rate() * 100.0,
        "container"
    );
}
