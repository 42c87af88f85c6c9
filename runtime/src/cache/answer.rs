//! What a cached function brings: values and errors, as they are kept, shared and held.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ResourceError;
use crate::resource::BoxFuture;

/// Why a fetch brought no value.
pub enum Failure<E> {
    /// The function returned it.
    Error(E),
    /// A resource that the function needs, or its answer in time, cannot be had.
    Resource(ResourceError),
}

impl<E> From<ResourceError> for Failure<E> {
    fn from(error: ResourceError) -> Self {
        Self::Resource(error)
    }
}

/// A fetch: the function's body with all that it needs.
pub type Fetch<V, E> = BoxFuture<'static, Result<V, Failure<E>>>;

/// What is kept: a value, or an error under `negative_ttl`.
pub enum Answer<V, E> {
    /// The function's value.
    Value(V),
    /// The function's error.
    Error(SharedError<E>),
}

impl<V: Clone, E> Clone for Answer<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Error(error) => Self::Error(error.clone()),
        }
    }
}

/// An error that several callers get a clone of. In a `Mutex`, since it need not be `Sync`.
pub struct SharedError<E> {
    error: Arc<Mutex<E>>,
    clone: fn(&E) -> E,
}

impl<E> SharedError<E> {
    pub(super) fn new(error: E, clone: fn(&E) -> E) -> Self {
        Self { error: Arc::new(Mutex::new(error)), clone }
    }

    pub(super) fn get(&self) -> E {
        (self.clone)(&self.error.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<E> Clone for SharedError<E> {
    fn clone(&self) -> Self {
        Self { error: Arc::clone(&self.error), clone: self.clone }
    }
}

/// What those who joined a fetch are told.
pub(super) enum Landing<V, E> {
    Value(V),
    Error(SharedError<E>),
    Resource(ResourceError),
    /// It failed with an error that only its starter could have.
    Failed,
}

impl<V: Clone, E> Clone for Landing<V, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Error(error) => Self::Error(error.clone()),
            Self::Resource(error) => Self::Resource(error.clone()),
            Self::Failed => Self::Failed,
        }
    }
}

impl<V, E> Answer<V, E> {
    pub(super) fn into_result(self) -> Result<V, E> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Error(error) => Err(error.get()),
        }
    }
}

/// The result of a function that cannot fail.
pub fn infallible<V>(outcome: Result<V, Infallible>) -> V {
    match outcome {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
