//! What expansions name, and nothing else does. No part of the public interface: it changes without
//! notice.

pub use std::borrow::{Borrow, ToOwned};
pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::future::Future;
pub use std::process::ExitCode;
pub use std::sync::Arc;
pub use std::time::Duration;

pub use linkme;
pub use serde::de::IgnoredAny;

pub use crate::bounds::{
    Copies, FetchError, GivePart, Keep, KeepError, KeepPart, Keeps, KeyPart, Reportable, Shareable,
    SharedFailure, copies, fetch_error, guard_across_await, key_part, shareable, shared_failure,
};
pub use crate::cache::{
    Arguments, Facts, Failure, Fetch, HeldValue, Keyed, Policy, Unkeyed, infallible,
};
pub use crate::cell::{Cell, Held, Restore, Spec};
pub use crate::entry::run;
pub use crate::error::BoxError;
pub use crate::fixed::Fixed;
pub use crate::invocation::{Handler, HandlerSpec, InvocationError};
pub use crate::metrics::emf::Dimension;
pub use crate::probe::{IsResult, Probe, Unable, UnablePart};
pub use crate::reply::{Json, json};
pub use crate::resource::{BoxFuture, FromHeld, Node, REGISTRY, Resource, ResourceSet, depth};
pub use crate::run::{Service, service};
pub use crate::streaming::{Stream, stream};

pub use crate::{
    __container as container, __facts as facts, __keeps as keeps, __with_http as with_http,
};

/// A resource that stands in a [`Cell`].
pub trait Init: Resource {
    /// What is kept: the value.
    type Kept: 'static;
    /// How it is built and kept.
    const SPEC: Spec<Self::Kept>;
    /// Where it stands.
    fn cell() -> &'static Cell<Self::Kept>;
}

/// A function whose answers are kept.
pub trait Cached {
    /// How they are kept.
    type Cache: 'static;
    /// One more than the deepest of the resources that it takes.
    const DEPTH: usize;
    /// Where they are kept.
    fn cache() -> &'static Self::Cache;
}

/// Where the resources of a set stand.
pub fn nodes<S: ResourceSet>() -> Vec<&'static dyn Node> {
    S::nodes()
}

/// Waits for all resources of a set at the same time.
///
/// # Errors
/// That of the first which cannot be had.
pub async fn hold<S: ResourceSet>() -> Result<S::Held, crate::ResourceError> {
    S::hold().await
}

/// [`Keep`] for a type.
#[doc(hidden)]
#[macro_export]
macro_rules! __keeps {
    ($type:ty, $what:ident) => {
        $crate::private::Keeps<{
            #[allow(unused_imports)]
            use $crate::private::{Unable as _, UnablePart as _};
            $crate::private::Probe::<$type>::$what
        }>
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
