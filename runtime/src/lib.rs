//! Container reuse made safe for AWS Lambda functions.
//!
//! Lambda keeps a container (its *execution environment*) alive between invocations, frozen. Three
//! attributes say what lives how long:
//!
//! | attribute | says | lives for |
//! |---|---|---|
//! | [`#[init]`](macro@init) | build this once, in the INIT phase, beside all the others | the container |
//! | [`#[cached(ttl = "5m")]`](macro@cached) | keep one copy of this answer | the TTL, then it is fetched again |
//! | [`#[handler]`](macro@handler) | run this for every event, with what it names in its signature | one invocation |
//!
//! ```
//! use rewarm::{Error, cached, handler, init};
//!
//! #[cached(ttl = "5m")]
//! async fn factor() -> Result<u64, Error> {
//!     Ok(std::env::var("FACTOR").map_or(Ok(2), |text| text.parse())?)
//! }
//!
//! #[init]
//! async fn table(factor: &u64) -> Vec<u64> {
//!     (0..100).map(|n| n * factor).collect()
//! }
//!
//! #[handler]
//! async fn look_up(index: usize, table: &Vec<u64>) -> Result<u64, Error> {
//!     table.get(index).copied().ok_or_else(|| Error::msg("beyond the table"))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     # if true { return std::process::ExitCode::SUCCESS }
//!     look_up::run()
//! }
//! ```
//!
//! Inside an invocation there are [`remaining`], [`defer`] and [`container`]. What happens in the
//! container is told by [`metrics`]. Tests put a function through a container's life with the feature
//! `testing`. The [`guide`] says how a container lives, what belongs under which attribute, and what
//! rewarm does not do.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `http` | no | `#[handler(http)]` |
//! | `graceful-shutdown` | yes | `close` hooks on SIGTERM |
//! | `metrics` | no | events go to the facade of the crate `metrics`, too |
//! | `local` | yes | `run()` outside Lambda reads events from the command line |
//! | `tracing` | yes | `run()` sets a `tracing` subscriber up, unless there is one |
//! | `testing` | no | simulated containers |
#![forbid(unsafe_code)]
// What panics says why: `unreachable!` for what cannot happen, `#[expect]` where it is meant to.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unwrap_used
    )
)]

/// The front page, whose examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

// The expansions in our own documentation name the crate as a user's do.
extern crate self as rewarm;

mod base;
mod cache;
mod container;
mod diagnostics;
mod error;
#[cfg(any(doc, doctest))]
pub mod guide;
mod invocation;
mod lambda;
#[cfg(feature = "local")]
mod local;
pub mod metrics;
#[doc(hidden)]
pub mod private;
mod resource;
mod run;
#[cfg(feature = "testing")]
pub mod testing;

pub use container::{Container, container};
pub use error::{Error, ResourceError};
pub use invocation::error::InvocationError;

/// `lambda_http`: requests, answers, and what events know beyond the request.
#[cfg(feature = "http")]
#[doc(no_inline)]
pub use lambda_http as http;

pub use base::counters::Stats;
pub use container::snapshot::{CacheSnapshot, ContainerSnapshot, ResourceSnapshot, Start};
pub use invocation::context::{Deferred, defer, remaining};
pub use lambda::types::{Context, LambdaEvent, MetadataPrelude, StreamResponse};
pub use rewarm_macros::{cached, handler, init};
