//! What the types in a user's signature have to be, and what the compiler says where they are not.
//! Each bound is checked once, on the user's type; an expansion goes on with a stand-in for a type
//! that fails it ([`Keeps`]), so that one mistake is one error.

use std::convert::Infallible;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::erased::BoxFuture;
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

/// What an expansion makes of a type, by whether it is what it has to be: one that is not has been
/// reported, and everything behind it goes on with a stand-in that is.
pub struct Keeps<const FITS: bool>;

/// See [`Keeps`].
pub trait Keep<T: ?Sized> {
    /// The type itself, or its stand-in.
    type Kept: ?Sized;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Keep<T> for Keeps<true> {
    type Kept = T;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Keep<T> for Keeps<false> {
    type Kept = NotKept<T>;
}

/// What is kept of a `T`: the value, or the stand-in for one that cannot be.
pub trait Kept<T: ?Sized> {
    /// Puts a value in.
    fn keep(value: T) -> Self
    where
        T: Sized,
        Self: Sized;
    /// Takes it out again.
    fn back(self) -> T
    where
        T: Sized,
        Self: Sized;
    /// Hands it out.
    fn handle(kept: Arc<Self>) -> Arc<T>;
    /// Looks for it.
    fn ask(value: &T) -> &Self;
    /// Lends it.
    fn lend(&self) -> &T;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Kept<T> for T {
    #[inline]
    fn keep(value: T) -> T
    where
        T: Sized,
    {
        value
    }
    #[inline]
    fn back(self) -> T
    where
        T: Sized,
    {
        self
    }
    #[inline]
    fn handle(kept: Arc<T>) -> Arc<T> {
        kept
    }
    #[inline]
    fn ask(value: &T) -> &T {
        value
    }
    #[inline]
    fn lend(&self) -> &T {
        self
    }
}

/// Stands for a value that cannot be kept. There is never one: the program does not compile.
pub struct NotKept<T: ?Sized>(PhantomData<fn(&T)>, Infallible);

#[diagnostic::do_not_recommend]
impl<T: ?Sized> Kept<T> for NotKept<T> {
    fn keep(_: T) -> Self
    where
        T: Sized,
    {
        unreachable!("does not compile")
    }
    fn back(self) -> T
    where
        T: Sized,
    {
        match self.1 {}
    }
    fn handle(kept: Arc<Self>) -> Arc<T> {
        match kept.1 {}
    }
    fn ask(_: &T) -> &Self {
        unreachable!("does not compile")
    }
    fn lend(&self) -> &T {
        match self.1 {}
    }
}

impl<T: ?Sized> Deref for NotKept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.1 {}
    }
}

impl<T: ?Sized> Clone for NotKept<T> {
    fn clone(&self) -> Self {
        match self.1 {}
    }
}

impl<T: ?Sized> PartialEq for NotKept<T> {
    fn eq(&self, _: &Self) -> bool {
        match self.1 {}
    }
}

impl<T: ?Sized> Eq for NotKept<T> {}

impl<T: ?Sized> Hash for NotKept<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {
        match self.1 {}
    }
}

/// Reports a type that is not [`Shareable`].
pub const fn shareable<T: Shareable + ?Sized>() {}

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
pub const fn cacheable<T: Shareable + Copies>() {}

/// A type that may be part of a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "not `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "the arguments of a cached function are the key under which its answer is kept\n\
            help: derive `Hash`, `PartialEq`, `Eq` and `Clone`, or leave the argument out of the \
            key with `#[skip]`"
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
pub const fn key_part<A: KeyPart + ?Sized>() {}

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
pub const fn fetch_error<E: FetchError>() {}

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
pub const fn shared_failure<E: SharedFailure>() {}

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
