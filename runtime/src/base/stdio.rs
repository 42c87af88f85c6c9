//! Writes to stdout and stderr. A write that fails, as to a closed pipe, is ignored.

use std::fmt;
use std::io::{self, Write};

/// The output of the log. One type for both streams, so that the code that formats the log is
/// compiled once.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    Stdout,
    #[cfg(feature = "local")]
    Stderr,
}

impl Output {
    /// True if a person reads it, not a file or a pipe.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_terminal(self) -> bool {
        use std::io::IsTerminal;
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            #[cfg(feature = "local")]
            Self::Stderr => io::stderr().is_terminal(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_all(text)?;
        Ok(text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        let _ = match self {
            Self::Stdout => io::stdout().write_all(text),
            #[cfg(feature = "local")]
            Self::Stderr => io::stderr().write_all(text),
        };
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stdout().flush();
        Ok(())
    }
}

/// Writes a line to stderr. `eprintln!` would panic if stderr is closed, and its output is captured
/// in tests.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
