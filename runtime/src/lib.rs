//! Container reuse made safe for AWS Lambda functions.
//!
//! Lambda keeps a container (its *execution environment*) between invocations, frozen. Three
//! attributes declare the lifetime of a value:
//!
//! | attribute | meaning | lifetime |
//! |---|---|---|
//! | [`#[init]`](macro@init) | builds a resource once, in INIT, beside the others | the container |
//! | [`#[cached(ttl = "5m")]`](macro@cached) | keeps one copy of a value | the TTL; then it is refetched |
//! | [`#[handler]`](macro@handler) | runs once per event, with its resources injected | one invocation |
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
//! A handler calls [`remaining`] for the time until its deadline, [`defer`] to run work after the
//! response, and [`container`] for the record of its container. [`metrics`] sends events to the
//! log, to CloudWatch and to sinks of your own. With the feature `testing`, tests run a function in
//! simulated containers. The [`guide`] explains the life of a container, the choice between the
//! attributes, and the limits of rewarm.
//!
//! # Features
//!
//! | feature | default | meaning |
//! |---|---|---|
//! | `http` | no | `#[handler(http)]`, for API Gateway, function URLs and load balancers |
//! | `graceful-shutdown` | yes | `close` hooks run on SIGTERM |
//! | `metrics` | no | events are also sent to the facade of the crate `metrics` |
//! | `local` | yes | outside Lambda, `run()` reads events from the command line |
//! | `tracing` | yes | `run()` installs a `tracing` subscriber, unless there is one |
//! | `redis` | no | [`store::Redis`](store), a second tier in Redis or Valkey |
//! | `redis-tls` | no | `rediss://` URLs for it |
//! | `dynamodb` | no | [`store::DynamoDb`](store), a second tier in DynamoDB |
//! | `testing` | no | simulated containers |
#![forbid(unsafe_code)]
// Each panic has a reason: `unreachable!` for a state that cannot occur, `#[expect]` for the
// others.
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

/// The README. Its examples are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

// The expansions in the documentation of this crate name it by `::rewarm`, as all expansions do.
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
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

/// Layers around a handler, for the option [`layer`](macro@handler#layer--path) of `#[handler]`.
pub mod layer {
    #[cfg(feature = "http")]
    pub use crate::invocation::http::HttpLayer;
    pub use crate::invocation::layer::{EventLayer, Next};
    pub use crate::invocation::response::StreamBody;
}

pub use container::{Container, container};
pub use error::{Error, ResourceError};
pub use invocation::error::InvocationError;

/// The crate `lambda_http`: requests, responses, and the data of events beyond the request.
#[cfg(feature = "http")]
#[doc(no_inline)]
pub use lambda_http as http;

/// The crate `tracing`, whose macros write to the log: `tracing::info!(order = 7, "sold")`.
///
/// Import it as `use rewarm::tracing;`. `#[tracing::instrument]` needs the feature `tracing`, with which
/// `run()` also installs a subscriber.
///
/// ```
/// use rewarm::{handler, tracing};
///
/// #[tracing::instrument]
/// async fn total(items: &[u64]) -> u64 {
///     tracing::debug!(items = items.len(), "adding up");
///     items.iter().sum()
/// }
///
/// #[handler]
/// async fn checkout(items: Vec<u64>) -> u64 {
///     let total = total(&items).await;
///     tracing::info!(total, "sold");
///     total
/// }
/// # fn main() {}
/// ```
#[doc(no_inline)]
pub use tracing;

pub use base::counters::Stats;
pub use container::snapshot::{CacheSnapshot, ContainerSnapshot, ResourceSnapshot, Start};
pub use invocation::context::{Deferred, defer, remaining};
pub use lambda::types::{Context, Diagnostic, LambdaEvent, MetadataPrelude, StreamResponse};
pub use rewarm_macros::{allow, audit, cached, handler, init};
