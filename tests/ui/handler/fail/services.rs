//! Services that an `http` handler returns: the bound that is missing is named.

use std::convert::Infallible;
use std::future::{Future, Ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use rewarm::handler;
use rewarm::http::{Body, Request, Response};
use tower::Service;

#[handler(http)]
fn future_not_send()
-> impl Service<Request, Response = Response<Body>, Error = Infallible> + Clone + Send {
    tower::service_fn(|_: Request| async { Ok(Response::new(Body::Empty)) })
}

#[handler(http)]
fn not_clone()
-> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Send {
    tower::service_fn(|_: Request| async { Ok(Response::new(Body::Empty)) })
}

#[handler(http)]
fn not_send()
-> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send> + Clone {
    let shared = Rc::new(1);
    tower::service_fn(move |_: Request| {
        let _ = &shared;
        std::future::ready(Ok(Response::new(Body::Empty)))
    })
}

#[handler(http)]
fn no_response() -> impl Service<Request, Response = u8, Error = Infallible, Future: Send> + Clone + Send
{
    tower::service_fn(|_: Request| async { Ok(1) })
}

struct Failure;

#[handler(http)]
fn no_error()
-> impl Service<Request, Response = Response<Body>, Error = Failure, Future: Send> + Clone + Send {
    tower::service_fn(|_: Request| async { Err(Failure) })
}

#[handler(http)]
fn other_requests()
-> impl Service<u8, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send {
    tower::service_fn(|_: u8| async { Ok(Response::new(Body::Empty)) })
}

/// A type of one's own, without two of the bounds: the first is named.
struct Local(Rc<u8>);

impl Service<Request> for Local {
    type Response = String;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<String, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        Box::pin(std::future::ready(Ok(self.0.to_string())))
    }
}

#[handler(http)]
fn several() -> Result<Local, rewarm::Error> {
    Ok(Local(Rc::new(1)))
}

/// Nothing is missing here.
#[derive(Clone)]
struct Sound;

impl Service<Request> for Sound {
    type Response = String;
    type Error = Infallible;
    type Future = Ready<Result<String, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::future::ready(Ok(String::new()))
    }
}

#[handler(http)]
fn sound() -> Sound {
    Sound
}

fn main() {
    not_clone::run();
}
