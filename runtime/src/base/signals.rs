//! The signals that terminate a process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Installs the signal handlers. The future completes at the first SIGTERM or SIGINT.
///
/// # Errors
/// The error of the system if it refuses a handler.
pub(crate) fn termination() -> io::Result<impl Future<Output = ()> + Send> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}
