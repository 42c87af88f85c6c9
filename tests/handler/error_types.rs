//! The error type that Lambda shows for an error of a handler.

use std::fmt;
use std::task::Poll;

use futures_util::stream::{self, Stream};
use rewarm::http::lambda_runtime::streaming::Body;
use rewarm::http::tower::util::BoxCloneService;
use rewarm::http::{IntoResponse, Request, Response};
use rewarm::{Diagnostic, MetadataPrelude, StreamResponse};
use tower::service_fn;

use super::*;

/// An error whose variants are different error types, as retries in Step Functions need them.
#[derive(Debug, PartialEq)]
enum ShopError {
    RateLimited,
    Gone { order: u32 },
}

impl From<ShopError> for Diagnostic {
    fn from(error: ShopError) -> Self {
        let (error_type, error_message) = match error {
            ShopError::RateLimited => ("RateLimited", "come back later".to_owned()),
            ShopError::Gone { order } => ("Gone", format!("order {order} is gone")),
        };
        Self { error_type: error_type.to_owned(), error_message }
    }
}

/// The same, and a `std::error::Error`.
#[derive(Debug)]
struct Chosen(ShopError);

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text that is not posted")
    }
}

impl std::error::Error for Chosen {}

impl From<Chosen> for Diagnostic {
    fn from(error: Chosen) -> Self {
        error.0.into()
    }
}

#[handler]
async fn shop(order: u32) -> Result<u32, ShopError> {
    match order {
        0 => Err(ShopError::RateLimited),
        order => Err(ShopError::Gone { order }),
    }
}

#[handler]
async fn chosen() -> Result<(), Chosen> {
    Err(Chosen(ShopError::RateLimited))
}

#[handler]
async fn diagnosed() -> Result<(), Diagnostic> {
    Err(Diagnostic { error_type: "Mine".to_owned(), error_message: "own words".to_owned() })
}

#[handler]
async fn io() -> std::io::Result<()> {
    Err(std::io::Error::other("the disk is full"))
}

#[handler]
async fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err("no reason".into())
}

#[handler]
async fn text() -> Result<(), String> {
    Err("only a text".to_owned())
}

#[handler]
async fn converting() -> Result<(), Diagnostic> {
    Err(ShopError::Gone { order: 7 })?
}

#[handler(streaming)]
async fn streaming(
    order: u32,
) -> Result<StreamResponse<impl Stream<Item = std::io::Result<String>>>, ShopError> {
    match order {
        0 => Err(ShopError::RateLimited),
        _ => Ok(StreamResponse::from(stream::empty())),
    }
}

#[handler(http)]
async fn page(request: Request) -> Result<impl IntoResponse, ShopError> {
    match request.uri().path() {
        "/my/path" => Err(ShopError::RateLimited),
        path => Ok(path.to_owned()),
    }
}

/// Its body fails with an error that is no `std::error::Error`.
#[handler(streaming)]
async fn torn() -> StreamResponse<impl Stream<Item = Result<String, ShopError>>> {
    let chunks = [Ok("0".to_owned()), Err(ShopError::Gone { order: 1 })];
    StreamResponse { metadata_prelude: MetadataPrelude::default(), stream: stream::iter(chunks) }
}

#[handler(streaming)]
async fn chosen_late() -> StreamResponse<impl Stream<Item = Result<String, Chosen>>> {
    StreamResponse::from(stream::iter([Err(Chosen(ShopError::RateLimited))]))
}

#[handler(streaming)]
async fn cut() -> StreamResponse<impl Stream<Item = std::io::Result<String>>> {
    StreamResponse::from(stream::iter([Err(std::io::Error::other("the disk is full"))]))
}

#[handler(http)]
fn service() -> BoxCloneService<Request, Response<String>, Chosen> {
    BoxCloneService::new(service_fn(async |_| Err(Chosen(ShopError::RateLimited))))
}

#[handler(http)]
async fn plain_service() -> Result<BoxCloneService<Request, Response<String>, ShopError>, Error> {
    Ok(BoxCloneService::new(service_fn(async |_| Err(ShopError::Gone { order: 2 }))))
}

#[handler(http, streaming)]
fn streaming_service() -> BoxCloneService<Request, Response<Body>, ShopError> {
    BoxCloneService::new(service_fn(async |_| Err(ShopError::Gone { order: 3 })))
}

/// A service that is never ready.
#[derive(Clone)]
struct Closed;

impl tower::Service<Request> for Closed {
    type Response = String;
    type Error = ShopError;
    type Future = std::future::Ready<Result<String, ShopError>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), ShopError>> {
        Poll::Ready(Err(ShopError::RateLimited))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        unreachable!("it is not ready")
    }
}

#[handler(http)]
fn closed() -> Closed {
    Closed
}

#[handler(http)]
fn io_service() -> BoxCloneService<Request, Response<String>, std::io::Error> {
    BoxCloneService::new(service_fn(async |_| Err(std::io::Error::other("the disk is full"))))
}

/// The type and the message of the error of the next invocation.
macro_rules! error_of {
    ($handler:ident, $event:expr) => {{
        let error = $handler::container().await.invoke($event).await.unwrap_err();
        (error.error_type, error.error_message)
    }};
}

fn are(error_type: &str, message: &str) -> (String, String) {
    (error_type.to_owned(), message.to_owned())
}

#[tokio::test]
async fn an_error_chooses_its_type() {
    let _turn = simulation().await;
    assert_eq!(error_of!(shop, json!(0)), are("RateLimited", "come back later"));
    assert_eq!(error_of!(shop, json!(3)), are("Gone", "order 3 is gone"));
    assert_eq!(error_of!(chosen, json!(null)), are("RateLimited", "come back later"));
    assert_eq!(error_of!(diagnosed, json!(null)), are("Mine", "own words"));
    assert_eq!(error_of!(converting, json!(null)), are("Gone", "order 7 is gone"));
}

#[tokio::test]
async fn an_error_of_a_stream_or_a_page_chooses_its_type() {
    let _turn = simulation().await;
    assert_eq!(error_of!(streaming, json!(0)), are("RateLimited", "come back later"));
    assert_eq!(error_of!(page, url()), are("RateLimited", "come back later"));
}

fn url() -> Value {
    serde_json::from_str(include_str!("events/function_url.json")).unwrap()
}

#[tokio::test]
async fn an_error_of_a_streamed_body_chooses_its_type() {
    let _turn = simulation().await;
    assert_eq!(error_of!(torn, json!(null)), are("Gone", "order 1 is gone"));
    assert_eq!(error_of!(chosen_late, json!(null)), are("RateLimited", "come back later"));
    assert_eq!(error_of!(cut, json!(null)), are("Error", "the disk is full"));
}

#[tokio::test]
async fn an_error_of_a_service_chooses_its_type() {
    let _turn = simulation().await;
    assert_eq!(error_of!(service, url()), are("RateLimited", "come back later"));
    assert_eq!(error_of!(plain_service, url()), are("Gone", "order 2 is gone"));
    assert_eq!(error_of!(streaming_service, url()), are("Gone", "order 3 is gone"));
    assert_eq!(error_of!(closed, url()), are("RateLimited", "come back later"));
    assert_eq!(error_of!(io_service, url()), are("Error", "the disk is full"));
}

#[tokio::test]
async fn any_other_error_has_the_short_name_of_its_type() {
    let _turn = simulation().await;
    assert_eq!(error_of!(io, json!(null)), are("Error", "the disk is full"));
    assert_eq!(error_of!(boxed, json!(null)), are("Error", "no reason"));
    assert_eq!(error_of!(text, json!(null)), are("String", "only a text"));
}
