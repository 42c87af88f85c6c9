//! Drives real Lambda functions from integration tests: [`RuntimeApi`] serves AWS Lambda's Runtime
//! API and Extensions API on a loopback port, [`Function`] is a child process with Lambda's
//! environment that talks to it, and [`build_binary`] builds its program where the one that Cargo
//! builds for tests is not enough. Every wait in here ends after twenty seconds with a panic that
//! names the awaited event and shows the output of the processes. Start everything inside a Tokio
//! runtime whose clock is not paused.

#![forbid(unsafe_code)]

mod backend;
mod build;
mod calls;
mod emf;
mod http;
mod local;
mod process;
mod random;
pub mod random_faults;
mod runtime_api;
pub mod services;
mod skip;
pub mod turns;

use std::time::Duration;

pub use backend::{Backend, request};
pub use build::build_binary;
pub use calls::{Count, Refused, all, panic_of, waiting};
pub use emf::{EmfLine, EmfMetric, emf_lines, emf_sums};
pub use http::Headers;
pub use local::Local;
pub use process::{Function, FunctionBuilder};
pub use random::Random;
pub use runtime_api::{
    ErrorReport, Extension, Invocation, Outcome, Pending, PollFault, PostFault, RuntimeApi,
};
pub use skip::{is_set, runs_all};

/// The time limit of every wait.
const TIMEOUT: Duration = Duration::from_secs(20);
