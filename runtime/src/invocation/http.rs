//! `#[handler(http)]`: requests that come as events of API Gateway, function URLs and load
//! balancers, answered by a function or by a service that is built once per container.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use lambda_http::request::LambdaRequest;
use lambda_http::{
    Adapter, Body, IntoResponse, Request, RequestExt, Response, StreamAdapter, service_fn,
};
use lambda_runtime_api_client::body::Body as Chunks;
use tower::Service;

use crate::base::erased::BoxFuture;
use crate::diagnostics::Reportable;
use crate::error::BoxError;
use crate::invocation::error::InvocationError;
use crate::invocation::response::{Json, Stream, json};
use crate::invocation::streaming::stream;
use crate::lambda::types::{Context, LambdaEvent};

/// What comes.
pub type Event = LambdaRequest;

/// The context that belongs to a request.
pub fn context(request: &Request) -> Context {
    request.lambda_context()
}

/// An answer to a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an HTTP response",
    label = "not `IntoResponse`",
    note = "the return value of an `http` handler is converted into an HTTP response\n\
            help: return an `http::Response<B>`, text, bytes, a `serde_json::Value`, or one of \
            these with a status code, as `(StatusCode::CREATED, value)`"
)]
pub trait HttpResponse: IntoResponse + Send {}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse + Send> HttpResponse for T {}

/// What becomes of an answer.
pub type Responding<R> = Result<R, InvocationError>;

/// Makes a response of what a function returns.
///
/// # Errors
/// The function's.
pub fn respond<R: HttpResponse, E: Reportable>(
    serve: Result<R, E>,
) -> Responding<BoxFuture<'static, Response<Body>>> {
    serve.map(IntoResponse::into_response).map_err(InvocationError::of)
}

/// An answer to a request that is streamed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be streamed",
    label = "not an `http::Response<B>` with a `B: http_body::Body`",
    note = "a streamed response is sent to Lambda in chunks of bytes\n\
            help: return an `http::Response<B>`, or remove the option `streaming`"
)]
pub trait StreamedHttpResponse {
    /// The same with a body of whatever type.
    fn into_chunks(self) -> Response<Chunks>;
}

#[diagnostic::do_not_recommend]
impl<B> StreamedHttpResponse for Response<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn into_chunks(self) -> Response<Chunks> {
        self.map(Chunks::new)
    }
}

/// The same, where it is streamed.
///
/// # Errors
/// The function's.
pub fn respond_stream<R, E>(serve: Result<R, E>) -> Responding<Response<Chunks>>
where
    R: StreamedHttpResponse,
    E: Reportable,
{
    serve.map(R::into_chunks).map_err(InvocationError::of)
}

/// Answers by a function that is given the request.
///
/// # Errors
/// The function's.
pub async fn serve<'a, F>(
    event: Event,
    context: Context,
    mut handler: impl FnMut(Request) -> F + Send,
) -> Result<Json, InvocationError>
where
    F: Future<Output = Responding<BoxFuture<'static, Response<Body>>>> + Send + 'a,
{
    let handler = |request| {
        let serve = handler(request);
        async { Ok::<_, InvocationError>(serve.await?.await) }
    };
    let serve = Adapter::from(service_fn(handler)).call(LambdaEvent::new(event, context));
    json::<_, Infallible>(Ok(serve.await?))
}

/// The same, where the answer is streamed.
///
/// # Errors
/// The function's.
pub async fn serve_streaming<'a, F>(
    event: Event,
    context: Context,
    handler: impl FnMut(Request) -> F + Send,
) -> Result<Stream, InvocationError>
where
    F: Future<Output = Responding<Response<Chunks>>> + Send + 'a,
{
    let serve = StreamAdapter::from(service_fn(handler)).call(LambdaEvent::new(event, context));
    stream::<_, Infallible>(Ok(serve.await?))
}

/// A service that answers requests, such as an `axum::Router`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve HTTP requests",
    label = "not a `tower::Service<http::Request<lambda_http::Body>>` that is `Clone + Send`",
    note = "an `http` handler without a request parameter returns a service, once per container\n\
            help: return an `axum::Router`, or take the request as the first parameter: \
            `async fn name(request: rewarm::http::Request)`"
)]
pub trait HttpService:
    Service<Request, Response: HttpResponse, Error: Reportable, Future: Send> + Clone + Send + 'static
{
}

#[diagnostic::do_not_recommend]
impl<S> HttpService for S where
    S: Service<Request, Response: HttpResponse, Error: Reportable, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// A service in its container. Every request is served by a clone of its own.
pub struct App<R>(Box<Serve<R>>);

type Serve<R> =
    dyn Fn(Event, Context) -> BoxFuture<'static, Result<R, InvocationError>> + Send + Sync;

impl App<Json> {
    /// The service that a function made.
    pub fn new<S: HttpService>(service: S) -> Self {
        let service = Mutex::new(service);
        Self(Box::new(move |event, context| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service).await?;
                let call = move |request| service.call(request).map(respond);
                serve(event, context, call).await
            })
        }))
    }
}

impl App<Stream> {
    /// The service that a function made, whose answers are streamed.
    pub fn new<S, B>(service: S) -> Self
    where
        S: HttpService + Service<Request, Response = Response<B>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = Mutex::new(service);
        Self(Box::new(move |event, context| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service).await?;
                let call = move |request| service.call(request).map(respond_stream);
                serve_streaming(event, context, call).await
            })
        }))
    }
}

impl<R> App<R> {
    /// Answers a request.
    ///
    /// # Errors
    /// The service's.
    pub async fn serve(&self, event: Event, context: Context) -> Result<R, InvocationError> {
        (self.0)(event, context).await
    }
}

fn clone_of<S: Clone>(service: &Mutex<S>) -> S {
    service.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn ready<S: HttpService>(mut service: S) -> Result<S, InvocationError> {
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(InvocationError::of)?;
    Ok(service)
}
