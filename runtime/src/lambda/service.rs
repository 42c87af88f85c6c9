//! A handler as a `tower::Service`, for programs that build a `lambda_runtime::Runtime` themselves.

use std::marker::PhantomData;
use std::pin::pin;
use std::task::{self, Poll};
use std::time::SystemTime;

use super::environment::{self, Environment};
use super::types::LambdaEvent;
use crate::base::erased::BoxFuture;
use crate::base::panic::record_locations;
use crate::container::container;
use crate::container::snapshot::Start;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::Handler;
use crate::invocation::response::Response;
use crate::invocation::{self, Payload};
use crate::metrics::emf;

/// A handler as a `tower::Service`, for programs that build a [`lambda_runtime::Runtime`] themselves.
///
/// Resources are built at their first use. Deferred work runs before the service returns its
/// response, since only `run` knows when the response has been sent. The service receives events
/// that lambda_runtime has deserialized: an event that does not fit is lambda_runtime's error, and a
/// warm-up ping, which is recognised by its bytes, is an event like any other.
///
/// The service itself needs nothing of Lambda's environment: a test can call it. A
/// [`lambda_runtime::Runtime`] does, and panics outside Lambda. A program that only wants layers writes
/// `#[handler(layer = path)]` and calls `run`.
///
/// ```
/// use rewarm::{Context, LambdaEvent, handler};
/// use tower::ServiceExt;
///
/// #[handler]
/// async fn double(event: u64) -> u64 {
///     event * 2
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let event = LambdaEvent::new(21, Context::default());
/// assert_eq!(double::service().oneshot(event).await.unwrap().get(), "42");
/// # }
/// ```
pub struct Service<H>(PhantomData<H>);

/// The service of a handler.
pub fn service<H: Handler>() -> Service<H> {
    record_locations();
    let start = match Environment::is_lambda() {
        true => environment::start(),
        false => Start::Local,
    };
    container().begin_once(start);
    if Environment::is_lambda() {
        H::SPEC.begin_metrics(start, emf::to_stdout);
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
            let (event, mut context) = event.into_parts();
            let payload = Payload::Typed(event);
            let remaining = context.deadline().duration_since(SystemTime::now()).ok();
            let active = invocation::begin::<H>(&payload, &context, remaining);
            let response = {
                let work = pin!(async {
                    invocation::respond::<H>(active.clone(), payload, &mut context).await
                });
                active.enter(work).await
            };
            match response {
                // The invocation ends with the body.
                Ok(response) if response.goes_on() => {
                    Ok(response.then(Box::pin(invocation::end::<H>(active))))
                }
                response => {
                    invocation::end::<H>(active).await;
                    response
                }
            }
        })
    }
}
