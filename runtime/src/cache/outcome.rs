//! The result of a fetch, as the callers that wait for it share it.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use crate::base::erased::{BoxFuture, Erased, lent};
use crate::error::{BoxError, ResourceError};

/// The result of a fetch: a value of the function's type, or no value.
pub type FetchResult = Result<Erased, Failure>;

/// A fetch: the function's body with everything that it needs.
pub type Fetch = BoxFuture<'static, FetchResult>;

/// The reason why a fetch has no value.
#[derive(Clone)]
pub enum Failure {
    /// The function's error: a [`SharedError`] of its type.
    Error(Erased),
    /// A resource that the function needs is unavailable.
    Resource(ResourceError),
    /// The fetch was given up after its time limit.
    TimedOut(ResourceError),
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        Self::Resource(error)
    }
}

/// The error of a fetch. It is in a `Mutex` because it need not be `Sync`.
pub struct SharedError<E>(Mutex<Option<E>>);

impl<E> SharedError<E> {
    /// Wraps an error.
    pub fn new(error: E) -> Self {
        Self(Mutex::new(Some(error)))
    }

    /// Returns the error for one more caller: a clone, or the error itself if it is not `Clone`.
    fn give(&self, clone: Option<fn(&E) -> E>) -> E {
        let mut error = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match clone {
            Some(clone) => error.as_ref().map(clone),
            None => error.take(),
        };
        match error {
            Some(error) => error,
            None => unreachable!("an error that is not `Clone` goes to one caller"),
        }
    }
}

/// Returns the error of a fetch for one more caller.
pub(super) fn error_of<E: 'static>(error: &Erased, clone: Option<fn(&E) -> E>) -> E {
    lent::<SharedError<E>>(error).give(clone)
}

/// Formats the error of a fetch with its sources.
pub fn chain_of<E: 'static>(error: &Erased, chain: fn(&E) -> String) -> String {
    let error = lent::<SharedError<E>>(error).0.lock().unwrap_or_else(PoisonError::into_inner);
    error.as_ref().map(chain).unwrap_or_default()
}

/// Returns the error of a fetch as the source of another error.
pub fn report<E: 'static>(
    error: &Erased,
    clone: Option<fn(&E) -> E>,
    into_box: fn(E) -> BoxError,
) -> BoxError {
    into_box(error_of(error, clone))
}

/// The result of a fetch for a caller that joined it.
#[derive(Clone)]
pub(super) enum SharedResult {
    Done(FetchResult),
    /// The fetch failed with an error that is not `Clone`, which its leader has.
    Failed,
}

/// Unwraps the result of a function that cannot fail.
pub fn infallible<V>(result: Result<V, Infallible>) -> V {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
