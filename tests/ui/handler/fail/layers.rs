//! Layers that do not fit: one error for each, which names the bound that is missing.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rewarm::http::{Body, Request, Response};
use rewarm::layer::{EventLayer, HttpLayer};
use rewarm::{LambdaEvent, handler};
use tower::limit::RateLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::{Layer, Service, ServiceBuilder};
use tower_http::cors::CorsLayer;

fn timeout() -> TimeoutLayer {
    TimeoutLayer::new(Duration::from_secs(1))
}

#[handler(layer = "timeout")]
async fn quoted(_event: u8) {}

#[handler(layer)]
async fn alone(_event: u8) {}

fn of_seconds(seconds: u64) -> TimeoutLayer {
    TimeoutLayer::new(Duration::from_secs(seconds))
}

#[handler(layer = of_seconds)]
async fn takes_arguments(_event: u8) {}

fn no_layer() -> Duration {
    Duration::from_secs(1)
}

#[handler(layer = no_layer)]
async fn not_a_layer(_event: u8) {}

async fn later() -> TimeoutLayer {
    timeout()
}

#[handler(layer = later)]
async fn awaits(_event: u8) {}

fn cors() -> CorsLayer {
    CorsLayer::permissive()
}

#[handler(layer = cors)]
async fn takes_requests(_event: u8) -> u8 {
    1
}

fn rate() -> RateLimitLayer {
    RateLimitLayer::new(1, Duration::from_secs(1))
}

#[handler(layer = rate)]
async fn not_clone(_event: u8) {}

#[handler(http, layer = rate)]
async fn not_clone_either(_request: Request) -> String {
    String::new()
}

#[derive(Clone)]
struct Counts(Rc<Cell<u32>>);

impl<S> Layer<S> for Counts {
    type Service = Counts;

    fn layer(&self, _: S) -> Counts {
        self.clone()
    }
}

impl<Q> Service<Q> for Counts {
    type Response = u8;
    type Error = rewarm::Error;
    type Future = std::future::Ready<Result<u8, rewarm::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), rewarm::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Q) -> Self::Future {
        std::future::ready(Ok(1))
    }
}

fn counts() -> Counts {
    Counts(Rc::default())
}

#[handler(layer = counts)]
async fn not_send(_event: u8) -> u8 {
    1
}

#[derive(Clone)]
struct Local;

impl<S> Layer<S> for Local {
    type Service = Local;

    fn layer(&self, _: S) -> Local {
        Local
    }
}

impl<Q> Service<Q> for Local {
    type Response = u8;
    type Error = rewarm::Error;
    type Future = Pin<Box<dyn Future<Output = Result<u8, rewarm::Error>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), rewarm::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Q) -> Self::Future {
        Box::pin(async { Ok(1) })
    }
}

fn local() -> Local {
    Local
}

#[handler(layer = local)]
async fn future_not_send(_event: u8) -> u8 {
    1
}

struct Secret;

fn hides() -> impl EventLayer<u8, u8, Secret> {
    ServiceBuilder::new().map_response(|_: u8| Secret)
}

#[handler(layer = hides)]
async fn not_serialize(event: u8) -> u8 {
    event
}

fn renders() -> impl Layer<
    rewarm::layer::Next<Request, Response<Body>>,
    Service: Service<Request, Response = u8, Error = rewarm::Error, Future: Send> + Clone + Send,
> {
    ServiceBuilder::new()
        .map_response(|_: Response<Body>| 1)
        .map_err(|error: rewarm::InvocationError| rewarm::Error::msg(error))
}

#[handler(http, layer = renders)]
async fn no_response(_request: Request) -> String {
    String::new()
}

fn unreported() -> impl Layer<
    rewarm::layer::Next<LambdaEvent<u8>, u8>,
    Service: Service<LambdaEvent<u8>, Response = u8, Error = Secret, Future: Send> + Clone + Send,
> {
    ServiceBuilder::new().map_err(|_: rewarm::InvocationError| Secret)
}

#[handler(layer = unreported)]
async fn no_error(event: u8) -> u8 {
    event
}

fn declared() -> impl EventLayer<u8, u8> {
    RateLimitLayer::new(1, Duration::from_secs(1))
}

fn declared_http() -> impl HttpLayer {
    RateLimitLayer::new(1, Duration::from_secs(1))
}

fn main() {
    takes_requests::run();
    not_clone::run();
}
