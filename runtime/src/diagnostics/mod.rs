//! The bounds on the types in a user's signature, and the messages of the compiler where a type
//! does not meet them. Each bound is checked once, on the user's type ([`Checked`]).

pub(crate) mod global_state;
pub(crate) mod probe;
pub(crate) mod service;

use std::hash::Hash;
use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::erased::BoxFuture;
use crate::error::BoxError;
use crate::resource::{Resource, Storage};
use crate::store::Store;

/// A type that can be kept in a container: usable from every thread, without borrowed data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a container",
    label = "not `Send + Sync + 'static`",
    note = "every later invocation uses the kept value, from any thread (lint `not_shareable`, \
            https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#not_shareable)\n\
            help: share with `Arc` instead of `Rc`, own what is borrowed, and keep what one \
            invocation changes (a `Cell`, a `RefCell`) in a local variable of the handler"
)]
pub trait Shareable: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shareable for T {}

/// `T`, once its bounds are checked. The constant `FITS` evaluates only if `T` meets them. If it
/// does not, the compiler skips everything that depends on the type, so that one mistake is one
/// error, here and in the code that uses the item.
pub type Checked<T, const FITS: bool> = <Verdict<FITS> as Checks<T>>::Itself;

/// See [`Checked`].
pub struct Verdict<const FITS: bool>;

/// See [`Checked`].
pub trait Checks<T: ?Sized> {
    /// The type.
    type Itself: ?Sized;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Checks<T> for Verdict<true> {
    type Itself = T;
}

/// The type of a value that is unknown because its item has an error.
pub trait Faulty {
    /// See [`Checked`].
    type Value;
}

/// Reports a type that is not [`Shareable`].
pub const fn shareable<T: Shareable + ?Sized>() -> bool {
    true
}

/// A type whose value can be cloned for every caller.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "not `Clone`",
    note = "every caller receives a clone of the cached value\n\
            help: derive `Clone`, or return `Arc<{Self}>`"
)]
pub trait Copies: Sized {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Copies for T {}

/// Reports a type that is not [`Shareable`] or not `Clone`.
pub const fn cacheable<T: Shareable + Copies>() -> bool {
    true
}

/// A type that can be part of a cache key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "not `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "the arguments of a cached function are the key of its value\n\
            help: mark a resource with `#[from]`; derive `Hash`, `PartialEq`, `Eq` and `Clone` for \
            any other type, or leave the argument out of the key with `#[skip]`"
)]
pub trait KeyPart {}

#[diagnostic::do_not_recommend]
impl<A> KeyPart for A
where
    A: Hash + Eq + ToOwned + ?Sized,
    A::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
}

/// Reports a type that cannot be part of a cache key.
pub const fn key_part<A: KeyPart + ?Sized>() -> bool {
    true
}

/// An argument outside of the key that is moved into the fetch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed to the fetch",
    label = "not `Send + 'static`",
    note = "the fetch runs in its own task, which owns its arguments\n\
            help: share with `Arc` instead of `Rc`, or make it a resource and mark it `#[from]`"
)]
pub trait Passed {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Passed for T {}

/// Reports an argument that cannot be moved into the fetch.
pub const fn passed<T: Passed>() -> bool {
    true
}

/// A borrowed argument outside of the key, which is cloned into the fetch.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be passed to the fetch",
    label = "has no owned form that is `Send + 'static`",
    note = "the fetch runs in its own task, which owns its arguments\n\
            help: take `Arc<{Self}>`, or make it a resource and mark it `#[from]`"
)]
pub trait PassedOwned {}

#[diagnostic::do_not_recommend]
impl<A: ToOwned<Owned: Send + 'static> + Sync + ?Sized> PassedOwned for A {}

/// Reports a borrowed argument that cannot be cloned into the fetch.
pub const fn passed_owned<A: PassedOwned + ?Sized>() -> bool {
    true
}

/// An error type of a fetch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a cached function",
    label = "not `Send + 'static`",
    note = "a fetch runs in its own task and sends its error to the callers that wait for it\n\
            help: return `rewarm::Error` or `Box<dyn Error + Send + Sync>`"
)]
pub trait FetchError {}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> FetchError for E {}

/// Reports an error type that is not `Send + 'static`.
pub const fn fetch_error<E: FetchError>() -> bool {
    true
}

/// An error that can be cloned for every caller.
#[diagnostic::on_unimplemented(
    message = "`negative_ttl` requires an error that is `Clone`, and `{Self}` is not",
    label = "not `Clone`",
    note = "every caller receives a clone of the kept error until `negative_ttl` has passed\n\
            help: derive `Clone`, return `rewarm::Error`, or leave `negative_ttl` out"
)]
pub trait SharedFailure {}

#[diagnostic::do_not_recommend]
impl<E: Clone> SharedFailure for E {}

/// Reports an error that is not `Clone`.
pub const fn shared_failure<E: SharedFailure>() -> bool {
    true
}

/// A value that can be kept in a store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a store",
    label = "not `Serialize + DeserializeOwned`",
    note = "a store keeps values as JSON, which other containers read\n\
            help: derive `serde::Serialize` and `serde::Deserialize` for it"
)]
pub trait Storable {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// Reports a value that cannot be kept in a store.
pub const fn storable<T: Storable>() -> bool {
    true
}

/// An argument that can be part of a key of a store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key of a store",
    label = "not `Serialize`",
    note = "the key of an entry has the arguments as JSON\n\
            help: derive `serde::Serialize` for it, or leave the argument out of the key with \
            `#[skip]`"
)]
pub trait StorableKey {}

#[diagnostic::do_not_recommend]
impl<A: ToOwned<Owned: Serialize> + ?Sized> StorableKey for A {}

/// Reports an argument that cannot be part of a key of a store.
pub const fn storable_key<A: StorableKey + ?Sized>() -> bool {
    true
}

/// A resource that is a store.
#[diagnostic::on_unimplemented(
    message = "the resource of `store` is not a store",
    label = "does not implement `rewarm::store::Store`",
    note = "`store = path` names a resource that all containers share\n\
            help: name a resource of type `rewarm::store::Redis`, `rewarm::store::DynamoDb` or \
            `rewarm::store::Memory`, or implement `rewarm::store::Store` for its type"
)]
pub trait IsStore {}

#[diagnostic::do_not_recommend]
impl<T: Store> IsStore for T {}

/// Reports a resource that is not a store.
pub const fn is_store<R: Resource>() -> bool
where
    <<R::Storage as Storage>::Ref as Deref>::Target: IsStore,
{
    R::IS
}

/// The function of a `lifetime`.
#[diagnostic::on_unimplemented(
    message = "`lifetime` requires a function of the value that returns a `Duration`",
    label = "not a `fn(&{T}) -> Duration`",
    note = "a value is kept for the shorter of `ttl` and the time that this function returns\n\
            help: write `fn lifetime(value: &{T}) -> Duration`"
)]
pub trait Lifetime<T: ?Sized> {
    /// Calls the function.
    fn of(&self, value: &T) -> Duration;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized, F: Fn(&T) -> Duration> Lifetime<T> for F {
    fn of(&self, value: &T) -> Duration {
        self(value)
    }
}

/// An error that can be reported to Lambda and to the callers that share a resource.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reported as an error",
    label = "does not convert into `Box<dyn Error + Send + Sync>`",
    note = "Lambda receives the error with its chain of sources\n\
            help: implement `std::error::Error` for it, or return `rewarm::Error` or \
            `Box<dyn Error + Send + Sync>`"
)]
pub trait Reportable: Sized {
    /// The error in the form in which it is reported.
    fn report(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send> Reportable for E {
    fn report(self) -> BoxError {
        self.into()
    }
}

/// Boxes the future of a resource or a cached function. The compiler's error contains this name.
#[inline]
pub fn a_guard_is_held_across_await<'a, F>(future: F) -> BoxFuture<'a, F::Output>
where
    F: Future,
    F: Send, // help: drop it before `.await`; https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#guard_across_await
    F: 'a,
{
    Box::pin(future)
}

/// The future of a `check`.
#[diagnostic::on_unimplemented(
    message = "this `check` does not return `Result<(), E>`",
    label = "not an `async fn(&T) -> Result<(), E>`",
    note = "the value is built again if its check returns an error\n\
            help: write `async fn check(value: &T) -> Result<(), E>`"
)]
pub trait Check<E>: Future<Output = Result<(), E>> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output = Result<(), E>>, E> Check<E> for F {}

/// Boxes a `check`.
#[inline]
pub fn check<'a, F, E: Reportable>(future: F) -> BoxFuture<'a, Result<(), BoxError>>
where
    F: Check<E>,
    F: Send, // help: drop it before `.await`; https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#guard_across_await
    F: 'a,
{
    Box::pin(async move { future.await.map_err(E::report) })
}

/// The future of a `close`.
#[diagnostic::on_unimplemented(
    message = "this `close` is not an `async fn` without a return value",
    label = "not an `async fn(&T)`",
    note = "it runs after the last use of the value, when no caller can receive a result\n\
            help: write `async fn close(value: &T)`, and log an error in its body"
)]
pub trait Close: Future<Output = ()> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output = ()>> Close for F {}

/// Boxes a `close`.
#[inline]
pub fn close<'a, F>(future: F) -> BoxFuture<'a, ()>
where
    F: Close,
    F: Send, // help: drop it before `.await`; https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#guard_across_await
    F: 'a,
{
    Box::pin(future)
}

/// A response that is sent as one JSON document.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as JSON",
    label = "not `Serialize`",
    note = "the response of a handler is sent as JSON\n\
            help: add `#[derive(serde::Serialize)]` to the type; return a `StreamResponse` from \
            `#[handler(streaming)]`, and an HTTP response from `#[handler(http)]`"
)]
pub trait JsonResponse: serde::Serialize {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + ?Sized> JsonResponse for T {}
