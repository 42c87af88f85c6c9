//! A `tower::Service` of a container: the service that an `http` handler returned, or the layers
//! around a handler. It is built once, and called with the types of its responses and errors erased.
//!
//! - **Concurrency**: each call has a clone of the service, since a call needs `&mut` access to it and
//!   invocations can be concurrent. `poll_ready` is awaited in the invocation, inside its deadline
//!   guard.
//! - **Locks**: the service is cloned under a lock, since it need not be `Sync`. A `Clone` that panics
//!   fails its own invocation alone.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use tower::Service;

use crate::base::erased::BoxFuture;
use crate::diagnostics::service::{Cloned, Fits, SendFuture, Sent, Serves};
use crate::invocation::error::InvocationError;

/// A service with its types erased.
pub struct App<Q, R>(Box<Call<Q, R>>);

type Call<Q, R> = dyn Fn(Q) -> BoxFuture<'static, Result<R, InvocationError>> + Send + Sync;

/// Erases the types of the result of a call.
pub type Finish<T, E, R> = fn(Result<T, E>) -> Result<R, InvocationError>;

impl<Q: Send + 'static, R: Send + 'static> App<Q, R> {
    fn new<S>(service: S, finish: Finish<S::Response, S::Error, R>) -> Self
    where
        S: Service<Q, Future: Send> + Clone + Send + 'static,
    {
        let service = Mutex::new(service);
        Self(Box::new(move |request| {
            let mut service = service.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Box::pin(async move {
                // The error need not be `Send`: it is converted before the next `.await`.
                let ready = poll_fn(|cx| service.poll_ready(cx)).map(|ready| match ready {
                    Ok(()) => None,
                    Err(error) => Some(finish(Err(error))),
                });
                match ready.await {
                    None => service.call(request).map(finish).await,
                    Some(result) => result,
                }
            })
        }))
    }

    /// Calls the service.
    pub fn call(&self, request: Q) -> BoxFuture<'static, Result<R, InvocationError>> {
        (self.0)(request)
    }
}

/// Makes an [`App`] of a service. The compiler chooses the method `app` of the first of these traits
/// whose bounds hold: that of [`Callable`] if nothing is wrong, else the one that names the bound that
/// is missing. `K` is [`Returned`] or [`Layered`].
pub struct ServiceOf<K, Q, S>(PhantomData<fn(K, Q, S)>);

/// A service that a handler returned.
pub enum Returned {}

/// The layers around a handler.
pub enum Layered {}

/// Returns the type of a service of requests `Q`.
pub fn service_of<K, Q, S>(_: &S) -> ServiceOf<K, Q, S> {
    ServiceOf(PhantomData)
}

/// A service without a missing bound.
pub trait Callable<Q, S: Service<Q>> {
    /// See `ServiceOf`.
    fn app<R: Send + 'static>(
        &self,
        service: S,
        finish: Finish<S::Response, S::Error, R>,
    ) -> App<Q, R>;
}

impl<K, Q, S> Callable<Q, S> for &&&&ServiceOf<K, Q, S>
where
    S: Service<Q, Future: Send> + Clone + Send + 'static,
    Q: Send + 'static,
{
    fn app<R: Send + 'static>(
        &self,
        service: S,
        finish: Finish<S::Response, S::Error, R>,
    ) -> App<Q, R> {
        App::new(service, finish)
    }
}

/// A service whose future is not `Send`.
pub trait NoSendFuture<Q, S> {
    /// See `ServiceOf`.
    fn app<R>(
        &self,
        _: S,
        _: Finish<<S as SendFuture<Q>>::Response, <S as SendFuture<Q>>::Error, R>,
    ) -> App<Q, R>
    where
        S: SendFuture<Q>,
    {
        unreachable!("does not compile")
    }
}

impl<K, Q, S> NoSendFuture<Q, S> for &&&ServiceOf<K, Q, S> where
    S: Service<Q> + Clone + Send + 'static
{
}

/// A service that is not `Send`.
pub trait NotSent<Q, S> {
    /// See `ServiceOf`.
    fn app<R>(
        &self,
        _: S,
        _: Finish<<S as Sent<Q>>::Response, <S as Sent<Q>>::Error, R>,
    ) -> App<Q, R>
    where
        S: Sent<Q>,
    {
        unreachable!("does not compile")
    }
}

impl<K, Q, S> NotSent<Q, S> for &&ServiceOf<K, Q, S> where S: Service<Q> + Clone {}

/// A service that is not `Clone`.
pub trait NotCloned<Q, S> {
    /// See `ServiceOf`.
    fn app<R>(
        &self,
        _: S,
        _: Finish<<S as Cloned<Q>>::Response, <S as Cloned<Q>>::Error, R>,
    ) -> App<Q, R>
    where
        S: Cloned<Q>,
    {
        unreachable!("does not compile")
    }
}

impl<K, Q, S> NotCloned<Q, S> for &ServiceOf<K, Q, S> where S: Service<Q> {}

/// A value that a handler returned and that serves no requests.
pub trait NotServing<Q, S> {
    /// See `ServiceOf`.
    fn app<R>(
        &self,
        _: S,
        _: Finish<<S as Serves<Q>>::Response, <S as Serves<Q>>::Error, R>,
    ) -> App<Q, R>
    where
        S: Serves<Q>,
    {
        unreachable!("does not compile")
    }
}

impl<Q, S> NotServing<Q, S> for ServiceOf<Returned, Q, S> {}

/// Layers that do not fit the handler.
pub trait NotFitting<Q, S> {
    /// See `ServiceOf`.
    fn app<R>(
        &self,
        _: S,
        _: Finish<<S as Fits<Q>>::Response, <S as Fits<Q>>::Error, R>,
    ) -> App<Q, R>
    where
        S: Fits<Q>,
    {
        unreachable!("does not compile")
    }
}

impl<Q, S> NotFitting<Q, S> for ServiceOf<Layered, Q, S> {}
