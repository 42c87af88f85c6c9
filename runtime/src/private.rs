//! What expansions name, and nothing else does. No part of the public interface: it changes without
//! notice.

pub use std::borrow::{Borrow, ToOwned};
pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::process::ExitCode;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use linkme;
pub use serde::de::IgnoredAny;

pub use crate::bounds::{
    Copies, FetchError, Keep, Keeps, Kept, KeyPart, Reportable, Shareable, SharedFailure,
    cacheable, fetch_error, guard_across_await, key_part, shareable, shared_failure,
};
pub use crate::cache::{
    Arguments, Facts, Failure, Fetch, HeldValue, Keyed, Policy, SharedError, Unkeyed, infallible,
};
pub use crate::cell::{Cell, Held, Restore, Spec};
pub use crate::entry::run;
pub use crate::erased::{Erased, lent};
use crate::error::named;

pub use crate::error::{BoxError, ResourceError};
pub use crate::failure::InvocationError;
pub use crate::fixed::Fixed;
pub use crate::handler::{Handler, HandlerSpec};
pub use crate::metrics::emf::Dimension;
pub use crate::probe::{IsResult, Probe, Unable, UnablePart};
pub use crate::reply::{Json, Stream, json};
pub use crate::resource::{FromHeld, Node, Place, REGISTRY, Resource, ResourceSet, depth};
pub use crate::run::{Service, service};
pub use crate::stats::Stats;
pub use crate::streaming::stream;

pub use crate::{
    __container as container, __facts as facts, __is_result as is_result, __keeps as keeps,
    __register as register, __with_http as with_http,
};

/// The value of a resource, as an owner of it.
///
/// # Errors
/// Those of the resource.
#[inline]
pub fn give<T, K: Kept<T>>(kept: Result<Arc<K>, ResourceError>) -> Result<Arc<T>, ResourceError> {
    kept.map(K::handle)
}

/// What an initialiser made, as it is kept.
///
/// # Errors
/// None; the initialiser has others.
pub fn built<T, K: Kept<T> + Send + Sync + 'static>(value: T) -> Result<Erased, BoxError> {
    Ok(Arc::new(K::keep(value)))
}

/// The same of a static that derefs.
///
/// # Errors
/// None; the initialiser has others.
pub fn fixed<T, K: Kept<T>>(value: T) -> Result<K, BoxError> {
    Ok(K::keep(value))
}

/// The same of an initialiser that can fail.
///
/// # Errors
/// Its own.
pub fn built_or<T, K, E: Reportable>(outcome: Result<T, E>) -> Result<Erased, BoxError>
where
    K: Kept<T> + Send + Sync + 'static,
{
    outcome.map_err(|error| named::<E>(error.report())).and_then(built::<T, K>)
}

/// What a fetch ended with, as it is kept.
///
/// # Errors
/// That of the fetch.
pub fn fetched<V, E, KV, KE>(outcome: Result<V, E>) -> Result<Erased, Failure>
where
    KV: Kept<V> + Send + Sync + 'static,
    KE: Kept<E> + Send + 'static,
{
    match outcome {
        Ok(value) => Ok(Arc::new(KV::keep(value))),
        Err(error) => Err(Failure::Error(Arc::new(SharedError::new(KE::keep(error))))),
    }
}

/// What a cached function answers with.
///
/// # Errors
/// That of the fetch.
#[inline]
pub fn answer<V, E, KV: Kept<V>, KE: Kept<E>>(outcome: Result<KV, KE>) -> Result<V, E> {
    outcome.map(KV::back).map_err(KE::back)
}

/// The part of a key that an argument is.
pub type Owned<A> = <A as ToOwned>::Owned;

/// Lends a part of a key to the function.
pub fn lend<'a, A: ?Sized, K: Kept<A> + ToOwned + ?Sized + 'a>(part: &'a Owned<K>) -> &'a A {
    K::lend(part.borrow())
}

/// Where the resources of a set stand.
pub fn nodes<S: ResourceSet>() -> Vec<&'static dyn Node> {
    S::nodes()
}

/// Waits for all resources of a set at the same time.
///
/// # Errors
/// That of the first which cannot be had.
#[inline]
pub async fn hold<S: ResourceSet>() -> Result<S::Held, ResourceError> {
    match S::ready() {
        Ok(held) => Ok(held),
        // Boxed, so that the future of who has to wait for nothing is small.
        Err(ready) => Box::pin(S::wait(ready)).await,
    }
}

/// What is kept of a type, by whether it is `$what`.
#[doc(hidden)]
#[macro_export]
macro_rules! __keeps {
    ($type:ty, $what:ident) => {
        <$crate::private::Keeps<
            {
                #[allow(unused_imports)]
                use $crate::private::{Unable as _, UnablePart as _};
                $crate::private::Probe::<$type>::$what
            },
        > as $crate::private::Keep<$type>>::Kept
    };
}

/// The [`Facts`] of two types.
#[doc(hidden)]
#[macro_export]
macro_rules! __facts {
    ($value:ty, $error:ty) => {{
        #[allow(unused_imports)]
        use $crate::private::Unable as _;
        $crate::private::Facts::<$value, $error> {
            is_none: $crate::private::Probe::<$value>::IS_NONE,
            clone_error: $crate::private::Probe::<$error>::CLONE,
            from_resource_error: $crate::private::Probe::<$error>::FROM_RESOURCE_ERROR,
            into_box: $crate::private::Probe::<$error>::INTO_BOX,
        }
    }};
}

/// Puts a node into the [`REGISTRY`].
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($place:ident) => {
        #[$crate::private::linkme::distributed_slice($crate::private::REGISTRY)]
        #[linkme(crate = $crate::private::linkme)]
        static __NODE: &'static dyn $crate::private::Node = $place.node();
    };
}

/// Whether a type is a `Result`, under whatever name.
#[doc(hidden)]
#[macro_export]
macro_rules! __is_result {
    ($type:ty) => {{
        #[allow(unused_imports)]
        use $crate::private::Unable as _;
        $crate::private::Probe::<$type>::IS_RESULT
    }};
}

/// Rejects a `Result` under a name that a macro cannot see through.
///
/// # Panics
/// If it is one.
#[track_caller]
pub const fn not_a_result(is_result: bool) {
    assert!(
        !is_result,
        "this type is a `Result` under another name, and its error would be kept as a value\n\
         help: write `Result<T, E>`, or an alias that is called `Result`"
    );
}

/// The simulated container of a handler, where there are such.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __container {
    ($vis:vis fn) => {
        /// A cold container of this function, for tests.
        $vis async fn container() -> $crate::testing::Container<Self> {
            $crate::testing::container_of().await
        }
    };
}

/// The simulated container of a handler, where there are such.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __container {
    ($vis:vis fn) => {};
}

/// What the expansion of `#[handler(http)]` names.
#[cfg(feature = "http")]
pub mod http {
    pub use crate::http_events::{
        App, Event, answer, answer_stream, context, respond, respond_stream,
    };
}

/// What needs the feature `http`, where there is that.
#[cfg(feature = "http")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_http {
    ({ $($expansion:tt)* } $stand_in:tt) => { $($expansion)* };
}

/// What needs the feature `http`, where there is that.
#[cfg(not(feature = "http"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_http {
    ($expansion:tt { $($stand_in:tt)* }) => {
        ::core::compile_error! {
            "`http` needs rewarm's feature of that name\n\
             it brings `lambda_http`, which reads the events of API Gateway, function URLs and load balancers\n\
             help: rewarm = { version = \"0.1\", features = [\"http\"] }"
        }
        $($stand_in)*
    };
}
