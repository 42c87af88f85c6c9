//! What stands behind `#[init]` on a `static` whose initialiser does not await: a value that derefs,
//! built once and there for good. Its attempts, errors and part in the container's life are those of
//! any resource ([`Lifecycle`]); what is its own is where the value stands.

use std::ops::Deref;

use super::lifecycle::Lifecycle;
use super::spec::Spec;
use crate::base::erased::Erased;
use crate::error::BoxError;
use crate::resource::{PendingValue, RegistryEntry, StaticRef, Storage};

/// A `static` that derefs to its value.
///
/// It builds it if INIT has not. If that fails, the use ends the invocation as
/// `ResourceUnavailable`, or panics outside of one; the next use tries again.
pub struct StaticCell<T: 'static> {
    lifecycle: Lifecycle,
    value: Once<T>,
    /// The static itself: what builds it outlives whoever uses it.
    this: fn() -> &'static Self,
}

impl<T: Send + Sync + 'static> StaticCell<T> {
    /// Not built yet. `this` gives the static itself, which `spec` [fills](Self::fill).
    pub const fn new(spec: Spec, this: fn() -> &'static Self) -> Self {
        Self { lifecycle: Lifecycle::new(spec, None), value: Once::new(), this }
    }

    /// Its part in the container's life.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }

    /// Puts the value in. What is given back stands for it.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn fill(&self, value: Result<T, BoxError>) -> Result<Erased, BoxError> {
        // One attempt at a time is made, and none after one that succeeded.
        let _ = self.value.set(value?);
        Ok(std::sync::Arc::new(()))
    }

    /// The value, if it is built.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        // In a simulated container, what was built for the last one is none.
        match cfg!(feature = "testing") && self.lifecycle.generation() == 0 {
            true => None,
            false => self.value.get(),
        }
    }

    fn filled(&self) -> &T {
        match self.peek() {
            Some(value) => value,
            None => unreachable!("an attempt that succeeds fills it"),
        }
    }

    #[cold]
    fn build(&self) -> &T {
        match (self.this)().lifecycle.demand_blocking() {
            Ok(_) => self.filled(),
            Err(error) => crate::invocation::context::unavailable(error),
        }
    }
}

impl<T: Send + Sync + 'static> Deref for StaticCell<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self.peek() {
            Some(value) => value,
            None => self.build(),
        }
    }
}

impl<T: Send + Sync + 'static> Storage for StaticCell<T> {
    type ResourceRef = StaticRef<T>;

    #[inline]
    fn ready(&'static self) -> Option<StaticRef<T>> {
        self.peek().map(StaticRef)
    }

    /// Does not block a thread that runs tasks.
    fn wait(&'static self) -> PendingValue {
        self.lifecycle.wait()
    }

    fn held(&'static self, _: Erased) -> StaticRef<T> {
        StaticRef(self.filled())
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }
}

#[cfg(not(feature = "testing"))]
use once_cell::sync::OnceCell as Once;

/// A cell that is written once in each simulated container. What was in it is leaked, since there
/// may be references to it for ever: that is why no build but a test's has this.
#[cfg(feature = "testing")]
struct Once<T: 'static>(std::sync::Mutex<Option<&'static T>>);

#[cfg(feature = "testing")]
impl<T: 'static> Once<T> {
    const fn new() -> Self {
        Self(std::sync::Mutex::new(None))
    }

    fn storage(&self) -> std::sync::MutexGuard<'_, Option<&'static T>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn get(&self) -> Option<&'static T> {
        *self.storage()
    }

    fn set(&self, value: T) -> Result<(), T> {
        *self.storage() = Some(Box::leak(Box::new(value)));
        Ok(())
    }
}
