//! `layer`: layers of tower and tower-http around a handler.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context as TaskContext, Poll};

use futures_util::stream::{self, BoxStream, StreamExt};
use rewarm::http::http::{StatusCode, header};
use rewarm::http::lambda_runtime::streaming;
use rewarm::http::tower::util::BoxCloneService;
use rewarm::http::{Body, IntoResponse, Request, Response};
use rewarm::layer::{EventLayer, HttpLayer, Next, StreamBody};
use rewarm::{Diagnostic, StreamResponse};
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Layer, ServiceBuilder, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use super::*;

#[init]
async fn factor() -> u32 {
    7
}

/// One layer, by its type.
fn timeout() -> TimeoutLayer {
    TimeoutLayer::new(Duration::from_millis(20))
}

#[derive(Debug)]
struct Negative;

impl From<Negative> for Diagnostic {
    fn from(_: Negative) -> Self {
        let error_message = "below zero".to_owned();
        Diagnostic { error_type: "Shop.Negative".to_owned(), error_message }
    }
}

#[handler(layer = timeout, report_every = 0)]
async fn times(event: i32, factor: &u32) -> Result<i64, Negative> {
    match event {
        i32::MIN..0 => return Err(Negative),
        0 => std::future::pending().await,
        1 => panic!("one is no number"),
        _ => {}
    }
    Ok(i64::from(event) * i64::from(*factor))
}

#[tokio::test]
async fn a_handler_runs_inside_its_layer_with_its_resources() {
    let _turn = simulation().await;
    let mut container = times::container().await;
    assert_eq!(container.invoke(3).await.unwrap(), 21);
    let error = container.invoke(0).await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "request timed out"));
    // The error of the handler is in a box of the layer.
    let error = container.invoke(-1).await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("Shop.Negative", "below zero"));
    let error = container.invoke(1).await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(error.error_message.starts_with("one is no number, at "), "{error}");
    let snapshot = container.snapshot();
    assert_eq!((snapshot.invocations, snapshot.errors), (4, 3));
    let layers = snapshot.resources.iter().find(|it| it.name == "timeout").unwrap();
    assert_eq!(layers.generation, 1, "the layers are built in INIT");
}

#[tokio::test]
async fn the_service_of_a_handler_has_its_layers() {
    let _turn = outside_containers().await;
    let event = |number| LambdaEvent::new(number, Context::default());
    let mut service = times::service();
    assert_eq!(service.call(event(2)).await.unwrap().get(), "14");
    let error = service.call(event(0)).await.unwrap_err();
    assert_eq!(error.error_message, "request timed out");
}

static BUILT: AtomicU32 = AtomicU32::new(0);
static CLONED: AtomicU32 = AtomicU32::new(0);

/// A layer of the user: counts, and changes what passes through.
#[derive(Clone)]
struct Doubled;

struct Doubles<S>(S);

impl<S: Clone> Clone for Doubles<S> {
    fn clone(&self) -> Self {
        CLONED.fetch_add(1, SeqCst);
        Self(self.0.clone())
    }
}

impl<S> Layer<S> for Doubled {
    type Service = Doubles<S>;

    fn layer(&self, inner: S) -> Doubles<S> {
        BUILT.fetch_add(1, SeqCst);
        Doubles(inner)
    }
}

impl<S: Service<LambdaEvent<String>>> Service<LambdaEvent<String>> for Doubles<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut event: LambdaEvent<String>) -> S::Future {
        assert!(rewarm::remaining().is_some(), "a layer runs inside the invocation");
        rewarm::defer(async {});
        event.payload = event.payload.repeat(2);
        self.0.call(event)
    }
}

/// A stack without its type. The response of the outermost layer is another type.
fn stack() -> impl EventLayer<String, String, Value> {
    ServiceBuilder::new()
        .map_response(|text: String| json!({ "text": text }))
        .map_err(|error: InvocationError| BoxError::from(error))
        .layer(Doubled)
}

#[handler(layer = self::stack)]
async fn echo(event: LambdaEvent<String>, context: Context) -> Result<String, String> {
    assert_eq!(event.context.request_id, context.request_id);
    match &*event.payload {
        "" => Err("nothing to repeat".to_owned()),
        text => Ok(format!("{text} {}", context.request_id)),
    }
}

#[tokio::test]
async fn layers_are_built_once_and_cloned_for_each_invocation() {
    let _turn = simulation().await;
    BUILT.store(0, SeqCst);
    let mut container = echo::container().await;
    assert_eq!(BUILT.load(SeqCst), 1);
    CLONED.store(0, SeqCst);
    assert_eq!(container.invoke("ab").await.unwrap(), json!({ "text": "abab test-1" }));
    assert_eq!(container.invoke("c").await.unwrap(), json!({ "text": "cc test-2" }));
    let error = container.invoke("").await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("String", "nothing to repeat"));
    assert_eq!((BUILT.load(SeqCst), CLONED.load(SeqCst)), (1, 3));
    // The event does not fit: no layer sees it.
    assert_eq!(container.invoke(1).await.unwrap_err().error_type, "InvalidEvent");
    assert_eq!(CLONED.load(SeqCst), 3);
}

/// A layer whose service is never ready, or hangs.
fn hangs() -> impl EventLayer<(), ()> {
    ServiceBuilder::new().concurrency_limit(0)
}

#[handler(layer = hangs)]
async fn never(_event: ()) {}

#[tokio::test(start_paused = true)]
async fn a_layer_that_hangs_ends_at_the_deadline() {
    let _turn = simulation().await;
    let mut container = never::container().await;
    let error = container.invoke(json!(null)).await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
    assert_eq!(container.snapshot().deadline_exceeded, 1);
}

fn at_most_two() -> ConcurrencyLimitLayer {
    ConcurrencyLimitLayer::new(2)
}

static RUNNING: AtomicU32 = AtomicU32::new(0);
static MOST: AtomicU32 = AtomicU32::new(0);

#[handler(layer = at_most_two, allow(global_state))]
async fn limited() -> u32 {
    MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
    tokio::time::sleep(Duration::from_millis(5)).await;
    RUNNING.fetch_sub(1, SeqCst)
}

#[tokio::test]
async fn clones_share_a_limit_of_concurrent_calls() {
    let _turn = simulation().await;
    let mut container = limited::container().await;
    let responses = container.invoke_all(vec![json!(null); 6]).await;
    assert!(responses.iter().all(Result::is_ok));
    assert_eq!(MOST.load(SeqCst), 2);
}

fn breaks() -> TimeoutLayer {
    panic!("no timeout is configured")
}

#[handler(layer = breaks)]
async fn broken() {}

#[tokio::test]
async fn a_panic_while_layers_are_built_fails_init() {
    let _turn = simulation().await;
    let panic = tokio::spawn(broken::container()).await.err().unwrap().into_panic();
    let text = panic.downcast::<String>().unwrap();
    assert!(text.contains("breaks") && text.contains("no timeout is configured"), "{text}");
}

fn http_layers() -> impl HttpLayer {
    let timeout = Duration::from_millis(20);
    let status = StatusCode::GATEWAY_TIMEOUT;
    let served = header::HeaderValue::from_static("shop");
    ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .layer(SetResponseHeaderLayer::overriding(header::SERVER, served))
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(status, timeout))
}

#[handler(http, layer = http_layers)]
async fn page(
    request: Request,
    context: Context,
    factor: &u32,
) -> Result<impl IntoResponse, Error> {
    match request.uri().path() {
        "/slow" => std::future::pending().await,
        "/fail" => return Err(Error::msg("as you wish")),
        _ => {}
    }
    let text = format!("{factor} {} ", context.request_id).repeat(20);
    let response = Response::builder().header(header::CONTENT_TYPE, "text/plain");
    Ok(response.body(Body::from(text)).unwrap())
}

/// The event of a function URL with this method, path and header.
fn request(method: &str, path: &str, header: (&str, &str)) -> Value {
    let text = include_str!("events/function_url.json");
    let mut event: Value = serde_json::from_str(text).unwrap();
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["method"] = json!(method);
    event["requestContext"]["http"]["path"] = json!(path);
    event["headers"] = json!({ header.0: header.1 });
    event
}

#[tokio::test]
async fn layers_of_tower_http_fit_a_handler_of_requests() {
    let _turn = simulation().await;
    let mut container = page::container().await;
    let plain = container.invoke(request("GET", "/", ("accept", "*/*"))).await.unwrap();
    assert_eq!((&plain["statusCode"], &plain["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert!(plain["body"].as_str().unwrap().starts_with("7 test-1 7 test-1"), "{plain}");
    assert_eq!(plain["headers"]["server"], "shop");
    assert_eq!(plain["headers"]["access-control-allow-origin"], "*");

    let small = container.invoke(request("GET", "/", ("accept-encoding", "gzip"))).await.unwrap();
    assert_eq!(small["headers"]["content-encoding"], "gzip");
    assert_eq!(small["isBase64Encoded"], true);
    assert!(small["body"].as_str().unwrap().starts_with("H4sI"), "{small}");

    let slow = container.invoke(request("GET", "/slow", ("accept", "*/*"))).await.unwrap();
    assert_eq!(slow["statusCode"], 504);
    // The CORS layer responds without the handler.
    let preflight = request("OPTIONS", "/fail", ("access-control-request-method", "POST"));
    assert_eq!(container.invoke(preflight).await.unwrap()["statusCode"], 200);

    let error = container.invoke(request("GET", "/fail", ("accept", "*/*"))).await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "as you wish"));
}

#[handler(http, layer = http_layers)]
async fn bytes(_request: Request) -> Vec<u8> {
    vec![0xff, 0]
}

#[handler(http)]
async fn bytes_alone(_request: Request) -> Vec<u8> {
    vec![0xff, 0]
}

#[tokio::test]
async fn bytes_stay_bytes_under_layers() {
    let _turn = simulation().await;
    let mut container = bytes_alone::container().await;
    let binary = container.invoke(request("GET", "/", ("accept", "*/*"))).await.unwrap();
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    drop(container);
    let mut container = bytes::container().await;
    let binary = container.invoke(request("GET", "/", ("accept", "*/*"))).await.unwrap();
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    assert_eq!(binary["headers"].get("content-encoding"), None, "{binary}");
}

fn headers() -> SetResponseHeaderLayer<header::HeaderValue> {
    let served = header::HeaderValue::from_static("shop");
    SetResponseHeaderLayer::overriding(header::SERVER, served)
}

/// A service under a layer: the one is built from resources, the other is not.
#[handler(http, layer = headers)]
fn served(factor: &u32) -> BoxCloneService<Request, Response<String>, Infallible> {
    let factor = *factor;
    BoxCloneService::new(service_fn(move |request: Request| async move {
        Ok(Response::new(format!("{factor} {}", request.uri().path())))
    }))
}

#[tokio::test]
async fn a_service_stands_under_layers() {
    let _turn = simulation().await;
    let mut container = served::container().await;
    for generation in 1..3 {
        let response = container.invoke(request("GET", "/a", ("accept", "*/*"))).await.unwrap();
        assert_eq!(
            (&response["body"], &response["headers"]["server"]),
            (&json!("7 /a"), &json!("shop"))
        );
        let snapshot = container.snapshot();
        let of = |name| snapshot.resources.iter().find(|it| it.name == name).unwrap().generation;
        assert_eq!((of("served"), of("headers")), (generation, 1));
        factor::rebuild().await.unwrap();
    }
}

fn streamed_layers() -> impl HttpLayer<streaming::Body> {
    ServiceBuilder::new().layer(CompressionLayer::new()).layer(headers())
}

#[handler(http, streaming, layer = streamed_layers)]
async fn streamed_page(_request: Request) -> Response<streaming::Body> {
    Response::new(streaming::Body::from("a page ".repeat(20)))
}

fn counted() -> impl EventLayer<u32, StreamResponse<StreamBody>> {
    ServiceBuilder::new().map_response(|mut response: StreamResponse<StreamBody>| {
        response.metadata_prelude.cookies.push("layer=1".to_owned());
        response
    })
}

#[handler(streaming, layer = counted)]
async fn count(to: u32) -> StreamResponse<BoxStream<'static, Result<String, Infallible>>> {
    StreamResponse::from(stream::iter((0..to).map(|n| Ok(format!("{n} ")))).boxed())
}

#[tokio::test]
async fn streamed_responses_pass_through_layers() {
    let _turn = simulation().await;
    let mut container = streamed_page::container().await;
    let event = request("GET", "/", ("accept-encoding", "gzip"));
    let response = container.invoke(event).await.unwrap();
    assert_eq!(response["headers"]["server"], "shop");
    assert!(response["body"].as_str().unwrap().starts_with("H4sI"), "{response}");
    drop(container);

    let mut container = count::container().await;
    let response = container.invoke(3).await.unwrap();
    assert_eq!((&response["body"], &response["cookies"]), (&json!("0 1 2 "), &json!(["layer=1"])));
}

/// A layer whose service is not `Sync`, and whose error is a type of the user.
#[derive(Clone)]
struct Refuses(std::cell::Cell<bool>);

#[derive(Debug)]
struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many")
    }
}

impl StdError for Busy {}

impl<Q, R> Layer<Next<Q, R>> for Refuses {
    type Service = Self;

    fn layer(&self, _: Next<Q, R>) -> Self {
        self.clone()
    }
}

impl Service<LambdaEvent<u8>> for Refuses {
    type Response = u8;
    type Error = Busy;
    type Future = Ready<Result<u8, Busy>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Busy>> {
        Poll::Ready(if self.0.get() { Err(Busy) } else { Ok(()) })
    }

    fn call(&mut self, event: LambdaEvent<u8>) -> Self::Future {
        ready(Ok(event.payload))
    }
}

fn refuses() -> Refuses {
    Refuses(std::cell::Cell::new(true))
}

#[handler(layer = refuses)]
async fn refused(event: u8) -> u8 {
    event
}

#[tokio::test]
async fn a_service_that_is_not_ready_fails_the_invocation() {
    let _turn = simulation().await;
    let mut container = refused::container().await;
    let error = container.invoke(1).await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("Busy", "too many"));
}
