//! SHUTDOWN. Lambda sends SIGTERM only where an extension is registered:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
//! So an internal extension is registered, which wants no events. lambda_runtime can do the same by
//! its crate for extensions, whose server would be a fifth of a function's size.

use super::api::RuntimeApi;
use crate::base::erased::spawn;
use crate::base::panic::log_caught;
use crate::base::signals::termination;
use crate::error::chain;

/// Runs `hook` at SHUTDOWN, and ends the process. To be called before the first event is polled. An
/// extension is registered if `register` is true.
pub(super) async fn at_shutdown<F: Future<Output = ()> + Send + 'static>(
    api: &RuntimeApi,
    hook: impl FnOnce() -> F + Send + 'static,
    register: bool,
) {
    let terminated = match termination() {
        Ok(terminated) => terminated,
        Err(error) => {
            log_caught(|| {
                tracing::warn!(%error, "failed to listen for SIGTERM; nothing is closed at SHUTDOWN");
            });
            return;
        }
    };
    if register {
        match api.register_extension("rewarm-shutdown").await {
            Ok(poll) => drop(spawn(async {
                if let Err(error) = poll.await {
                    let error = chain(&*error);
                    log_caught(|| tracing::debug!(error, "the extension is disconnected"));
                }
            })),
            // As under some emulators, which may send SIGTERM all the same.
            Err(error) => {
                let error = chain(&*error);
                log_caught(|| {
                    tracing::warn!(
                        error,
                        "failed to register for SHUTDOWN; Lambda sends no SIGTERM"
                    );
                });
            }
        }
    }
    drop(spawn(async move {
        terminated.await;
        hook().await;
        std::process::exit(0);
    }));
}
