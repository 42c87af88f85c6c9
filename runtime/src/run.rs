//! The entry of a function's `main`: under Lambda, or on the command line.

use std::process::ExitCode;

use crate::base::panic::record_locations;
use crate::invocation::handler::Handler;
use crate::lambda::environment::Environment;

/// The error of a `main` that is `async`.
const IN_RUNTIME: &str = "`run()` was called inside a tokio runtime, and it starts one of its own\n\
    help: write `fn main() -> ExitCode { name::run() }` without `#[tokio::main]`, and put asynchronous \
    set-up into an `#[init]`";

/// Runs a function: INIT, then its events, under Lambda or on the command line.
pub fn run<H: Handler>() -> ExitCode {
    record_locations();
    let is_in_runtime = tokio::runtime::Handle::try_current().is_ok();
    if Environment::is_lambda() {
        return match is_in_runtime {
            false => crate::lambda::run::<H>(),
            true => crate::lambda::refuse("InvalidMain", IN_RUNTIME),
        };
    }
    if is_in_runtime {
        crate::base::stdio::say(format_args!("error: {IN_RUNTIME}"));
        return ExitCode::from(2);
    }
    #[cfg(feature = "local")]
    return crate::local::run::<H>();
    #[cfg(not(feature = "local"))]
    {
        crate::base::stdio::say(format_args!(
            "AWS_LAMBDA_RUNTIME_API is not set: this is a Lambda function.\n\
             help: run it under `cargo lambda watch`, or build it with rewarm's feature `local`"
        ));
        ExitCode::from(2)
    }
}
