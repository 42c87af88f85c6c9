//! The tokio runtime of a container.

use std::process::ExitCode;

use futures_util::future::LocalBoxFuture;
use tokio::runtime::Builder;

use super::stdio::say;

/// Builds a runtime and runs `work` on it. The future is type-erased, so that tokio's executor is
/// compiled once.
pub(crate) fn run(mut builder: Builder, work: LocalBoxFuture<'static, ExitCode>) -> ExitCode {
    match builder.enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A blocking thread that hangs must not keep the process alive.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            say(format_args!("error: failed to start the tokio runtime: {error}"));
            ExitCode::FAILURE
        }
    }
}
