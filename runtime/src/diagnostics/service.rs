//! The bounds on a `tower::Service`, one trait each. None has an implementation: `private::ServiceOf`
//! uses the one whose bound is missing, so that the compiler names that bound and no other.

/// A service of HTTP requests.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not serve HTTP requests",
    label = "not a `tower::Service<http::Request<lambda_http::Body>>`",
    note = "an `http` handler without a request parameter returns a service, once per container\n\
            help: return an `axum::Router`, or take the request as the first parameter: \
            `async fn name(request: rewarm::http::Request)`"
)]
pub trait Serves<Q> {
    /// No type.
    type Response;
    /// No type.
    type Error;
}

/// A `tower::Layer`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `tower::Layer` for this handler",
    label = "does not return a `tower::Layer`",
    note = "`layer` names a function that is called once per container, in INIT, and returns the layers \
            around the handler\n\
            help: return a layer, or several as a `tower::ServiceBuilder`"
)]
pub trait IsLayer {
    /// No type.
    type Service;
}

/// Layers that fit the handler.
#[diagnostic::on_unimplemented(
    message = "these layers do not fit the handler: `{Self}` is not a `tower::Service` of its events",
    label = "not a `Service<{Q}>`",
    note = "`layer` puts layers around the call of the handler: they take its events, as `{Q}`\n\
            help: use layers whose service takes `{Q}`; those of tower-http take HTTP requests, and \
            fit `#[handler(http)]`"
)]
pub trait Fits<Q> {
    /// No type.
    type Response;
    /// No type.
    type Error;
}

/// A service that is `Clone`.
#[diagnostic::on_unimplemented(
    message = "the service `{Self}` is not `Clone`",
    label = "not `Clone`",
    note = "it is built once per container, and each invocation calls a clone of it: on Lambda Managed \
            Instances several run concurrently\n\
            help: derive `Clone` with the shared state in an `Arc`, or put a `tower::buffer::BufferLayer` \
            around it"
)]
pub trait Cloned<Q> {
    /// No type.
    type Response;
    /// No type.
    type Error;
}

/// A service that is `Send`.
#[diagnostic::on_unimplemented(
    message = "the service `{Self}` is not `Send + 'static`",
    label = "not `Send + 'static`",
    note = "it is kept in the container, and called from any thread\n\
            help: share with `Arc` instead of `Rc`, own what is borrowed, and box a service as a \
            `tower::util::BoxCloneService`, which is `Send`"
)]
pub trait Sent<Q> {
    /// No type.
    type Response;
    /// No type.
    type Error;
}

/// A service whose future is `Send`.
#[diagnostic::on_unimplemented(
    message = "the future of the service `{Self}` is not `Send`",
    label = "its `Future` is not `Send`",
    note = "an invocation can move between the threads of the runtime while the service is awaited\n\
            help: write `Future: Send` for the service, as in `impl Service<…, Future: Send>`, box \
            futures as `Pin<Box<dyn Future<Output = …> + Send>>`, and hold no `Rc` across an `.await`"
)]
pub trait SendFuture<Q> {
    /// No type.
    type Response;
    /// No type.
    type Error;
}
