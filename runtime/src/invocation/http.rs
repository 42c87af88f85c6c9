//! `#[handler(http)]`: HTTP requests in events of API Gateway, function URLs and load balancers.
//! They are served by a function, or by a service that is built once per container.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Uri;
use http::uri::PathAndQuery;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{
    Adapter, Body, IntoResponse, Request, RequestExt, Response, StreamAdapter, service_fn,
};
use lambda_runtime_api_client::body::Body as Chunks;
use tower::Service;

use crate::base::erased::BoxFuture;
use crate::base::panic::{catch, catch_async};
use crate::error::{BoxError, chain};
use crate::invocation::error::{Convert, InvocationError};
use crate::invocation::response::{Json, Stream, to_json};
use crate::invocation::streaming::Streamed;
use crate::lambda::types::{Context, LambdaEvent};

/// The event of an HTTP request.
pub type Event = LambdaRequest;

/// Returns the context of a request.
pub fn context(request: &Request) -> Context {
    request.lambda_context()
}

/// A response to an HTTP request.
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

/// The result of a function or a service, with its types erased.
pub type HttpResult<R> = Result<R, InvocationError>;

/// Erases the types of the result of a function or a service.
///
/// # Errors
/// The error in the result.
pub fn respond<R: HttpResponse, E>(
    result: Result<R, E>,
    convert: Convert<E>,
) -> HttpResult<BoxFuture<'static, Response<Body>>> {
    result.map(IntoResponse::into_response).map_err(convert)
}

/// A response to an HTTP request whose body is streamed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be streamed",
    label = "not an `http::Response<B>` with a `B: http_body::Body`",
    note = "a streamed response is sent to Lambda in chunks of bytes\n\
            help: return an `http::Response<B>`, or remove the option `streaming`"
)]
pub trait StreamedHttpResponse {
    /// Erases the type of the body.
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

/// Like [`respond`], for a response whose body is streamed.
///
/// # Errors
/// The error in the result.
pub fn respond_stream<R: StreamedHttpResponse, E>(
    result: Result<R, E>,
    convert: Convert<E>,
) -> HttpResult<Response<Chunks>> {
    result.map(R::into_chunks).map_err(convert)
}

/// Serves a request by a function.
///
/// # Errors
/// The error of the function, or that of a body that fails.
pub async fn serve<'a, F>(
    event: Event,
    context: Context,
    mut handler: impl FnMut(Request) -> F + Send,
) -> Result<Json, InvocationError>
where
    F: Future<Output = HttpResult<BoxFuture<'static, Response<Body>>>> + Send + 'a,
{
    let is_converted = AtomicBool::new(false);
    let handler = |request| {
        let response = handler(converted(request, &is_converted));
        async { read(response.await?).await }
    };
    let adapter = Adapter::from(service_fn(handler));
    to_json(&begin(adapter, event, context, &is_converted)?.await?)
}

/// Like [`serve`], for a response whose body is streamed.
///
/// # Errors
/// The error of the function. That of a body that fails ends the stream.
pub async fn serve_streaming<'a, F>(
    event: Event,
    context: Context,
    mut handler: impl FnMut(Request) -> F + Send,
) -> Result<Stream, InvocationError>
where
    F: Future<Output = HttpResult<Response<Chunks>>> + Send + 'a,
{
    let is_converted = AtomicBool::new(false);
    let handler = |request| handler(converted(request, &is_converted));
    let adapter = StreamAdapter::from(service_fn(handler));
    let response = begin(adapter, event, context, &is_converted)?.await?;
    Ok(response.into_stream(|error| {
        let error: BoxError = error.into();
        unreadable(chain(&*error))
    }))
}

/// Converts an event and begins to serve it. lambda_http panics if it cannot convert an event.
fn begin<A: Service<LambdaEvent<Event>>>(
    mut adapter: A,
    event: Event,
    context: Context,
    is_converted: &AtomicBool,
) -> Result<A::Future, InvocationError> {
    let begun = catch(|| adapter.call(LambdaEvent::new(event, context)));
    begun.map_err(|panic| match panic.message() {
        _ if is_converted.load(Relaxed) => panic.into(),
        message if message.starts_with("failed to decode") => {
            InvocationError::new("UnreadableBody", "the body of the request is not valid base64")
        }
        message => {
            let text = format!("the event is not a valid request: {message}");
            InvocationError::new("InvalidEvent", text)
        }
    })
}

/// Reads the body of a response. lambda_http panics if the body fails.
async fn read(
    response: BoxFuture<'static, Response<Body>>,
) -> Result<Response<Body>, InvocationError> {
    let response = catch_async(response).await;
    response.map_err(|panic| {
        match panic.message().strip_prefix("unable to read bytes from body: ") {
            Some(error) => unreadable(error),
            None => panic.into(),
        }
    })
}

/// The error of a response whose body fails.
fn unreadable(error: impl std::fmt::Display) -> InvocationError {
    let text = format!("the body of the response failed: {error}");
    InvocationError::new("UnreadableBody", text)
}

/// A request, as the handler receives it.
fn converted(mut request: Request, is_converted: &AtomicBool) -> Request {
    is_converted.store(true, Relaxed);
    if let Some(uri) = without_stage(&request) {
        *request.uri_mut() = uri;
    }
    request
}

/// The URI without the stage of an API Gateway, if it has one, so that routes are the same in all
/// stages. In the path of an HTTP API the gateway puts the stage first; lambda_http puts it before any
/// other path.
fn without_stage(request: &Request) -> Option<Uri> {
    let (stage, is_http_api) = match request.request_context_ref()? {
        RequestContext::ApiGatewayV1(context) => (context.stage.as_deref()?, false),
        RequestContext::ApiGatewayV2(context) => (context.stage.as_deref()?, true),
        _ => return None,
    };
    if stage == "$default" {
        return None;
    }
    let path = request.uri().path();
    let path = match (after(stage, request.raw_http_path()), is_http_api) {
        // A path of a REST API may begin with the name of its stage.
        (Some(rest), false) if !rest.is_empty() => return None,
        (Some(""), true) => "",
        _ => after(stage, path)?,
    };
    let path = if path.is_empty() { "/" } else { path };
    let path: PathAndQuery = match request.uri().query() {
        Some(query) => format!("{path}?{query}").parse().ok()?,
        None => path.parse().ok()?,
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

/// The rest of a path that begins with this stage.
fn after<'a>(stage: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// A service for HTTP requests, such as an `axum::Router`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve HTTP requests",
    label = "not a `tower::Service<http::Request<lambda_http::Body>>` that is `Clone + Send`",
    note = "an `http` handler without a request parameter returns a service, once per container\n\
            help: return an `axum::Router`, or take the request as the first parameter: \
            `async fn name(request: rewarm::http::Request)`"
)]
pub trait HttpService:
    Service<
        Request,
        Response = <Self as HttpService>::Success,
        Error = <Self as HttpService>::Failure,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// Its response.
    type Success: HttpResponse;
    /// Its error.
    type Failure: 'static;
}

#[diagnostic::do_not_recommend]
impl<S> HttpService for S
where
    S: Service<Request, Response: HttpResponse, Error: 'static, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Success = S::Response;
    type Failure = S::Error;
}

/// The service of a container. Each request is served by a clone of it, since concurrent requests
/// need one `&mut` service each.
pub struct App<R>(Box<Serve<R>>);

type Serve<R> =
    dyn Fn(Event, Context) -> BoxFuture<'static, Result<R, InvocationError>> + Send + Sync;

impl App<Json> {
    /// Creates an app from the service that a function returned.
    pub fn new<S: HttpService<Failure = E>, E: 'static>(service: S, convert: Convert<E>) -> Self {
        let service = Mutex::new(service);
        Self(Box::new(move |event, context| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service, convert).await?;
                let call = move |request| {
                    service.call(request).map(move |result| respond(result, convert))
                };
                serve(event, context, call).await
            })
        }))
    }
}

impl App<Stream> {
    /// Creates an app from the service that a function returned. Its responses are streamed.
    pub fn new<S, E: 'static>(service: S, convert: Convert<E>) -> Self
    where
        S: HttpService<Failure = E, Success: StreamedHttpResponse>,
    {
        let service = Mutex::new(service);
        Self(Box::new(move |event, context| {
            let service = clone_of(&service);
            Box::pin(async move {
                let mut service = ready(service, convert).await?;
                let call = move |request| {
                    service.call(request).map(move |result| respond_stream(result, convert))
                };
                serve_streaming(event, context, call).await
            })
        }))
    }
}

impl<R> App<R> {
    /// Serves a request.
    ///
    /// # Errors
    /// The error of the service.
    pub async fn serve(&self, event: Event, context: Context) -> Result<R, InvocationError> {
        (self.0)(event, context).await
    }
}

fn clone_of<S: Clone>(service: &Mutex<S>) -> S {
    service.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn ready<S: HttpService>(
    mut service: S,
    convert: Convert<S::Failure>,
) -> Result<S, InvocationError> {
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(convert)?;
    Ok(service)
}
