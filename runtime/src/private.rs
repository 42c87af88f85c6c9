//! The items that macro expansions name. They are not part of the public interface and change
//! without notice.

pub use std::borrow::{Borrow, ToOwned};
pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::process::ExitCode;
pub use std::sync::Arc;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use linkme;
pub use serde::de::IgnoredAny;

pub use crate::base::counters::Stats;
pub use crate::base::erased::{Erased, lent};
pub use crate::cache::{
    Arguments, Facts, Failure, Fetch, Keyed, Policy, SharedError, StoreTier, StoredFunction,
    Unkeyed, ValueRef, chain_of, infallible, lifetime_of, lifetime_of_some, report,
};
pub use crate::diagnostics::global_state::{AnyUse, Global, ReadOnly, Stateless, global, no_state};
pub use crate::diagnostics::probe::{
    ChainByDeref, ChainOf, ChainOfError, Fallback, IsResult, Lender, LendsItself, NoChain, Probe,
};
pub use crate::diagnostics::{
    Check, Checked, Close, Copies, Faulty, FetchError, JsonResponse, KeyPart, Passed, PassedOwned,
    Reportable, Shareable, SharedFailure, a_guard_is_held_across_await, cacheable, check, close,
    fetch_error, is_store, key_part, passed, passed_owned, shareable, shared_failure, storable,
    storable_key,
};
pub use crate::error::{BoxError, ResourceError};
pub use crate::invocation::app::{App, Layered, Returned, service_of};
pub use crate::invocation::error::{ByDiagnostic, ByReport, InvocationError, error_of, error_type};
pub use crate::invocation::handler::{Handler, HandlerSpec};
pub use crate::invocation::layer::{layer_of, next};
pub use crate::invocation::response::{Json, Stream, json};
pub use crate::invocation::streaming::{Streamed, stream};
pub use crate::lambda::service::{Service, service};
pub use crate::metrics::emf::Dimension;
pub use crate::resource::awaited_static::NeedsGetAwait;
pub use crate::resource::cell::{Cell, ResourceRef};
pub use crate::resource::hold::{hold, hold_now, with_resources};
pub use crate::resource::spec::{Restore, Spec};
pub use crate::resource::static_cell::StaticCell;
pub use crate::resource::{
    FromRef, Possible, REGISTRY, Registered, RegistryEntry, Resource, ResourceSet, StaticRef,
    Storage, depth,
};
pub use crate::run::run;
pub use crate::store::StoreError;
#[cfg(feature = "testing")]
pub use crate::testing::statics::{AUDITED, EXCUSED};

pub use crate::{
    __audited as audited, __container as container, __excused as excused, __facts as facts,
    __is_result as is_result, __is_state as is_state, __register as register,
    __state_message as state_message, __with_http as with_http,
};

use crate::error::named;

/// Erases the type of the value that an initialiser returned.
///
/// # Errors
/// None. The type is that of [`built_or`].
pub fn built<T: Send + Sync + 'static>(value: T) -> Result<Erased, BoxError> {
    Ok(Arc::new(value))
}

/// Returns the value of a static that derefs.
///
/// # Errors
/// None. An initialiser with `?` returns its own.
pub fn fixed<T>(value: T) -> Result<T, BoxError> {
    Ok(value)
}

/// Erases the types of the `Result` that an initialiser returned.
///
/// # Errors
/// The error of the initialiser.
pub fn built_or<T, E: Reportable>(outcome: Result<T, E>) -> Result<Erased, BoxError>
where
    T: Send + Sync + 'static,
{
    outcome.map_err(|error| named::<E>(error.report())).and_then(built)
}

/// Erases the types of the `Result` of a fetch.
///
/// # Errors
/// The error of the fetch.
pub fn fetched<V, E>(outcome: Result<V, E>) -> Result<Erased, Failure>
where
    V: Send + Sync + 'static,
    E: Send + 'static,
{
    match outcome {
        Ok(value) => Ok(Arc::new(value)),
        Err(error) => Err(Failure::Error(Arc::new(SharedError::new(error)))),
    }
}

/// The owned form of an argument, as a part of a cache key.
pub type Owned<A> = <A as ToOwned>::Owned;

/// Returns the registry entries of a set of resources.
pub fn entries<S: ResourceSet>() -> Vec<&'static dyn RegistryEntry> {
    S::entries()
}

/// Leads from the type of a resource or a cached function to its function as written.
pub trait Written {
    /// The type with the function as an associated function.
    type Function;
}

/// Returns the [`Facts`] of the value and error types of a cache.
#[doc(hidden)]
#[macro_export]
macro_rules! __facts {
    ($value:ty, $error:ty) => {{
        #[allow(unused_imports)]
        use $crate::private::Fallback as _;
        $crate::private::Facts::<$error> {
            is_none: $crate::private::Probe::<$value>::IS_NONE,
            report: |__error| {
                use $crate::private::{Probe, report};
                report(__error, Probe::<$error>::CLONE, Probe::<$error>::INTO_BOX)
            },
            chain: |__error| {
                #[allow(unused_imports)]
                use $crate::private::{ChainByDeref as _, ChainOfError as _, NoChain as _};
                $crate::private::chain_of::<$error>(__error, |__error| {
                    (&&$crate::private::ChainOf(__error)).chain()
                })
            },
            clone_error: $crate::private::Probe::<$error>::CLONE,
            from_resource_error: $crate::private::Probe::<$error>::FROM_RESOURCE_ERROR,
        }
    }};
}

/// Adds a storage to the [`REGISTRY`].
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($name:ident = $storage:ident) => {
        $crate::private::register!($name = $storage, in ::core::module_path!());
    };
    ($name:ident = $storage:ident, in $module:expr) => {
        #[$crate::private::linkme::distributed_slice($crate::private::REGISTRY)]
        #[linkme(crate = $crate::private::linkme)]
        static $name: $crate::private::Registered = $crate::private::Registered {
            entry: (&$storage).entry(),
            module: $module,
        };
    };
}

/// True if a type is a `Result`, also behind an alias.
#[doc(hidden)]
#[macro_export]
macro_rules! __is_result {
    ($type:ty) => {{
        #[allow(unused_imports)]
        use $crate::private::Fallback as _;
        $crate::private::Probe::<$type>::IS_RESULT
    }};
}

/// Rejects a return type that is a `Result` behind an alias, which a macro cannot resolve.
///
/// # Panics
/// If `is_result` is true, at compile time.
#[track_caller]
pub const fn not_a_result(is_result: bool) -> bool {
    assert!(
        !is_result,
        "this type is a `Result` under another name\n\
         an error in it would be taken for a value: kept for later invocations, or sent as the \
         response\n\
         help: write `Result<T, E>`, or an alias that is called `Result`"
    );
    true
}

/// Rejects a static whose type is a `Result`.
///
/// # Panics
/// If `is_result` is true, at compile time.
#[track_caller]
pub const fn no_result(is_result: bool) -> bool {
    assert!(
        !is_result,
        "the type of a static resource cannot be a `Result`\n\
         an error in its initialiser becomes the error of the resource\n\
         help: write the type of the value, and `?` in the initialiser"
    );
    true
}

/// Defines the function `container` of a handler, with the feature `testing`.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __container {
    ($vis:vis fn) => {
        /// Starts a cold simulated container of this function, for tests, and runs INIT in it.
        ///
        /// # Panics
        /// If INIT fails, or if the calling test or task already holds a container.
        $vis async fn container() -> $crate::testing::Container<Self> {
            $crate::testing::container_of().await
        }
    };
}

/// Leaves a static out of the statics that tests compare, with the feature `testing`.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __excused {
    ($static:ident) => {
        const _: () = {
            #[$crate::private::linkme::distributed_slice($crate::private::EXCUSED)]
            #[linkme(crate = $crate::private::linkme)]
            static __EXCUSED: fn() -> usize = || (&raw const $static).addr();
        };
    };
}

/// Has tests compare the statics of the crate, with the feature `testing`.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __audited {
    () => {
        const _: () = {
            #[$crate::private::linkme::distributed_slice($crate::private::AUDITED)]
            #[linkme(crate = $crate::private::linkme)]
            static __AUDITED: &'static str = ::core::module_path!();
        };
    };
}

/// Emits nothing: tests compare statics with the feature `testing`.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __excused {
    ($static:ident) => {};
}

/// Emits nothing: tests compare statics with the feature `testing`.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __audited {
    () => {};
}

/// Defines nothing: simulated containers need the feature `testing`.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __container {
    ($vis:vis fn) => {};
}

/// The traits behind the check of a global, for a glob import that adds no names.
pub mod globals {
    pub use crate::diagnostics::global_state::{
        Fixed as _, FixedByDeref as _, FixedLocal as _, Known as _, KnownByDeref as _, Local as _,
        ReadKnown as _, ReadKnownByDeref as _, ReadResource as _, ReadUnknown as _, Reference as _,
        Resource as _, Unknown as _, UnknownByDeref as _,
    };
}

/// The traits behind `ServiceOf`, for a glob import that adds no names.
pub mod services {
    pub use crate::invocation::app::{
        Callable as _, NoSendFuture as _, NotCloned as _, NotFitting as _, NotSent as _,
        NotServing as _,
    };
    pub use crate::invocation::layer::{Around as _, NoLayer as _};
}

/// The items that the expansion of `#[handler(http)]` names.
#[cfg(feature = "http")]
pub mod http {
    pub use lambda_http::Request;

    pub use crate::invocation::http::{
        Event, Streaming, Whole, context, read, respond, respond_layered, respond_stream, serve,
        serve_streaming,
    };
}

/// Emits the expansion of `#[handler(http)]`, with the feature `http`.
#[cfg(feature = "http")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_http {
    ({ $($expansion:tt)* } $fallback:tt) => { $($expansion)* };
}

/// Emits an error and the fallback of `#[handler(http)]`, without the feature `http`.
#[cfg(not(feature = "http"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_http {
    ($expansion:tt { $($fallback:tt)* }) => {
        ::core::compile_error! {
            "`#[handler(http)]` requires the feature `http` of rewarm\n\
             it adds `lambda_http`, which reads the events of API Gateway, function URLs and load \
             balancers\n\
             help: rewarm = { version = \"0.1\", features = [\"http\"] }"
        }
        $($fallback)*
    };
}
