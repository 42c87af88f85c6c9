//! `http`: events of API Gateway, function URLs and load balancers, as AWS documents them (`events/`).

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use rewarm::http::http::{Method, StatusCode};
use rewarm::http::lambda_runtime::streaming;
use rewarm::http::tower::util::BoxCloneService;
use rewarm::http::{Body, IntoResponse, Request, RequestExt, Response};
use rewarm::testing::{assert_reuse_safe, assert_reuse_safe_except};
use tower::service_fn;

use super::*;

fn event(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn rest() -> Value {
    event(include_str!("events/rest.json"))
}

fn http_api() -> Value {
    event(include_str!("events/http_api.json"))
}

fn function_url() -> Value {
    event(include_str!("events/function_url.json"))
}

fn load_balancer() -> Value {
    event(include_str!("events/load_balancer.json"))
}

fn load_balancer_multi_value() -> Value {
    event(include_str!("events/load_balancer_multi_value.json"))
}

/// Responds with the request.
#[handler(http)]
async fn mirror(request: Request, context: Context) -> Result<impl IntoResponse, Infallible> {
    let query = request.query_string_parameters();
    let all = |name: &str| -> Vec<String> {
        query.all(name).unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    let headers = |name| -> Vec<_> {
        let values = request.headers().get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    };
    let seen = json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": {
            "parameter1": all("parameter1"),
            "myKey": all("myKey"),
            "multiValueName": all("multiValueName"),
        },
        "cookies": headers("cookie"),
        "headers": headers("x-forwarded-for"),
        "path_parameter": request.path_parameters().first("parameter1"),
        "body": String::from_utf8_lossy(request.body()),
        "request_id": context.request_id,
    });
    let response = Response::builder()
        .status(201)
        .header("content-type", "application/json")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .body(seen.to_string());
    Ok(response.unwrap())
}

/// The request that `mirror` received.
async fn seen(event: Value) -> Value {
    let response = mirror::container().await.invoke(event).await.unwrap();
    assert_eq!(response["statusCode"], 201);
    assert_eq!(response["isBase64Encoded"], false);
    serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_rest_api_has_its_own_event_and_response() {
    let _turn = simulation().await;
    let seen = seen(rest()).await;
    assert_eq!((&seen["method"], &seen["path"]), (&json!("POST"), &json!("/hello/world")));
    assert_eq!(seen["query"]["multiValueName"], json!(["you", "me"]));
    assert_eq!(seen["headers"], json!(["54.240.196.186, 54.182.214.83"]));
    assert_eq!(seen["request_id"], "test-1");
    let mut container = mirror::container().await;
    let response = container.invoke(rest()).await.unwrap();
    assert_eq!(response["multiValueHeaders"]["set-cookie"], json!(["a=1", "b=2"]));
}

#[tokio::test]
async fn an_http_api_has_its_own_event_and_response() {
    let _turn = simulation().await;
    let seen = seen(http_api()).await;
    assert_eq!((&seen["method"], &seen["path"]), (&json!("POST"), &json!("/my/path")));
    assert_eq!(seen["query"]["parameter1"], json!(["value1", "value2"]));
    assert_eq!(seen["cookies"], json!(["cookie1=value1; cookie2=value2"]));
    assert_eq!(seen["path_parameter"], "value1");
    assert_eq!(seen["body"], "Hello from Lambda");
    let response = mirror::container().await.invoke(http_api()).await.unwrap();
    assert_eq!(response["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(response["headers"], json!({ "content-type": "application/json" }));
}

#[tokio::test]
async fn a_function_url_has_its_own_event() {
    let _turn = simulation().await;
    let seen = seen(function_url()).await;
    assert_eq!((&seen["method"], &seen["path"]), (&json!("GET"), &json!("/my/path")));
    assert_eq!(seen["query"]["parameter1"], json!(["value1", "value2"]));
    assert_eq!(seen["cookies"], json!(["test=hi"]));
    assert_eq!(seen["body"], "");
}

#[tokio::test]
async fn a_load_balancer_has_its_own_event_and_response() {
    let _turn = simulation().await;
    let once = seen(load_balancer()).await;
    assert_eq!((&once["method"], &once["query"]["myKey"]), (&json!("GET"), &json!(["val2"])));
    let several = seen(load_balancer_multi_value()).await;
    assert_eq!(several["query"]["myKey"], json!(["val1", "val2"]));
    assert_eq!(several["body"], "request_body");
    let response = mirror::container().await.invoke(load_balancer()).await.unwrap();
    assert_eq!(response["statusDescription"], "201 Created");
    assert_eq!(response["multiValueHeaders"]["set-cookie"], json!(["a=1", "b=2"]));
}

/// Responds with the body of the request.
#[handler(http)]
async fn bytes(request: rewarm::http::http::Request<Body>) -> Response<Body> {
    assert_eq!(request.method(), Method::POST);
    let kind = match request.body() {
        Body::Binary(_) => "application/octet-stream",
        _ => "text/plain",
    };
    Response::builder().header("content-type", kind).body(request.into_body()).unwrap()
}

#[tokio::test]
async fn a_binary_body_is_base64() {
    let _turn = simulation().await;
    let mut container = bytes::container().await;
    let mut event = http_api();
    (event["body"], event["isBase64Encoded"]) = (json!("AP/+gA=="), json!(true));
    let response = container.invoke(event).await.unwrap();
    assert_eq!(
        (&response["body"], &response["isBase64Encoded"]),
        (&json!("AP/+gA=="), &json!(true))
    );
    let response = container.invoke(http_api()).await.unwrap();
    assert_eq!(response["body"], "Hello from Lambda");
    assert_eq!(response["isBase64Encoded"], false);
}

#[tokio::test]
async fn an_event_without_a_request_is_invalid() {
    let _turn = simulation().await;
    let mut container = mirror::container().await;
    for event in [json!(null), json!([]), json!({}), json!({ "path": 1 }), json!("GET /")] {
        let error = container.invoke(event).await.unwrap_err();
        assert_eq!(error.error_type, "InvalidEvent", "{error}");
        assert!(error.error_message.contains("API Gateway"), "{error}");
    }
    let mut event = http_api();
    event["rawPath"] = json!(7);
    assert_eq!(container.invoke(event).await.unwrap_err().error_type, "InvalidEvent");
    assert_eq!(container.snapshot().errors, 6);
}

/// A plain response, and each kind of failure.
#[handler(http, warmup)]
async fn moody(request: Request) -> Result<(StatusCode, String), Error> {
    match request.method().as_str() {
        "GET" => Ok((StatusCode::IM_A_TEAPOT, "short and stout".to_owned())),
        "PUT" => Err(Error::msg("the teapot is full")),
        "DELETE" => panic!("a broken teapot"),
        _ => std::future::pending().await,
    }
}

#[tokio::test]
async fn an_error_fails_its_invocation() {
    let _turn = simulation().await;
    let mut container = moody::container().await;
    let response = container.invoke(function_url()).await.unwrap();
    assert_eq!(
        (&response["statusCode"], &response["body"]),
        (&json!(418), &json!("short and stout"))
    );
    for (method, error_type, message) in [
        ("PUT", "Error", "the teapot is full"),
        ("DELETE", "Panic", "a broken teapot, at tests/handler/http.rs:"),
        ("PATCH", "DeadlineExceeded", "the handler was cancelled"),
    ] {
        let mut event = http_api();
        event["requestContext"]["http"]["method"] = json!(method);
        container.deadline(Duration::from_millis(300));
        let error = container.invoke(event).await.unwrap_err();
        assert_eq!(error.error_type, error_type);
        assert!(error.error_message.starts_with(message), "{error}");
    }
    assert_eq!(container.invoke(json!({ "warmup": true })).await.unwrap(), Value::Null);
    let snapshot = container.snapshot();
    assert_eq!((snapshot.invocations, snapshot.errors), (4, 3));
}

// A service that is built once per container.

static SHOPS: AtomicU64 = AtomicU64::new(0);

struct Stock(u64);

#[init]
async fn stock() -> Stock {
    static DELIVERIES: AtomicU64 = AtomicU64::new(0);
    Stock(DELIVERIES.fetch_add(1, SeqCst))
}

type Shop = BoxCloneService<Request, Response<String>, Error>;

/// Responds with the stock that it was built with.
#[handler(http)]
fn shop(stock: Arc<Stock>) -> Result<Shop, Error> {
    SHOPS.fetch_add(1, SeqCst);
    Ok(Shop::new(service_fn(move |request: Request| {
        let stock = stock.clone();
        async move {
            match request.uri().path() {
                "/my/path" => Ok(Response::new(stock.0.to_string())),
                path => Err(Error::msg(format_args!("no shelf {path}"))),
            }
        }
    })))
}

/// The stock in the response of the shop.
async fn stock_of(container: &mut rewarm::testing::Container<shop>) -> u64 {
    let response = container.invoke(function_url()).await.unwrap();
    response["body"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_service_is_built_in_init_and_rebuilt_after_its_resources() {
    let _turn = simulation().await;
    let mut container = shop::container().await;
    let opened = SHOPS.load(SeqCst);
    assert_eq!(container.snapshot().invocations, 0, "INIT built it");
    let first = stock_of(&mut container).await;
    assert_eq!(stock_of(&mut container).await, first);
    assert_eq!(SHOPS.load(SeqCst), opened);
    let delivered = stock::rebuild().await.unwrap().0;
    assert!(delivered > first);
    assert_eq!(stock_of(&mut container).await, delivered);
    assert_eq!(SHOPS.load(SeqCst), opened + 1);
    container.restore().await.unwrap();
    assert!(stock_of(&mut container).await > delivered, "the stock was rebuilt");
    let error = container.invoke(load_balancer()).await.unwrap_err();
    assert_eq!(error.error_message, "no shelf /");
    let resources = container.snapshot().resources;
    let shop = resources.iter().find(|resource| resource.name == "shop").unwrap();
    assert_eq!((shop.depth, shop.generation), (1, 3));
}

/// Never ready to serve.
#[handler(http)]
async fn closed(stock: &Stock) -> Closed {
    let Stock(_) = stock;
    tokio::task::yield_now().await;
    Closed
}

#[derive(Clone)]
struct Closed;

impl Service<Request> for Closed {
    type Response = Response<String>;
    type Error = Error;
    type Future = std::future::Pending<Result<Response<String>, Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        std::task::Poll::Ready(Err(Error::msg("closed on Mondays")))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test]
async fn an_unready_service_fails_the_invocation_with_its_error() {
    let _turn = simulation().await;
    let error = closed::container().await.invoke(rest()).await.unwrap_err();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "closed on Mondays"));
}

/// Streams its response.
#[handler(http, streaming)]
async fn page(request: Request, stock: &Stock) -> Result<Response<Body>, Infallible> {
    let Stock(_) = stock;
    let response = Response::builder().status(202).header("set-cookie", "a=1");
    Ok(response.header("x-path", request.uri().path()).body(Body::from("in pieces")).unwrap())
}

#[tokio::test]
async fn an_http_response_can_be_streamed() {
    let _turn = simulation().await;
    let response = page::container().await.invoke(function_url()).await.unwrap();
    assert_eq!(
        response,
        json!({
            "statusCode": 202,
            "headers": { "x-path": "/my/path" },
            "cookies": ["a=1"],
            "body": "in pieces",
            "isBase64Encoded": false,
        })
    );
}

#[tokio::test]
async fn reuse_changes_no_response() {
    let _turn = simulation().await;
    let events = [rest(), http_api(), function_url(), load_balancer()];
    assert_reuse_safe_except(&["/body"], mirror::container, events.clone()).await;
    assert_reuse_safe(page::container, events).await;
}

#[tokio::test]
async fn the_function_can_still_be_called() {
    let _turn = simulation().await;
    let request = Request::new(Body::from("x"));
    let response = page(request, &Stock(1)).await.unwrap();
    assert_eq!(response.status(), 202);
    assert!(shop(Arc::new(Stock(1))).is_ok());
}

#[tokio::test]
async fn the_stage_is_not_part_of_the_path() {
    let _turn = simulation().await;
    let mut api = rest();
    for (path, received) in [
        ("/a/b", "/a/b"),
        ("/", "/"),
        ("/testStage/a", "/testStage/a"),
        ("/testStages", "/testStages"),
    ] {
        api["path"] = json!(path);
        assert_eq!(seen(api.clone()).await["path"], received);
    }
    let mut api = http_api();
    api["requestContext"]["stage"] = json!("prod");
    for (path, received) in
        [("/prod/a/b", "/a/b"), ("/prod", "/"), ("/a/b", "/a/b"), ("/prod/prod", "/prod")]
    {
        api["rawPath"] = json!(path);
        let seen = seen(api.clone()).await;
        assert_eq!(seen["path"], received);
        assert_eq!(seen["query"]["parameter1"], json!(["value1", "value2"]));
    }
}

#[tokio::test]
async fn the_default_stage_is_no_part_of_a_path() {
    let _turn = simulation().await;
    let mut url = function_url();
    url["rawPath"] = json!("/$default/admin");
    assert_eq!(seen(url).await["path"], "/$default/admin", "the client chose this path");
}

/// Responds with a body that fails.
#[handler(http)]
async fn broken(_request: Request) -> Response<streaming::Body> {
    let (sender, body) = streaming::channel();
    sender.abort();
    Response::new(body)
}

/// Streams a body that fails.
#[handler(http, streaming)]
async fn broken_stream(_request: Request) -> Response<streaming::Body> {
    let (sender, body) = streaming::channel();
    sender.abort();
    Response::new(body)
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_an_error_of_its_own_type() {
    let _turn = simulation().await;
    let error = broken::container().await.invoke(function_url()).await.unwrap_err();
    assert_eq!(error.error_type, "UnreadableBody");
    assert!(error.error_message.starts_with("the body of the response failed: "), "{error}");
    let streamed = broken_stream::container().await.invoke(function_url()).await.unwrap_err();
    assert_eq!(streamed.error_type, "UnreadableBody");
    assert!(streamed.error_message.starts_with("the body of the response failed: "), "{streamed}");

    for mut event in [rest(), http_api(), load_balancer()] {
        event["isBase64Encoded"] = json!(true);
        event["body"] = json!("no base64!");
        let error = mirror::container().await.invoke(event).await.unwrap_err();
        assert_eq!(error.error_type, "UnreadableBody");
        assert_eq!(error.error_message, "the body of the request is not valid base64");
    }
}

#[tokio::test]
async fn an_event_without_a_valid_uri_is_invalid() {
    let _turn = simulation().await;
    let mut event = rest();
    event["multiValueHeaders"]["Host"] = json!(["no host at all"]);
    event["headers"]["Host"] = json!("no host at all");
    let error = mirror::container().await.invoke(event).await.unwrap_err();
    assert_eq!(error.error_type, "InvalidEvent");
    assert!(error.error_message.contains("not a valid request"), "{error}");
}
