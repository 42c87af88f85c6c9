//! Layers around a handler: `layer = path`.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use crate::base::erased::BoxFuture;
use crate::diagnostics::service::IsLayer;
use crate::error::BoxError;
use crate::invocation::error::InvocationError;
use crate::lambda::types::LambdaEvent;

/// A handler as the innermost service of its layers.
///
/// A call takes the resources of the handler and runs its function: a layer that calls it twice, such
/// as `tower::retry`, runs the function twice. The error is the one that Lambda would show, so that a
/// layer can match on its [`error_type`](InvocationError::error_type).
pub struct Next<Q, R>(Handle<Q, R>);

type Handle<Q, R> = fn(Q) -> BoxFuture<'static, Result<R, InvocationError>>;

impl<Q, R> Clone for Next<Q, R> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<Q, R> fmt::Debug for Next<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

impl<Q, R> Service<Q> for Next<Q, R> {
    type Response = R;
    type Error = InvocationError;
    type Future = BoxFuture<'static, Result<R, InvocationError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), InvocationError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        (self.0)(request)
    }
}

/// Layers for a handler of events `T` with responses `R`: a `tower::Layer` around it, or several as a
/// `tower::ServiceBuilder`.
///
/// It names the return type of a function for the option
/// [`layer`](macro@crate::handler#layer--path) without the types of the layers:
///
/// ```
/// # use std::time::Duration;
/// use rewarm::layer::EventLayer;
/// use tower::ServiceBuilder;
/// # struct Order;
/// # struct Receipt;
///
/// fn layers() -> impl EventLayer<Order, Receipt> {
///     ServiceBuilder::new().timeout(Duration::from_secs(5)).concurrency_limit(4)
/// }
/// ```
///
/// `Out` is the response of the outermost layer, which is sent to Lambda. With the option `streaming`,
/// `R` and `Out` are `rewarm::StreamResponse<rewarm::layer::StreamBody>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer for a handler of `{T}`",
    label = "not a `tower::Layer<Next<LambdaEvent<{T}>, {R}>>` whose service is sound",
    note = "its service is kept in the container and cloned for each invocation\n\
            help: it must be `Service<LambdaEvent<{T}>, Response = {Out}> + Clone + Send`, with \
            `Future: Send` and an error that converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait EventLayer<T, R, Out = R>:
    Layer<
        Next<LambdaEvent<T>, R>,
        Service: Service<
            LambdaEvent<T>,
            Response = Out,
            Error: Into<BoxError> + Send,
            Future: Send,
        > + Clone
                     + Send
                     + 'static,
    >
{
}

#[diagnostic::do_not_recommend]
impl<L, S, T, R, Out> EventLayer<T, R, Out> for L
where
    L: Layer<Next<LambdaEvent<T>, R>, Service = S>,
    S: Service<LambdaEvent<T>, Response = Out, Error: Into<BoxError> + Send, Future: Send>
        + Clone
        + Send
        + 'static,
{
}

/// Makes a handler the innermost service.
pub fn next<Q, R>(handle: Handle<Q, R>) -> Next<Q, R> {
    Next(handle)
}

/// The type of the value that the function of `layer = path` returned. Its method `around` is that of
/// [`Around`] for a layer; else it is that of [`NoLayer`], which does not compile.
pub struct LayerOf<L>(PhantomData<fn(L)>);

/// Returns the type of a layer.
pub fn layer_of<L>(_: &L) -> LayerOf<L> {
    LayerOf(PhantomData)
}

/// Puts layers around a handler.
pub trait Around<Q, R, L: Layer<Next<Q, R>>> {
    /// See `LayerOf`.
    fn around(&self, layer: &L, next: Next<Q, R>) -> L::Service {
        layer.layer(next)
    }
}

impl<Q, R, L: Layer<Next<Q, R>>> Around<Q, R, L> for &LayerOf<L> {}

/// A value that is no layer.
pub trait NoLayer<L> {
    /// See `LayerOf`.
    fn around<Q, R>(&self, _: &L, _: Next<Q, R>) -> L::Service
    where
        L: IsLayer,
    {
        unreachable!("does not compile")
    }
}

impl<L> NoLayer<L> for LayerOf<L> {}
