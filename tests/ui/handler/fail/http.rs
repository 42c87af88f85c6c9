use std::convert::Infallible;

use rewarm::http::tower::util::BoxCloneService;
use rewarm::http::{Body, Request, Response};
use rewarm::{Error, LambdaEvent, handler};

struct Page;

#[handler(http)]
async fn lent(_request: &Request) -> String {
    String::new()
}

#[handler(http)]
async fn whole(_event: LambdaEvent<Request>) -> String {
    String::new()
}

#[handler(http)]
fn at_once(_request: Request) -> String {
    String::new()
}

#[handler(http)]
async fn answer(_request: Request) -> Page {
    Page
}

#[handler(http)]
async fn fallible(_request: Request) -> Result<Page, Error> {
    Ok(Page)
}

#[handler(http)]
async fn error(_request: Request) -> Result<String, Page> {
    Ok(String::new())
}

#[handler(http)]
fn no_service() -> Page {
    Page
}

#[handler(http)]
fn service_error() -> BoxCloneService<Request, Response<Body>, Page> {
    unimplemented!()
}

#[handler(http, streaming)]
async fn not_streamed(_request: Request) -> Result<String, Infallible> {
    Ok(String::new())
}

#[handler(streaming)]
async fn no_stream(_event: u8) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::Empty))
}

#[handler(http = true)]
async fn value(_request: Request) -> String {
    String::new()
}

#[handler(http)]
static REQUESTS: u8 = 0;

fn main() {
    lent::run();
    whole::run();
    at_once::run();
    value::run();
}
