//! Text for people and for the log. Nobody may be there to read it any more: that fails nothing.

use std::fmt;
use std::io::{self, Write};

/// Where the log goes. One type for both, so that what writes it is compiled once.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    Stdout,
    #[cfg(feature = "local")]
    Stderr,
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

/// Writes a line to stderr. `eprintln!` panics where that is closed, and is hidden in tests.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
