//! The lint `global_state`: types that one invocation can change and another one reads, found by the
//! compiler's traits, so that aliases and re-exports change nothing. No code here ever runs.

use std::cell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::RefUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{self, Arc, atomic};
use std::thread::LocalKey;

use crate::diagnostics::probe::Probe;
use crate::resource::awaited_static::NeedsGetAwait;
use crate::resource::static_cell::StaticCell;

/// A use that may change the value.
pub struct AnyUse;

/// Calls of methods that only read, or that record a metric.
pub struct ReadOnly;

/// A resource keeps the value. An atomic there is a counter or a switch that is meant to be shared: it
/// holds no data of a caller.
pub struct Kept;

/// A type that a use of the kind `U` can change through a shared reference.
pub trait State<U> {}

macro_rules! state {
    ($([$($param:ident)?] $type:ty;)+) => {
        $(impl<U $(, $param: ?Sized)?> State<U> for $type {})+
    };
}

state! {
    [T] sync::Mutex<T>;
    [T] sync::RwLock<T>;
    [T] cell::RefCell<T>;
    [T] cell::Cell<T>;
    [T] cell::UnsafeCell<T>;
    [T] tokio::sync::Mutex<T>;
    [T] tokio::sync::RwLock<T>;
}

// A body that only loads one changes nothing.
macro_rules! atomics {
    ($($type:ident)+) => {
        $(impl State<AnyUse> for atomic::$type {})+
    };
}

atomics! {
    AtomicBool AtomicI8 AtomicI16 AtomicI32 AtomicIsize AtomicU8 AtomicU16 AtomicU32 AtomicUsize
}

#[cfg(target_has_atomic = "64")]
atomics!(AtomicI64 AtomicU64);

impl<T, U> State<U> for atomic::AtomicPtr<T> {}
impl<T: arc_swap::RefCnt, S: arc_swap::strategy::Strategy<T>> State<AnyUse>
    for arc_swap::ArcSwapAny<T, S>
{
}
impl<T: arc_swap::RefCnt, S: arc_swap::strategy::Strategy<T>> State<Kept>
    for arc_swap::ArcSwapAny<T, S>
{
}

// A cell that is filled elsewhere, such as in `main`, may be read.
impl<T> State<AnyUse> for sync::OnceLock<T> {}
impl<T> State<Kept> for sync::OnceLock<T> {}
impl<T> State<AnyUse> for cell::OnceCell<T> {}
impl<T> State<Kept> for cell::OnceCell<T> {}
impl<T> State<AnyUse> for once_cell::sync::OnceCell<T> {}
impl<T> State<Kept> for once_cell::sync::OnceCell<T> {}
impl<T> State<AnyUse> for once_cell::unsync::OnceCell<T> {}
impl<T> State<Kept> for once_cell::unsync::OnceCell<T> {}
impl<T> State<AnyUse> for once_cell::race::OnceBox<T> {}
impl<T> State<Kept> for once_cell::race::OnceBox<T> {}
impl<T> State<AnyUse> for tokio::sync::OnceCell<T> {}
impl<T> State<Kept> for tokio::sync::OnceCell<T> {}

impl<T: State<U> + ?Sized, U> State<U> for &T {}
impl<T: State<U> + ?Sized, U> State<U> for Arc<T> {}
impl<T: State<U> + ?Sized, U> State<U> for Box<T> {}
impl<T: State<U> + ?Sized, U> State<U> for Rc<T> {}
impl<T: State<U>, U> State<U> for Pin<T> {}
impl<T: State<U>, U> State<U> for Option<T> {}
impl<T: State<U>, U> State<U> for Vec<T> {}
impl<T: State<U>, U> State<U> for VecDeque<T> {}
impl<K, T: State<U>, S, U> State<U> for HashMap<K, T, S> {}
impl<K, T: State<U>, U> State<U> for BTreeMap<K, T> {}
impl<T: State<U>, U> State<U> for [T] {}
impl<T: State<U>, const N: usize, U> State<U> for [T; N] {}
impl<T: State<U>, F, U> State<U> for sync::LazyLock<T, F> {}
impl<T: State<U>, F, U> State<U> for cell::LazyCell<T, F> {}
impl<T: State<U>, F, U> State<U> for once_cell::sync::Lazy<T, F> {}
impl<T: State<U>, F, U> State<U> for once_cell::unsync::Lazy<T, F> {}
impl<T: State<U>, U> State<U> for LocalKey<T> {}

/// The results of [`Probe`] for types without state.
pub trait Stateless {
    /// The type is no state.
    const IS_STATE: bool = false;
    /// The first element of a tuple is not.
    const FIRST_IS_STATE: bool = false;
    /// The second element of a tuple is not.
    const SECOND_IS_STATE: bool = false;
    /// The third element of a tuple is not.
    const THIRD_IS_STATE: bool = false;
}

impl<T: ?Sized> Stateless for Probe<T> {}

#[allow(missing_docs)]
impl<T: State<Kept> + ?Sized> Probe<T> {
    pub const IS_STATE: bool = true;
}

macro_rules! elements {
    ($($name:ident: $state:ident of ($($element:ident),+);)+) => {
        $(
            #[allow(missing_docs)]
            impl<$($element),+> Probe<($($element,)+)>
            where
                $state: State<Kept>,
            {
                pub const $name: bool = true;
            }
        )+
    };
}

elements! {
    FIRST_IS_STATE: A of (A);
    FIRST_IS_STATE: A of (A, B);
    FIRST_IS_STATE: A of (A, B, C);
    SECOND_IS_STATE: B of (A, B);
    SECOND_IS_STATE: B of (A, B, C);
    THIRD_IS_STATE: C of (A, B, C);
}

/// A global of the type `T` that the body of a handler or a cached function names.
pub struct Global<T: ?Sized, U>(PhantomData<(U, T)>);

impl<T: ?Sized, U> Global<T, U> {
    /// A global that the body declares, of this type.
    #[must_use]
    pub const fn declared() -> Self {
        Self(PhantomData)
    }

    /// The type of a global.
    #[must_use]
    pub const fn named(_: &T) -> Self {
        Self(PhantomData)
    }
}

/// The result for a global of the type `T`: [`Managed`], [`Constant`] or [`Changeable`].
pub struct Verdict<T: ?Sized, V>(PhantomData<(V, T)>);

/// A resource has the lifetime that its attribute says, and a lock of nothing has no state.
pub struct Managed;

/// No invocation can change the global.
pub struct Constant;

/// An invocation can change the global.
pub struct Changeable;

/// The levels of a check. Each is implemented for one reference less than the level before it, so
/// that method resolution takes the first one that applies. It tries all levels at each reference, so
/// the compiler's time grows with their square.
macro_rules! levels {
    ($method:ident of $use:ty: $(
        $(#[$doc:meta])*
        $level:ident<[$($params:tt)*]> for [$($references:tt)*] $global:ty => $kept:ty, $verdict:ty;
    )+) => {
        $(
            $(#[$doc])*
            pub trait $level<T: ?Sized> {
                /// Returns the result of this level.
                fn $method(&self) -> Verdict<T, $verdict> {
                    Verdict(PhantomData)
                }
            }

            impl<$($params)*> $level<$kept> for $($references)* Global<$global, $use> {}
        )+
    };
}

levels! {
    verdict of AnyUse:
    /// A resource.
    Resource<[T: IsHarmless]> for [&&&&&&&&&] T => T, Managed;
    /// A type that is known to be state.
    Known<[T: State<AnyUse> + ?Sized]> for [&&&&&&&&] T => T, Changeable;
    /// A type that derefs to state, such as those of `lazy_static!`.
    KnownByDeref<[T: Deref<Target: State<AnyUse>>]> for [&&&&&&&] T => T::Target, Changeable;
    /// A value of each thread that hides no cell.
    FixedLocal<[T: RefUnwindSafe + 'static]> for [&&&&&&] LocalKey<T> => T, Constant;
    /// A reference, since tables of trait objects are common.
    Reference<[T: ?Sized]> for [&&&&&] &T => T, Constant;
    /// A value of each thread.
    Local<[T: 'static]> for [&&&&] LocalKey<T> => T, Changeable;
    /// A type that hides no cell and derefs to none.
    FixedByDeref<[T: RefUnwindSafe + Deref<Target: RefUnwindSafe>]> for [&&&] T => T, Constant;
    /// A type that derefs to one that is not known.
    UnknownByDeref<[T: Deref]> for [&&] T => T::Target, Changeable;
    /// A type that hides no cell.
    Fixed<[T: RefUnwindSafe + ?Sized]> for [&] T => T, Constant;
    /// Any other type.
    Unknown<[T: ?Sized]> for [] T => T, Changeable;
}

levels! {
    verdict_of_reads of ReadOnly:
    /// A resource.
    ReadResource<[T: IsHarmless]> for [&&&] T => T, Managed;
    /// A type that is known to be state.
    ReadKnown<[T: State<ReadOnly> + ?Sized]> for [&&] T => T, Changeable;
    /// A type that derefs to state, such as those of `lazy_static!`.
    ReadKnownByDeref<[T: Deref<Target: State<ReadOnly>>]> for [&] T => T::Target, Changeable;
    /// Any other type.
    ReadUnknown<[T: ?Sized]> for [] T => T, Constant;
}

/// The statics of resources, and locks that hold nothing.
pub trait IsHarmless {}

impl IsHarmless for sync::Mutex<()> {}
impl IsHarmless for tokio::sync::Mutex<()> {}

impl<T> IsHarmless for NeedsGetAwait<T> {}
impl<T> IsHarmless for StaticCell<T> {}

/// A global that no invocation can change.
#[diagnostic::on_unimplemented(
    message = "this global keeps state between invocations (`{T}`)",
    label = "one invocation can change it, and later ones read it",
    note = "Lambda reuses the container: what one invocation leaves here, the next one finds, with \
            the data of another caller (lint `global_state`, https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#global_state)\n\
            help: keep what belongs to one invocation in a local variable, build what is only read \
            with `#[init]`, fetch what gets old with `#[cached(ttl = \"5m\")]`; if invocations are \
            meant to share it, write `allow(global_state)`"
)]
pub trait NoState<T: ?Sized> {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> NoState<T> for Constant {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> NoState<T> for Managed {}

/// Reports a global that an invocation can change.
pub const fn global<T: ?Sized, V: NoState<T>>(_: &Verdict<T, V>) {}

/// Rejects a resource that an invocation can change.
///
/// # Panics
/// If `is_state` is true, at compile time.
#[track_caller]
pub const fn no_state(is_state: bool, message: &str) -> bool {
    assert!(!is_state, "{}", message);
    true
}

/// True if an invocation can change a value of a type through a shared reference.
#[doc(hidden)]
#[macro_export]
macro_rules! __is_state {
    ($type:ty) => {{
        #[allow(unused_imports)]
        use $crate::private::Stateless as _;
        type __Probe = $crate::private::Probe<$type>;
        __Probe::IS_STATE
            || __Probe::FIRST_IS_STATE
            || __Probe::SECOND_IS_STATE
            || __Probe::THIRD_IS_STATE
    }};
}

/// The message for a resource of this name that an invocation can change.
#[doc(hidden)]
#[macro_export]
macro_rules! __state_message {
    ($name:literal) => {
        ::core::concat!(
            "invocations can change the resource `",
            $name,
            "`\nLambda reuses the container: what one invocation stores in it, the next one reads, \
             with the data of another caller (lint `global_state`, \
             https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#global_state)\n\
             help: keep what belongs to one invocation in a local variable, build what is only read \
             without a lock or a cell, fetch what gets old with `#[cached(ttl = \"5m\")]`; if \
             invocations are meant to share it, write `#[init(allow(global_state))]`"
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_found_behind_aliases_and_in_wrappers() {
        type Hidden = Arc<Option<sync::Mutex<u8>>>;
        type Pair = (u8, Hidden);
        const {
            assert!(crate::__is_state!(Hidden));
            assert!(crate::__is_state!(Pair));
            assert!(crate::__is_state!(sync::OnceLock<u8>));
            assert!(!crate::__is_state!(Arc<atomic::AtomicU64>));
            assert!(crate::__is_state!(arc_swap::ArcSwap<u8>));
            assert!(crate::__is_state!([tokio::sync::RwLock<u8>; 2]));
            assert!(!crate::__is_state!(Arc<dyn Fn() + Send + Sync>));
            assert!(!crate::__is_state!(tokio::sync::Semaphore));
            assert!(!crate::__is_state!((u8, String)));
            assert!(!crate::__is_state!(sync::LazyLock<String>));
        }
    }
}
