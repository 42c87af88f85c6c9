//! What the types in a user's signature have to be, and what the compiler says where they are not.
//! Each bound is checked once, on the user's type; an expansion goes on with a stand-in for a type
//! that fails it ([`Keeps`]), so that one mistake is one error.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;

use crate::cell::Held;
use crate::error::BoxError;
use crate::resource::BoxFuture;

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

/// What an expansion makes of a type, by whether it is [`Shareable`]: one that is not has been
/// reported, and everything behind it goes on with a stand-in that is.
pub struct Keeps<const SHAREABLE: bool>;

/// See [`Keeps`].
pub trait Keep<T: 'static> {
    /// What is kept: the type itself.
    type Kept: Send + Sync + 'static;
    /// How it is held.
    type Held: Deref<Target = T> + Send + Sync + 'static;
    /// How it is held if it is there for good.
    type Lent: Deref<Target = T> + Send + Sync + 'static;

    /// Puts a value in.
    fn keep(value: T) -> Self::Kept;
    /// Takes it out again.
    fn back(kept: Self::Kept) -> T;
    /// Hands it out.
    fn give(kept: Arc<Self::Kept>) -> Arc<T>;
    /// Hands it out for a time.
    fn hold(held: Held<Self::Kept>) -> Self::Held;
    /// Hands out what is there for good.
    fn lend(kept: &'static Self::Kept) -> Self::Lent;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Keep<T> for Keeps<true> {
    type Kept = T;
    type Held = Held<T>;
    type Lent = &'static T;

    #[inline]
    fn keep(value: T) -> T {
        value
    }
    #[inline]
    fn back(kept: T) -> T {
        kept
    }
    #[inline]
    fn give(kept: Arc<T>) -> Arc<T> {
        kept
    }
    #[inline]
    fn hold(held: Held<T>) -> Held<T> {
        held
    }
    #[inline]
    fn lend(kept: &'static T) -> &'static T {
        kept
    }
}

/// Stands for a value that cannot be kept. There is never one: the program does not compile.
pub struct NotKept<T>(std::marker::PhantomData<fn() -> T>, Infallible);

impl<T> Deref for NotKept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.1 {}
    }
}

#[diagnostic::do_not_recommend]
impl<T: 'static> Keep<T> for Keeps<false> {
    type Kept = NotKept<T>;
    type Held = NotKept<T>;
    type Lent = NotKept<T>;

    fn keep(_: T) -> NotKept<T> {
        unreachable!("does not compile")
    }
    fn back(kept: NotKept<T>) -> T {
        match kept.1 {}
    }
    fn give(kept: Arc<NotKept<T>>) -> Arc<T> {
        match kept.1 {}
    }
    fn hold(held: Held<NotKept<T>>) -> NotKept<T> {
        match held.1 {}
    }
    fn lend(kept: &'static NotKept<T>) -> NotKept<T> {
        match kept.1 {}
    }
}

impl<T> Clone for NotKept<T> {
    fn clone(&self) -> Self {
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

/// Reports a type that is not `Clone`.
pub const fn copies<T: Copies>() {}

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

/// [`Keep`] for a part of a key, by whether it is a [`KeyPart`].
pub trait KeepPart<A: ?Sized> {
    /// What is kept.
    type Kept: Hash + Eq + Clone + Send + Sync + 'static;
    /// What is looked for.
    type Asked: Hash + Eq + ToOwned<Owned = Self::Kept> + ?Sized;

    /// Looks for it.
    fn ask(part: &A) -> &Self::Asked;
    /// Lends what is kept to the function.
    fn lend(kept: &Self::Kept) -> &A;
}

#[diagnostic::do_not_recommend]
impl<A> KeepPart<A> for Keeps<true>
where
    A: Hash + Eq + ToOwned + ?Sized,
    A::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
    type Kept = A::Owned;
    type Asked = A;

    #[inline]
    fn ask(part: &A) -> &A {
        part
    }
    #[inline]
    fn lend(kept: &A::Owned) -> &A {
        kept.borrow()
    }
}

#[diagnostic::do_not_recommend]
impl<A: ?Sized> KeepPart<A> for Keeps<false> {
    type Kept = NoPart;
    type Asked = NoPart;

    fn ask(_: &A) -> &NoPart {
        unreachable!("does not compile")
    }
    fn lend(kept: &NoPart) -> &A {
        match *kept {}
    }
}

/// Stands for a part of a key that cannot be one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum NoPart {}

/// Gives a part of a key to the function by value.
pub trait GivePart<A, K> {
    /// Gives it.
    fn give_part(kept: K) -> A;
}

#[diagnostic::do_not_recommend]
impl<A> GivePart<A, A> for Keeps<true> {
    #[inline]
    fn give_part(kept: A) -> A {
        kept
    }
}

#[diagnostic::do_not_recommend]
impl<A> GivePart<A, NoPart> for Keeps<false> {
    fn give_part(kept: NoPart) -> A {
        match kept {}
    }
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
pub const fn fetch_error<E: FetchError>() {}

/// [`Keep`] for the error of a fetch, by whether it is a [`FetchError`].
pub trait KeepError<E> {
    /// What is passed on.
    type Kept: Send + 'static;

    /// Puts an error in.
    fn keep_error(error: E) -> Self::Kept;
    /// Takes it out again.
    fn error_back(kept: Self::Kept) -> E;
}

#[diagnostic::do_not_recommend]
impl<E: Send + 'static> KeepError<E> for Keeps<true> {
    type Kept = E;

    #[inline]
    fn keep_error(error: E) -> E {
        error
    }
    #[inline]
    fn error_back(kept: E) -> E {
        kept
    }
}

#[diagnostic::do_not_recommend]
impl<E> KeepError<E> for Keeps<false> {
    type Kept = Infallible;

    fn keep_error(_: E) -> Infallible {
        unreachable!("does not compile")
    }
    fn error_back(kept: Infallible) -> E {
        match kept {}
    }
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
