//! Container reuse made safe for AWS Lambda functions.
#![forbid(unsafe_code)]

// The expansions in our own documentation name the crate as a user's do.
extern crate self as rewarm;

mod cache;
mod cell;
mod clock;
mod container;
mod duration;
mod error;
mod fixed;
mod flight;
mod invocation;
#[cfg(feature = "local")]
mod local;
mod panic;
#[doc(hidden)]
pub mod private;
mod random;
mod resource;
mod run;
mod scope;
#[cfg(feature = "testing")]
pub mod testing;

pub use cache::Stats;
pub use container::{
    CacheSnapshot, Container, ContainerSnapshot, ResourceSnapshot, Start, container,
};
pub use error::{Error, ResourceError};
pub use invocation::InvocationError;

pub use rewarm_macros::{cached, handler, init};
pub use run::{Context, LambdaEvent};
pub use scope::{defer, remaining};
