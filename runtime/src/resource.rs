//! What a resource is to those who use it: the traits behind a parameter `db: &Pool`, and what the
//! compiler says where they do not fit.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::future::Future;
use std::hash::Hash;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::cell::Held;
use crate::error::BoxError;
use crate::error::ResourceError;

/// A boxed future, as the object-safe half of the traits needs it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

/// What `#[init]` or a `#[cached]` without arguments declares: something that others take by
/// naming it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "no `#[init]` and no `#[cached]` without arguments declares this",
    note = "a parameter is filled with the resource of its name\n\
            help: declare it with `#[init]`, bring it into scope with `use`, or name it with \
            `#[from(path::to::resource)]`"
)]
pub trait Resource {
    /// What is kept.
    type Value;
    /// How it is held while somebody uses it.
    type Held: Deref<Target = Self::Value> + Send + Sync + 'static;
    /// One more than the deepest of the resources that this one is made from.
    const DEPTH: usize;

    /// Its place in the container.
    fn node() -> &'static dyn Node;
    /// Waits until the value can be used and takes hold of it.
    fn hold() -> impl Future<Output = Result<Self::Held, ResourceError>> + Send;
}

/// A resource as the container sees it, whatever its type.
pub trait Node: Sync {
    /// The name it was declared under.
    fn name(&self) -> &'static str;
    /// See [`Resource::DEPTH`].
    fn depth(&self) -> usize;
    /// Which part it plays in the container's life.
    fn kind(&self) -> Kind;
    /// How often it was built; 0 if it never was. Cached values have no generations.
    fn generation(&self) -> u64 {
        0
    }
    /// Makes it usable: built, checked where that is due, and as fresh as what it was built from.
    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>>;
    /// Another resource was rebuilt: whether this one was built from it is to be found out.
    fn suspect(&self) {}
    /// An invocation begins, `idle` after the last one ended; whether that leaves the value in doubt.
    fn thaw(&self, _idle: Duration) -> bool {
        false
    }
    /// The container was restored from a snapshot; whether there is something to be made usable.
    fn restored(&self) -> bool {
        false
    }
    /// Whether it wants to be closed.
    fn has_close(&self) -> bool {
        false
    }
    /// Closes replaced generations that nobody holds any more.
    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Closes all that is there: SHUTDOWN.
    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Back to how the process started, for the next simulated container.
    #[cfg(feature = "testing")]
    fn reset(&self);
    /// Drops what is too old to be given to anybody.
    fn purge(&self) {}
    /// How long the last attempt to build it took.
    fn build_time(&self) -> Option<Duration> {
        None
    }
    /// Whether a later use may succeed where INIT failed.
    fn is_recoverable(&self) -> bool {
        true
    }
    /// What a cache counted.
    fn stats(&self) -> Option<crate::stats::Stats> {
        None
    }
}

/// Every resource and cache of the program, put together by the linker.
#[linkme::distributed_slice]
pub static REGISTRY: [&'static dyn Node];

/// What INIT does with a [`Node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Builds it, started before the others: its initialiser waits for something.
    Waiting,
    /// Builds it beside the others: its initialiser computes.
    Computing,
    /// Leaves it to the first use.
    Lazy,
    /// A cache: filled by use.
    Cache,
}

/// Can be had as an `Arc` of what it holds.
#[diagnostic::on_unimplemented(
    message = "this resource has no `Arc` to hand out",
    note = "a `static` resource is there for good\nhelp: take it as `&T`"
)]
pub trait Handle<T>: Deref<Target = T> {
    /// One more owner of the value.
    fn handle(&self) -> Arc<T>;
}

/// A parameter that owns what it is given: `db: Arc<Pool>`, or a clone.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` cannot be filled from this resource",
    label = "not what the resource holds, nor an `Arc` of it",
    note = "the resource is held as `{H}`\n\
            help: of a resource of type `T`, take `&T`, `Arc<T>`, or `T` itself if it is `Clone`"
)]
pub trait FromHeld<T, H> {
    /// The parameter's value.
    fn from_held(held: &H) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, H: Handle<T>> FromHeld<T, H> for Arc<T> {
    fn from_held(held: &H) -> Self {
        held.handle()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone, H: Deref<Target = T>> FromHeld<T, H> for T {
    fn from_held(held: &H) -> Self {
        T::clone(held)
    }
}

/// All resources that one function names, as a tuple.
pub trait ResourceSet {
    /// All of them, held.
    type Held: Send + Sync + 'static;

    /// Waits for all at the same time; the first that cannot be had ends it.
    fn hold() -> impl Future<Output = Result<Self::Held, ResourceError>> + Send;
    /// Where they stand in the container.
    fn nodes() -> Vec<&'static dyn Node>;
}

macro_rules! sets {
    ($($name:ident)*) => {
        sets!(@ $($name)*);
    };
    (@ $first:ident $($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<$first: Resource, $($name: Resource),*> ResourceSet for ($first, $($name,)*) {
            type Held = ($first::Held, $($name::Held,)*);

            async fn hold() -> Result<Self::Held, ResourceError> {
                tokio::try_join!($first::hold(), $($name::hold(),)*)
            }

            fn nodes() -> Vec<&'static dyn Node> {
                vec![$first::node(), $($name::node(),)*]
            }
        }
        sets!(@ $($name)*);
    };
    (@) => {};
}

sets!(A B C D E F G H I J K L M N O P);

impl ResourceSet for () {
    type Held = ();

    async fn hold() -> Result<(), ResourceError> {
        Ok(())
    }

    fn nodes() -> Vec<&'static dyn Node> {
        Vec::new()
    }
}

/// The depth of a resource made from others of these depths: one more than the deepest, 0 if it
/// is made from none.
pub const fn depth<const N: usize>(dependencies: [usize; N]) -> usize {
    let (mut depth, mut i) = (0, 0);
    while i < N {
        if dependencies[i] >= depth {
            depth = dependencies[i] + 1;
        }
        i += 1;
    }
    depth
}

/// Asks what a type can do, and answers without an error if it cannot: an inherent constant, where
/// its bounds hold, is found before the one of [`Unable`].
pub struct Probe<T: ?Sized>(std::marker::PhantomData<T>);

/// The answers for types that cannot.
pub trait Unable<T> {
    /// Not to be used by all threads, or not for good.
    const SHAREABLE: bool = false;
    /// Not that, or not `Clone`.
    const CACHEABLE: bool = false;
    /// Not `Send + 'static`.
    const FETCH_ERROR: bool = false;
    /// Not a `Result`.
    const IS_RESULT: bool = false;
    /// Not a value that says there is none.
    const IS_NONE: fn(&T) -> bool = |_| false;
    /// Not `Clone`.
    const CLONE: Option<fn(&T) -> T> = None;
    /// Cannot become an error with a source chain.
    const INTO_BOX: fn(T) -> BoxError = |_| {
        let text = format!("an error of type `{}`", std::any::type_name::<T>());
        crate::Error::msg(text).into()
    };
    /// Has no place for a resource that cannot be had.
    const FROM_RESOURCE_ERROR: Option<fn(ResourceError) -> T> = None;
}

impl<T> Unable<T> for Probe<T> {}

/// The answer for a type that cannot be part of a key.
pub trait UnablePart {
    /// It cannot.
    const KEY_PART: bool = false;
}

impl<A: ?Sized> UnablePart for Probe<A> {}

#[allow(missing_docs)]
impl<A> Probe<A>
where
    A: Hash + Eq + ToOwned + ?Sized,
    A::Owned: Hash + Eq + Clone + Send + Sync + 'static,
{
    pub const KEY_PART: bool = true;
}

#[allow(missing_docs)]
impl<T: Send + Sync + 'static> Probe<T> {
    pub const SHAREABLE: bool = true;
}

#[allow(missing_docs)]
impl<T: Clone + Send + Sync + 'static> Probe<T> {
    pub const CACHEABLE: bool = true;
}

#[allow(missing_docs)]
impl<E: Send + 'static> Probe<E> {
    pub const FETCH_ERROR: bool = true;
}

#[allow(missing_docs)]
impl<T, E> Probe<Result<T, E>> {
    pub const IS_RESULT: bool = true;
}

#[allow(missing_docs)]
impl<T> Probe<Option<T>> {
    pub const IS_NONE: fn(&Option<T>) -> bool = Option::is_none;
}

#[allow(missing_docs)]
impl<T: Clone> Probe<T> {
    pub const CLONE: Option<fn(&T) -> T> = Some(T::clone);
}

#[allow(missing_docs)]
impl<T: Into<BoxError>> Probe<T> {
    pub const INTO_BOX: fn(T) -> BoxError = T::into;
}

#[allow(missing_docs)]
impl<T: From<ResourceError>> Probe<T> {
    pub const FROM_RESOURCE_ERROR: Option<fn(ResourceError) -> T> = Some(T::from);
}

/// A `Result`, under whatever name: gives the types in it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    note = "help: write `Result<T, E>`, or an alias of it with one parameter"
)]
pub trait IsResult {
    /// What it holds if all went well.
    type Ok;
    /// What it holds if not.
    type Err;
    /// The same, under its own name.
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn into_result(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_tells_types_apart_behind_aliases() {
        type Hidden = std::io::Result<u8>;
        struct Opaque;
        const {
            assert!(Probe::<Hidden>::IS_RESULT);
            assert!(!Probe::<Option<u8>>::IS_RESULT);
            assert!(Probe::<Opaque>::CLONE.is_none());
            assert!(Probe::<String>::CLONE.is_some());
        }
        assert!((Probe::<Option<u8>>::IS_NONE)(&None));
        assert!(!(Probe::<u8>::IS_NONE)(&0));
        assert!(Probe::<std::fmt::Error>::FROM_RESOURCE_ERROR.is_none());
        assert!(Probe::<crate::Error>::FROM_RESOURCE_ERROR.is_some());
        assert_eq!((Probe::<String>::INTO_BOX)("text".into()).to_string(), "text");
        assert!((Probe::<Opaque>::INTO_BOX)(Opaque).to_string().ends_with("Opaque`"));
    }

    #[test]
    fn depth_is_one_more_than_the_deepest() {
        assert_eq!(depth([]), 0);
        assert_eq!(depth([0]), 1);
        assert_eq!(depth([1, 4, 2]), 5);
    }
}
