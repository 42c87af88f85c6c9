//! The loop: polls an event, runs the handler, sends its response, runs what it deferred, and polls
//! again. Lambda decides how many such loops run concurrently.
//!
//! - **Every event that has a request id gets exactly one response or error**, whatever its headers
//!   and its body are.
//! - **Panics** that pass the guards around the handler, as those of a `tracing` layer, are the error
//!   of their event, or are logged if its response has been sent.
//! - **Polls that fail** are repeated with backoff. The loops end together, when the API stays gone
//!   for all of them: one that handles an event has not lost the API.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_runtime::{Config, Context};

use super::api::{RuntimeApi, Target};
use super::environment::Environment;
use crate::base::erased::spawn;
use crate::base::panic::{catch_async, log_caught};
use crate::base::random;
use crate::error::{BoxError, chain};
use crate::invocation::deadline::Guard;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::response::{AnyResponse, Response};
use crate::invocation::{self, ActiveInvocation, Payload};

/// The number of polls in a row after whose failure a loop has lost the API.
const MAX_FAILURES: u32 = 8;
/// The pause after the first poll that failed. Each further one is twice as long, up to
/// [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(800);

/// Runs until the API stays gone.
///
/// # Errors
/// The error of the last poll.
pub(super) async fn run<H: Handler>(
    api: Arc<RuntimeApi>,
    environment: &Environment,
) -> Result<(), BoxError> {
    let template = Template::new(environment);
    let connected = Arc::new(AtomicU32::new(environment.concurrency));
    if environment.concurrency == 1 {
        let trace_id = TraceId::InEnvironment { is_set: false };
        return Err(poll_and_handle::<H>(&api, &template, &connected, trace_id).await);
    }
    let (sender, mut errors) = tokio::sync::mpsc::unbounded_channel();
    let loops = (0..environment.concurrency).map(|_| {
        let (api, template, sender) = (Arc::clone(&api), template.clone(), sender.clone());
        let connected = Arc::clone(&connected);
        spawn(async move {
            let trace_id = TraceId::InContext;
            let error = poll_and_handle::<H>(&api, &template, &connected, trace_id).await;
            let _ = sender.send(error);
        })
    });
    join_all(loops).await;
    errors.try_recv().map_or(Ok(()), Err)
}

/// One loop. `connected` is the number of loops that have not lost the API. When there is none left,
/// all loops end, each with the error of its last poll.
async fn poll_and_handle<H: Handler>(
    api: &RuntimeApi,
    template: &Template,
    connected: &AtomicU32,
    mut trace_id: TraceId,
) -> BoxError {
    let mut failures: u32 = 0;
    loop {
        // A `tracing` layer may panic in a poll, too.
        let polled = catch_async(pin!(poll(api, template))).await;
        match polled.unwrap_or_else(|panic| Err(panic.into_error())) {
            Ok(event) => {
                let was_lost = std::mem::take(&mut failures) >= MAX_FAILURES;
                let others_end = was_lost && !reconnect(connected);
                match event {
                    Some(event) => {
                        trace_id.set(&event.context);
                        handle::<H>(api, event).await;
                    }
                    // There was no event to wait for.
                    None => tokio::time::sleep(FIRST_PAUSE).await,
                }
                if others_end {
                    return "no poll succeeded for too long".into();
                }
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                if failures == MAX_FAILURES {
                    connected.fetch_sub(1, Relaxed);
                }
                if failures >= MAX_FAILURES && connected.load(Relaxed) == 0 {
                    return error;
                }
                if failures == 1 {
                    let error = chain(&*error);
                    log_caught(|| tracing::warn!(error, "failed to poll the next event; retrying"));
                }
                tokio::time::sleep(pause(failures)).await;
            }
        }
    }
}

/// Counts a loop again that had lost the API. Returns false if the loops end already.
fn reconnect(connected: &AtomicU32) -> bool {
    let add = |count: u32| (count > 0).then_some(count + 1);
    connected.fetch_update(Relaxed, Relaxed, add).is_ok()
}

/// The pause after so many failures, less a random part of up to a half.
fn pause(failures: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures - 1)).min(MAX_PAUSE);
    pause - Duration::from_nanos(random::share(pause.as_nanos() as u64, 50))
}

/// An event, with what belongs to it.
struct Event {
    target: Target,
    context: Context,
    /// The time until Lambda ends the invocation; `None` without a limit.
    remaining: Option<Duration>,
    /// The bytes of the event, or why they did not arrive.
    body: Result<Bytes, InvocationError>,
}

/// Polls the next event; `None` for a response without one, such as a 204.
async fn poll(api: &RuntimeApi, template: &Template) -> Result<Option<Event>, BoxError> {
    let (parts, body) = api.next().await?.into_parts();
    if parts.status == StatusCode::NO_CONTENT {
        return Ok(None);
    }
    let Head { target, context, remaining } = template
        .read(&parts.headers)
        .ok_or("the Runtime API sent an event without a request id")?;
    let body = RuntimeApi::read(body).await.map_err(|error| {
        let text = format_args!("the event did not arrive in whole: {}", chain(&*error));
        let text = text.to_string();
        InvocationError::new("InvalidEvent", text)
    });
    Ok(Some(Event { target, context, remaining, body }))
}

/// Handles one event: from its bytes to the end of its deferred work.
async fn handle<H: Handler>(api: &RuntimeApi, event: Event) {
    let Event { target, mut context, remaining, body } = event;
    let delivery = Delivery { api, target, is_begun: AtomicBool::new(false) };
    let work = async {
        let mut active = invocation::begin::<H>(&payload(&body), &context, remaining);
        let response = {
            let work = pin!(async {
                let invocation = active.clone();
                let response = invocation::respond::<H>(invocation, payload(&body), &mut context);
                // The handler's own copy is enough: an event can have 6 MB.
                drop(body);
                response.await
            });
            active.enter(work).await
        };
        let sent = catch_async(pin!(delivery.send::<H>(&mut active, response))).await;
        if let Err(panic) = sent {
            delivery.not_sent(&mut active, &panic.into()).await;
        }
        invocation::end::<H>(active).await;
    };
    let Err(panic) = catch_async(work).await else {
        return;
    };
    log_caught(|| tracing::error!(%panic, "panic outside the handler"));
    if !delivery.is_begun.load(Relaxed) {
        delivery.fail(&InvocationError::from(panic)).await;
    }
}

fn payload<T>(body: &Result<Bytes, InvocationError>) -> Payload<'_, T> {
    match body {
        Ok(body) => Payload::Json(body),
        Err(error) => Payload::Broken(error.clone()),
    }
}

/// Sends one response or error to one invocation.
struct Delivery<'a> {
    api: &'a RuntimeApi,
    target: Target,
    /// True once a response or an error is being sent. Of a streamed one, nothing is sent until the
    /// connection takes it.
    is_begun: AtomicBool,
}

impl Delivery<'_> {
    /// Sends the response of an invocation, and records a failure to do so.
    async fn send<H: Handler>(
        &self,
        active: &mut ActiveInvocation,
        response: Result<H::Response, InvocationError>,
    ) {
        let invocation = Arc::clone(active);
        let goes_on = response.as_ref().is_ok_and(Response::goes_on);
        self.is_begun.store(!goes_on, Relaxed);
        let sent = match response.map(Response::into_any) {
            // Outside of the span: a subscriber that panics must not keep a response from being sent.
            Ok(AnyResponse::Json(json)) => self.api.respond(&self.target, json).await,
            Err(error) => self.api.fail(&self.target, &error).await,
            Ok(AnyResponse::Stream(stream)) => {
                // The trailers of a body that ended at the deadline have the rest of the margin.
                let guard = Guard::new(invocation.deadline, H::SPEC.deadline_margin / 4);
                let sending = pin!(Some(self.api.stream(&self.target, stream, &self.is_begun)));
                let sending = pin!(guard.hold(sending));
                match invocation.enter(sending).await {
                    Some(sent) => sent,
                    None => {
                        let error = guard.exceeded(false);
                        invocation.log(|| {
                            tracing::error!(%error, "the body of the response was cut off");
                        });
                        active.not_sent(&error, true);
                        if !self.is_begun.load(Relaxed) {
                            self.fail(&error).await;
                        }
                        return;
                    }
                }
            }
        };
        if let Err(error) = sent {
            let error = InvocationError::new("ResponseNotSent", chain(&*error));
            self.not_sent(active, &error).await;
        }
    }

    /// Records that the response of an invocation was not sent in whole.
    async fn not_sent(&self, active: &mut ActiveInvocation, error: &InvocationError) {
        active.log(|| {
            tracing::error!(error = error.error_message, "failed to send the response");
        });
        active.not_sent(error, false);
        if !self.is_begun.load(Relaxed) {
            self.fail(error).await;
        }
    }

    /// Sends the error of an event whose invocation has ended without a response.
    async fn fail(&self, error: &InvocationError) {
        self.is_begun.store(true, Relaxed);
        if let Err(error) = self.api.fail(&self.target, error).await {
            let error = chain(&*error);
            log_caught(|| tracing::error!(error, "failed to send the error"));
        }
    }
}

/// The parts of a context that are the same in every invocation.
#[derive(Clone)]
struct Template {
    context: Context,
    /// True if a deadline that has passed is a deadline.
    trusts_deadlines: bool,
}

impl Template {
    fn new(environment: &Environment) -> Self {
        let mut context = Context::default();
        context.env_config = Arc::new(Config::from_env());
        Self { context, trusts_deadlines: !environment.is_cargo_lambda() }
    }

    /// Reads the headers of an event; `None` if there is no request id. Any other header that makes no
    /// sense is logged and ignored: the event is handled all the same.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next>
    fn read(&self, headers: &HeaderMap) -> Option<Head> {
        let mut context = self.context.clone();
        let (mut request_id, mut invocation_id, mut deadline) = (None, None, None);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        for (name, value) in headers {
            match name.as_str() {
                "lambda-runtime-aws-request-id" => request_id = value.to_str().ok(),
                "lambda-runtime-invocation-id" => invocation_id = Some(value.clone()),
                "lambda-runtime-deadline-ms" => {
                    deadline = value.to_str().ok().and_then(|text| text.parse().ok());
                }
                "lambda-runtime-invoked-function-arn" => context.invoked_function_arn = text(value),
                "lambda-runtime-trace-id" => context.xray_trace_id = Some(text(value)),
                "lambda-runtime-aws-tenant-id" => context.tenant_id = Some(text(value)),
                "lambda-runtime-client-context" => context.client_context = json(name, value),
                "lambda-runtime-cognito-identity" => context.identity = json(name, value),
                _ => {}
            }
        }
        request_id?.clone_into(&mut context.request_id);
        let target = Target { request_id: context.request_id.clone(), invocation_id };
        context.deadline = deadline.unwrap_or(0);
        let remaining = match (deadline, context.deadline().duration_since(SystemTime::now())) {
            (None, _) => {
                ignored("lambda-runtime-deadline-ms", "not a number");
                None
            }
            (Some(_), Ok(remaining)) => Some(remaining),
            (Some(_), Err(_)) => self.trusts_deadlines.then_some(Duration::ZERO),
        };
        Some(Head { target, context, remaining })
    }
}

/// The headers of an event.
struct Head {
    target: Target,
    context: Context,
    remaining: Option<Duration>,
}

/// The value of a header with JSON; `None` if it is empty, or not of that type.
fn json<T: serde::de::DeserializeOwned>(name: &HeaderName, value: &HeaderValue) -> Option<T> {
    if value.is_empty() {
        return None;
    }
    let parsed = serde_json::from_slice(value.as_bytes());
    parsed.inspect_err(|error| ignored(name.as_str(), error)).ok()
}

fn ignored(header: &str, error: impl std::fmt::Display) {
    log_caught(|| tracing::warn!(header, %error, "ignored a header of an event"));
}

/// The place in which libraries find the X-Ray trace id of the current invocation.
enum TraceId {
    /// In `_X_AMZN_TRACE_ID`, which is how AWS's SDKs look it up.
    InEnvironment { is_set: bool },
    /// In the context alone, where several invocations run concurrently.
    InContext,
}

impl TraceId {
    fn set(&mut self, context: &Context) {
        let Self::InEnvironment { is_set } = self else {
            return;
        };
        const NAME: &str = "_X_AMZN_TRACE_ID";
        match &context.xray_trace_id {
            Some(id) => rewarm_macros::in_edition_2021!(std::env::set_var(NAME, id)),
            None if *is_set => rewarm_macros::in_edition_2021!(std::env::remove_var(NAME)),
            None => {}
        }
        *is_set = context.xray_trace_id.is_some();
    }
}
