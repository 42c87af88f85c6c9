//! Installs lambda_runtime's `tracing` subscriber.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::stdio::Output;

/// True if the subscriber was installed here. It writes to the log alone.
static LOG_ONLY: AtomicBool = AtomicBool::new(false);

/// Installs a subscriber that logs to `output`, unless the program has installed one.
pub(crate) fn begin(output: Output) {
    #[cfg(feature = "tracing")]
    if !tracing::dispatcher::has_been_set() {
        LOG_ONLY.store(true, Relaxed);
        lambda_runtime::tracing::init_default_subscriber_with_writer(move || output);
    }
    #[cfg(not(feature = "tracing"))]
    let _ = output;
}

/// True if spans and events go to the log alone: no exporter receives them.
pub(crate) fn is_log_only() -> bool {
    LOG_ONLY.load(Relaxed)
}
