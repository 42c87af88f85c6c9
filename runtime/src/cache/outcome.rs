//! What a fetch brings, as it is shared by those who wait for it.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use crate::base::erased::{BoxFuture, Erased, lent};
use crate::error::{BoxError, ResourceError};

/// What a fetch ends with: a value of the function's type.
pub type FetchResult = Result<Erased, Failure>;

/// A fetch: the function's body with all that it needs.
pub type Fetch = BoxFuture<'static, FetchResult>;

/// Why a fetch brought no value.
#[derive(Clone)]
pub enum Failure {
    /// The function returned it: a [`SharedError`] of its type.
    Error(Erased),
    /// A resource that the function needs, or its answer in time, cannot be had.
    Resource(ResourceError),
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        Self::Resource(error)
    }
}

/// The error of a fetch. In a `Mutex`, since it need not be `Sync`.
pub struct SharedError<E>(Mutex<Option<E>>);

impl<E> SharedError<E> {
    /// An error that nobody has yet.
    pub fn new(error: E) -> Self {
        Self(Mutex::new(Some(error)))
    }

    /// The error for one more caller: a clone, or the error itself where that cannot be had.
    fn give(&self, clone: Option<fn(&E) -> E>) -> E {
        let mut error = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match clone {
            Some(clone) => error.as_ref().map(clone),
            None => error.take(),
        };
        match error {
            Some(error) => error,
            None => unreachable!("an error that cannot be shared goes to its starter alone"),
        }
    }
}

/// The error of a fetch, for one more caller.
pub(super) fn error_of<E: 'static>(error: &Erased, clone: Option<fn(&E) -> E>) -> E {
    lent::<SharedError<E>>(error).give(clone)
}

/// The same as the source of another error.
pub fn report<E: 'static>(
    error: &Erased,
    clone: Option<fn(&E) -> E>,
    into_box: fn(E) -> BoxError,
) -> BoxError {
    into_box(error_of(error, clone))
}

/// What those who joined a fetch are told.
#[derive(Clone)]
pub(super) enum SharedResult {
    Done(FetchResult),
    /// It failed with an error that only its starter could have.
    Failed,
}

/// The result of a function that cannot fail.
pub fn infallible<V>(outcome: Result<V, Infallible>) -> V {
    match outcome {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
