//! `#[handler(http)]`: HTTP requests in events of API Gateway, function URLs and load balancers.
//! They are served by a function, or by a service that is built once per container.

use std::any::Any;
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use http::Uri;
use http::header::{CONTENT_ENCODING, HeaderValue};
use http::uri::PathAndQuery;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{
    Adapter, Body, IntoResponse, Request, RequestExt, Response, StreamAdapter, service_fn,
};
use lambda_runtime_api_client::body::Body as Chunks;
use tower::{Layer, Service};

use crate::base::erased::BoxFuture;
use crate::base::panic::{catch, catch_async};
use crate::error::{BoxError, chain};
use crate::invocation::app::App;
use crate::invocation::error::{Convert, InvocationError};
use crate::invocation::layer::Next;
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

/// A response whose body is read in whole.
pub type Whole = BoxFuture<'static, Response<Body>>;

/// A response whose body is streamed.
pub type Streaming = Response<Chunks>;

/// Erases the types of the result of a function or a service.
///
/// # Errors
/// The error in the result.
pub fn respond<R: HttpResponse, E>(result: Result<R, E>, convert: Convert<E>) -> HttpResult<Whole> {
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
) -> HttpResult<Streaming> {
    result.map(R::into_chunks).map_err(convert)
}

/// The response of a layer of an `http` handler.
#[diagnostic::on_unimplemented(
    message = "the layers of an `http` handler respond with `{Self}`",
    label = "not an `http::Response<B>` with a `B: http_body::Body`",
    note = "the response of the outermost layer is sent to the client\n\
            help: respond with an `http::Response<B>` whose body has `Data = Bytes`"
)]
pub trait LayeredResponse {
    /// Erases the type of the body, and begins to read it.
    fn into_whole(self) -> Whole;
}

#[diagnostic::do_not_recommend]
impl<B> LayeredResponse for Response<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn into_whole(self) -> Whole {
        let mut body = Some(self);
        // The body of the handler: lambda_http has chosen between text and bytes.
        let is = <dyn Any>::downcast_mut::<Option<Response<Body>>>(&mut body);
        if let Some(response) = is.and_then(Option::take) {
            return Box::pin(ready(response));
        }
        let Some(mut response) = body else {
            unreachable!("it is taken above");
        };
        if response.extensions().get::<IsBinary>().is_none() {
            return response.map(Chunks::new).into_response();
        }
        // lambda_http takes a body for text unless a header says otherwise.
        let encoding = response.headers_mut().insert(CONTENT_ENCODING, IDENTITY);
        let response = response.map(Chunks::new).into_response();
        Box::pin(async {
            let mut response = response.await;
            match encoding {
                Some(encoding) => response.headers_mut().insert(CONTENT_ENCODING, encoding),
                None => response.headers_mut().remove(CONTENT_ENCODING),
            };
            response
        })
    }
}

/// Marks a response of a handler whose body is no text.
#[derive(Clone)]
struct IsBinary;

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Like [`respond`], for the response of a layer.
///
/// # Errors
/// The error in the result.
pub fn respond_layered<R: LayeredResponse, E>(
    result: Result<R, E>,
    convert: Convert<E>,
) -> HttpResult<Whole> {
    result.map(R::into_whole).map_err(convert)
}

/// Layers for `#[handler(http)]`: a `tower::Layer` around the handler, or several as a
/// `tower::ServiceBuilder`.
///
/// It names the return type of a function for the option
/// [`layer`](macro@crate::handler#layer--path) without the types of the layers:
///
/// ```
/// # use std::time::Duration;
/// use rewarm::http::tower::ServiceBuilder;
/// use rewarm::layer::HttpLayer;
/// use tower_http::cors::CorsLayer;
/// use tower_http::timeout::TimeoutLayer;
/// # use rewarm::http::http::StatusCode;
///
/// fn layers() -> impl HttpLayer {
///     let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5));
///     ServiceBuilder::new().layer(CorsLayer::permissive()).layer(timeout)
/// }
/// ```
///
/// `B` is the body of the handler's response: with the option `streaming`, that is
/// `rewarm::http::lambda_runtime::streaming::Body`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer for an `http` handler",
    label = "not a `tower::Layer<Next<Request, Response<{B}>>>` whose service is sound",
    note = "its service is kept in the container and cloned for each invocation\n\
            help: it must be `Service<Request> + Clone + Send`, with `Future: Send`, an error that \
            converts into `Box<dyn Error + Send + Sync>`, and an `http::Response` whose body has \
            `Data = Bytes`"
)]
pub trait HttpLayer<B = Body>:
    Layer<
        Next<Request, Response<B>>,
        Service: Service<
            Request,
            Response = Response<<Self as HttpLayer<B>>::Body>,
            Error: Into<BoxError> + Send,
            Future: Send,
        > + Clone
                     + Send
                     + 'static,
    >
{
    /// The body of the response of the outermost layer.
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

#[diagnostic::do_not_recommend]
impl<L, S, B, C> HttpLayer<B> for L
where
    L: Layer<Next<Request, Response<B>>, Service = S>,
    S: Service<Request, Response = Response<C>, Error: Into<BoxError> + Send, Future: Send>
        + Clone
        + Send
        + 'static,
    C: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = C;
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
    F: Future<Output = HttpResult<Whole>> + Send + 'a,
{
    let is_converted = AtomicBool::new(false);
    let handler = |request| {
        let response = handler(converted(request, &is_converted));
        async { read(response.await).await.map(Converted) }
    };
    let adapter = Adapter::from(service_fn(handler));
    to_json(&begin(adapter, event, context, &is_converted)?.await?)
}

/// A response that lambda_http has converted. Converted again, bytes would become text.
struct Converted(Response<Body>);

impl IntoResponse for Converted {
    fn into_response(self) -> Whole {
        Box::pin(ready(self.0))
    }
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
    F: Future<Output = HttpResult<Streaming>> + Send + 'a,
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
///
/// # Errors
/// The error in the result, or that of the body.
pub async fn read(response: HttpResult<Whole>) -> HttpResult<Response<Body>> {
    let response = catch_async(response?).await;
    let mut response = response.map_err(|panic| {
        match panic.message().strip_prefix("unable to read bytes from body: ") {
            Some(error) => unreadable(error),
            None => panic.into(),
        }
    })?;
    if matches!(response.body(), Body::Binary(_)) {
        response.extensions_mut().insert(IsBinary);
    }
    Ok(response)
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

impl App<Request, Whole> {
    /// Serves a request.
    ///
    /// # Errors
    /// The error of the service, or that of a body that fails.
    pub async fn serve(&self, event: Event, context: Context) -> Result<Json, InvocationError> {
        serve(event, context, |request| self.call(request)).await
    }
}

impl App<Request, Streaming> {
    /// Serves a request whose response is streamed.
    ///
    /// # Errors
    /// The error of the service. That of a body that fails ends the stream.
    pub async fn serve(&self, event: Event, context: Context) -> Result<Stream, InvocationError> {
        serve_streaming(event, context, |request| self.call(request)).await
    }
}
