//! Where a function's `main` begins: under Lambda, or on the command line.

use std::env;
use std::process::ExitCode;

use crate::base::panic::remember_places;
use crate::invocation::handler::Handler;

/// All that a function's `main` does: INIT, then one event after the other, under Lambda or on the
/// command line.
pub fn run<H: Handler>() -> ExitCode {
    remember_places();
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return crate::lambda::in_lambda::<H>();
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
