//! The storage of a static that derefs: a value that is built once and kept until the container
//! ends. Its [`Lifecycle`] is that of any resource; only the storage differs.

use std::ops::Deref;

use super::lifecycle::Lifecycle;
use super::spec::Spec;
use super::{PendingValue, RegistryEntry, StaticRef, Storage};
use crate::base::erased::Erased;
use crate::error::{BoxError, ResourceError};
use crate::invocation::context::unavailable;

/// A `static` that derefs to its value.
///
/// # Panics
/// A use builds the value if INIT has not. If that fails, the use ends the invocation as
/// `ResourceUnavailable`, or the initialiser that it stands in; elsewhere it panics. The next use
/// tries again.
pub struct StaticCell<T: 'static> {
    lifecycle: Lifecycle,
    value: Once<T>,
    /// Returns the static itself: an attempt can outlive the borrow of a use.
    this: fn() -> &'static Self,
}

impl<T: Send + Sync + 'static> StaticCell<T> {
    /// Creates a cell that is not built. `this` returns the static itself, which the initialiser in
    /// `spec` [fills](Self::fill).
    pub const fn new(spec: Spec, this: fn() -> &'static Self) -> Self {
        Self { lifecycle: Lifecycle::new(spec, None), value: Once::new(), this }
    }

    /// The entry of the registry.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }

    /// Stores the value, and returns a placeholder for the lifecycle.
    ///
    /// # Errors
    /// The error of `value`.
    pub fn fill(&self, value: Result<T, BoxError>) -> Result<Erased, BoxError> {
        // There is one attempt at a time, and none after one that succeeded.
        let _ = self.value.set(value?);
        Ok(std::sync::Arc::new(()))
    }

    /// Returns the value if it is built.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        // A simulated container does not see the value of the one before.
        match cfg!(feature = "testing") && self.lifecycle.generation() == 0 {
            true => None,
            false => self.value.get(),
        }
    }

    fn filled(&self) -> &T {
        match self.peek() {
            Some(value) => value,
            None => unreachable!("a successful attempt fills it"),
        }
    }

    #[cold]
    #[track_caller]
    fn build(&self) -> &T {
        match (self.this)().lifecycle.wait_blocking() {
            Ok(_) => self.filled(),
            Err(error) => unavailable(error),
        }
    }
}

impl<T: Send + Sync + 'static> Deref for StaticCell<T> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        match self.peek() {
            Some(value) => value,
            None => self.build(),
        }
    }
}

impl<T: Send + Sync + 'static> Storage for StaticCell<T> {
    type Ref = StaticRef<T>;

    #[inline]
    fn ready(&'static self) -> Option<StaticRef<T>> {
        self.peek().map(StaticRef)
    }

    fn wait(&'static self) -> PendingValue {
        self.lifecycle.wait()
    }

    fn wait_blocking(&'static self) -> Result<Erased, ResourceError> {
        self.lifecycle.wait_blocking()
    }

    fn hold(&'static self, _: Erased) -> StaticRef<T> {
        StaticRef(self.filled())
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }
}

#[cfg(not(feature = "testing"))]
use once_cell::sync::OnceCell as Once;

/// A cell that is written once in each simulated container. The value of the one before is leaked,
/// since there may be references to it; hence only tests have this.
#[cfg(feature = "testing")]
struct Once<T: 'static>(std::sync::Mutex<Option<&'static T>>);

#[cfg(feature = "testing")]
impl<T: 'static> Once<T> {
    const fn new() -> Self {
        Self(std::sync::Mutex::new(None))
    }

    fn value(&self) -> std::sync::MutexGuard<'_, Option<&'static T>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn get(&self) -> Option<&'static T> {
        *self.value()
    }

    fn set(&self, value: T) -> Result<(), T> {
        *self.value() = Some(Box::leak(Box::new(value)));
        Ok(())
    }
}
