//! The signals that end a process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the future ends at the first SIGTERM or SIGINT.
///
/// # Errors
/// If the handlers cannot be installed.
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
