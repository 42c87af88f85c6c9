//! The error of a store.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use crate::error::{BoxError, chain};

/// The error of an operation of a store.
///
/// `Display` prints the store and the kind, [`source`](StdError::source) is the cause, and `Debug`
/// prints both. Neither prints values, keys or credentials. A clone shares the cause.
///
/// ```
/// use rewarm::store::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Unavailable, "Redis at shop:6379", "connection refused");
/// assert_eq!(error.to_string(), "Redis at shop:6379 is unavailable");
/// assert_eq!(rewarm::Error::from(error).to_string(),
///     "Redis at shop:6379 is unavailable: connection refused");
/// ```
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    store: Arc<str>,
    source: Arc<dyn StdError + Send + Sync>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or refuses all operations.
    Unavailable,
    /// The store did not respond in time.
    Timeout,
    /// The entry is too large for the store, which works otherwise.
    TooLarge,
    /// Any other error.
    Other,
}

impl StoreError {
    /// Creates an error. `store` is the name of the store for error messages, such as its address.
    pub fn new(
        kind: StoreErrorKind,
        store: impl Into<Arc<str>>,
        source: impl Into<BoxError>,
    ) -> Self {
        Self { kind, store: store.into(), source: Arc::from(source.into()) }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store)?;
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => " is unavailable",
            StoreErrorKind::Timeout => " did not respond in time",
            StoreErrorKind::TooLarge => " does not take an entry of this size",
            StoreErrorKind::Other => " failed",
        })
    }
}

impl Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
