//! What the types in a user's signature have to be, and what the compiler says where they are not.
//! Each bound is checked once, on the user's type ([`Checked`]).

pub(crate) mod probe;

use std::hash::Hash;

use crate::base::erased::BoxFuture;
use crate::error::BoxError;

/// A type that may live in a container: every thread may use it and it borrows nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a container",
    label = "not `Send + Sync + 'static`",
    note = "a kept value is used by every later invocation, from any thread, so it has to be \
            `Send + Sync + 'static`\n\
            help: share with `Arc` instead of `Rc`, change through a `Mutex` or an atomic instead \
            of a `Cell` or a `RefCell`, and own what is borrowed\n\
            see `not_shareable` in docs/lints.md"
)]
pub trait Shareable: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shareable for T {}

/// A type that was held against its bounds: itself. The const says that it fits. If it does not, the const
/// has no value, and the compiler asks nothing more of what would have come of the type: one mistake is
/// one error, here and in whatever uses the item.
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

/// The type of a value that is not known, since what is wrong with its item hides it.
pub trait Faulty {
    /// See [`Checked`].
    type Value;
}

/// Reports a type that is not [`Shareable`].
pub const fn shareable<T: Shareable + ?Sized>() -> bool {
    true
}

/// A type of which every caller can have a copy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached",
    label = "not `Clone`",
    note = "every caller gets a clone of the answer that is kept\n\
            help: derive `Clone`, or return `Arc<{Self}>`"
)]
pub trait Copies: Sized {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Copies for T {}

/// Reports a type that cannot be cached.
pub const fn cacheable<T: Shareable + Copies>() -> bool {
    true
}

/// A type that may be part of a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "not `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "the arguments of a cached function are the key under which its answer is kept\n\
            help: mark a resource with `#[from]`; else derive `Hash`, `PartialEq`, `Eq` and `Clone`, \
            or leave the argument out of the key with `#[skip]`"
)]
pub trait KeyPart {}

#[diagnostic::do_not_recommend]
impl<A> KeyPart for A
where
    A: Hash + Eq + ToOwned + ?Sized,
    A::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
}

/// Reports a type that may not be part of a key.
pub const fn key_part<A: KeyPart + ?Sized>() -> bool {
    true
}

/// An argument that is no part of the key and goes to the fetch as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed on to the fetch",
    label = "not `Send + 'static`",
    note = "the fetch runs in a task of its own and must own what it uses\n\
            help: share with `Arc` instead of `Rc`, or make it a resource and mark it `#[from]`"
)]
pub trait Passed {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Passed for T {}

/// Reports an argument that cannot be passed on.
pub const fn passed<T: Passed>() -> bool {
    true
}

/// An argument that is no part of the key, and of which the fetch gets its own.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be passed on to the fetch",
    label = "cannot be made owned, or that is not `Send`",
    note = "the fetch runs in a task of its own and must own what it uses\n\
            help: take `Arc<{Self}>`, or make it a resource and mark it `#[from]`"
)]
pub trait PassedOwned {}

#[diagnostic::do_not_recommend]
impl<A: ToOwned<Owned: Send + 'static> + Sync + ?Sized> PassedOwned for A {}

/// Reports a borrowed argument that cannot be passed on.
pub const fn passed_owned<A: PassedOwned + ?Sized>() -> bool {
    true
}

/// An error that a fetch can end with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a cached function",
    label = "not `Send + 'static`",
    note = "a fetch runs in a task of its own, and its error goes to whoever waits for it\n\
            help: write `Box<dyn Error + Send + Sync>`, or return `rewarm::Error`"
)]
pub trait FetchError {}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> FetchError for E {}

/// Reports an error that a fetch cannot end with.
pub const fn fetch_error<E: FetchError>() -> bool {
    true
}

/// An error that several callers can be given.
#[diagnostic::on_unimplemented(
    message = "`negative_ttl` wants an error that is `Clone`, and `{Self}` is not",
    label = "not `Clone`",
    note = "an error that is kept is given to every caller until it is too old\n\
            help: derive `Clone`, return `rewarm::Error`, or leave `negative_ttl` out"
)]
pub trait SharedFailure {}

#[diagnostic::do_not_recommend]
impl<E: Clone> SharedFailure for E {}

/// Reports an error that is not `Clone`.
pub const fn shared_failure<E: SharedFailure>() -> bool {
    true
}

/// An error that Lambda and those who share a resource can be told.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reported as an error",
    label = "does not convert into `Box<dyn Error + Send + Sync>`",
    note = "what went wrong is told to Lambda, with its whole chain of sources\n\
            help: implement `std::error::Error` for it, write `Box<dyn Error + Send + Sync>`, or \
            return `rewarm::Error`"
)]
pub trait Reportable: Sized {
    /// The error as it is told.
    fn report(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send> Reportable for E {
    fn report(self) -> BoxError {
        self.into()
    }
}

/// Boxes what a resource or a cached function waits for.
#[inline]
pub fn guard_across_await<'a, F>(future: F) -> BoxFuture<'a, F::Output>
where
    F: Future,
    F: Send, // help: drop it before `.await`; docs/lints.md#guard_across_await
    F: 'a,
{
    Box::pin(future)
}

/// What a `check` returns.
#[diagnostic::on_unimplemented(
    message = "this `check` does not say whether the value can still be used",
    label = "not an `async fn(&T) -> Result<(), E>`",
    note = "a value that fails its check is built anew\n\
            help: make it an `async fn` that takes `&T` and returns `Result<(), E>`"
)]
pub trait Check<E>: Future<Output = Result<(), E>> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output = Result<(), E>>, E> Check<E> for F {}

/// Boxes a `check`.
#[inline]
pub fn check<'a, F, E: Reportable>(future: F) -> BoxFuture<'a, Result<(), BoxError>>
where
    F: Check<E>,
    F: Send, // help: drop it before `.await`; docs/lints.md#guard_across_await
    F: 'a,
{
    Box::pin(async move { future.await.map_err(E::report) })
}

/// What a `close` returns.
#[diagnostic::on_unimplemented(
    message = "this `close` cannot be waited for, or returns something",
    label = "not an `async fn(&T)`",
    note = "it runs when the container ends, and nobody is left to be told of an error\n\
            help: make it an `async fn` that takes `&T` and returns nothing"
)]
pub trait Close: Future<Output = ()> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output = ()>> Close for F {}

/// Boxes a `close`.
#[inline]
pub fn close<'a, F>(future: F) -> BoxFuture<'a, ()>
where
    F: Close,
    F: Send, // help: drop it before `.await`; docs/lints.md#guard_across_await
    F: 'a,
{
    Box::pin(future)
}

/// An answer that is sent at once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as JSON",
    label = "not `Serialize`",
    note = "a handler answers with JSON\n\
            help: add `#[derive(serde::Serialize)]` to what is in it; for a `StreamResponse` write \
            `#[handler(streaming)]`, for an HTTP response `#[handler(http)]`"
)]
pub trait JsonResponse: serde::Serialize {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + ?Sized> JsonResponse for T {}
