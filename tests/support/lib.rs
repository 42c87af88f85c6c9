//! Drives real Lambda functions, built as release binaries, from integration tests: [`RuntimeApi`]
//! serves AWS Lambda's Runtime API and Extensions API on a loopback port, [`Function`] is a child
//! process with Lambda's environment that talks to it, and [`build_binary`] builds the program it
//! runs. Every wait in here ends after twenty seconds with a panic that says what was awaited and
//! what the processes have printed. Start everything inside a Tokio runtime whose clock is not
//! paused.

#![forbid(unsafe_code)]

mod backend;
mod emf;
mod http;
mod local;
mod process;
mod runtime_api;
pub mod services;

use std::time::Duration;

pub use backend::{Backend, request};
pub use emf::{EmfLine, EmfMetric, emf_lines, emf_sums};
pub use http::Headers;
pub use local::Local;
pub use process::{Function, FunctionBuilder, build_binary};
pub use runtime_api::{ErrorReport, Extension, Invocation, Outcome, Pending, RuntimeApi};

/// How long anything may be awaited before the test fails.
const TIMEOUT: Duration = Duration::from_secs(20);
