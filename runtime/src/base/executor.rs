//! The tokio runtime of a container.

use std::process::ExitCode;

use futures_util::future::LocalBoxFuture;
use tokio::runtime::Builder;

use super::stdio::say;

/// Builds a runtime and runs `work` on it. One future type for all callers, so that this is compiled
/// once.
pub(crate) fn run(mut builder: Builder, work: LocalBoxFuture<'static, ExitCode>) -> ExitCode {
    match builder.enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // Threads that are still blocked are not waited for.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            say(format_args!("error: failed to start the tokio runtime: {error}"));
            ExitCode::FAILURE
        }
    }
}
