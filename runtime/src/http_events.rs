//! `#[handler(http)]`: requests that come as events of API Gateway, function URLs and load
//! balancers, answered by a function or by a service that is built once per container.

use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use lambda_http::request::LambdaRequest;
use lambda_http::{
    Adapter, IntoResponse, Request, RequestExt, Response, StreamAdapter, service_fn,
};
use tower::Service;

use crate::bounds::Reportable;
use crate::error::BoxError;
use crate::event::{Context, LambdaEvent};
use crate::invocation::InvocationError;
use crate::reply::{Json, failed, json};
use crate::resource::BoxFuture;
use crate::streaming::{Stream, stream};

/// What comes.
pub type Event = LambdaRequest;

/// The context that belongs to a request.
pub fn context(request: &Request) -> Context {
    request.lambda_context()
}

/// An answer to a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer to an HTTP request",
    label = "not `IntoResponse`",
    note = "help: return a `http::Response<B>`, a text, bytes, a `serde_json::Value`, or one of \
            them behind a `StatusCode`: `(status, value)`"
)]
pub trait Answer: IntoResponse + Send {}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse + Send> Answer for T {}

/// Answers by a function.
///
/// # Errors
/// The function's.
pub async fn answer<'a, F, R, E>(
    event: LambdaEvent<Event>,
    handler: impl FnMut(Request) -> F + Send,
) -> Result<Json, InvocationError>
where
    F: Future<Output = Result<R, E>> + Send + 'a,
    R: Answer + 'a,
    E: Reportable,
{
    let answer = Adapter::from(service_fn(handler)).call(event);
    json(answer.await)
}

/// Answers by a function whose answer is streamed.
///
/// # Errors
/// The function's.
pub async fn answer_stream<'a, F, B, E>(
    event: LambdaEvent<Event>,
    handler: impl FnMut(Request) -> F + Send,
) -> Result<Stream, InvocationError>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'a,
    B: http_body::Body + Unpin + Send + 'static,
    B::Data: Into<Bytes> + Send,
    B::Error: Into<BoxError> + Debug + Send,
    E: Reportable,
{
    let answer = StreamAdapter::from(service_fn(handler)).call(event);
    stream(answer.await)
}

/// A service that answers requests, such as an `axum::Router`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve HTTP requests",
    label = "not a `tower::Service<http::Request<lambda_http::Body>>` that is `Clone + Send`",
    note = "a function that does not take the request makes a service, once per container\n\
            help: return an `axum::Router`, or take the request first: \
            `async fn name(request: rewarm::http::Request)`"
)]
pub trait HttpService:
    Service<Request, Error: Reportable, Future: Send> + Clone + Send + 'static
{
}

#[diagnostic::do_not_recommend]
impl<S> HttpService for S where
    S: Service<Request, Error: Reportable, Future: Send> + Clone + Send + 'static
{
}

/// A service in its container. Every request is served by a clone of its own.
pub struct App<R>(Box<Serve<R>>);

type Serve<R> =
    dyn Fn(LambdaEvent<Event>) -> BoxFuture<'static, Result<R, InvocationError>> + Send + Sync;

impl App<Json> {
    /// The service that a function made.
    pub fn new<S>(service: S) -> Self
    where
        S: HttpService,
        S::Response: Answer + 'static,
    {
        let service = Mutex::new(service);
        Self(Box::new(move |event| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service).await?;
                answer(event, move |request| service.call(request)).await
            })
        }))
    }
}

impl App<Stream> {
    /// The service that a function made, whose answers are streamed.
    pub fn new<S, B>(service: S) -> Self
    where
        S: HttpService + Service<Request, Response = Response<B>>,
        B: http_body::Body + Unpin + Send + 'static,
        B::Data: Into<Bytes> + Send,
        B::Error: Into<BoxError> + Debug + Send,
    {
        let service = Mutex::new(service);
        Self(Box::new(move |event| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service).await?;
                answer_stream(event, move |request| service.call(request)).await
            })
        }))
    }
}

impl<R> App<R> {
    /// Answers a request.
    ///
    /// # Errors
    /// The service's.
    pub async fn serve(&self, event: LambdaEvent<Event>) -> Result<R, InvocationError> {
        (self.0)(event).await
    }
}

fn clone_of<S: Clone>(service: &Mutex<S>) -> S {
    service.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn ready<S: HttpService>(mut service: S) -> Result<S, InvocationError> {
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed)?;
    Ok(service)
}
