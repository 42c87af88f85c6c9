//! The entry of a function's `main`: under Lambda, or on the command line.

use std::process::ExitCode;

use crate::base::panic::record_locations;
use crate::invocation::handler::Handler;
use crate::lambda::environment::Environment;

/// Runs a function: INIT, then its events, under Lambda or on the command line.
pub fn run<H: Handler>() -> ExitCode {
    record_locations();
    if Environment::is_lambda() {
        return crate::lambda::run::<H>();
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
