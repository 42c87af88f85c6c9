//! The storage of a static whose initialiser awaits. The compiler prints its name where the static
//! is used as if it were the value.

use std::sync::Arc;

use super::cell::{Cell, ResourceRef};
use super::lifecycle::Publish;
use super::spec::Spec;
use super::{PendingValue, RegistryEntry, Storage};
use crate::base::erased::Erased;
use crate::error::ResourceError;

/// A `static` of which `.get().await` returns the value.
pub struct NeedsGetAwait<T: 'static>(Cell<T>);

impl<T: Send + Sync + 'static> NeedsGetAwait<T> {
    /// Creates a static that is not built. `this` returns the static itself.
    pub const fn new(spec: Spec, this: fn() -> &'static dyn Publish) -> Self {
        Self(Cell::new(spec, this))
    }

    /// The entry of the registry.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        self.0.entry()
    }

    /// Returns the value, and builds it first if need be.
    ///
    /// # Errors
    /// The error of the attempt that was waited for, or a failure that is remembered.
    pub async fn get(&'static self) -> Result<Arc<T>, ResourceError> {
        self.0.get().await
    }

    /// Returns the value if it is ready.
    pub fn peek(&self) -> Option<Arc<T>> {
        self.0.peek()
    }

    /// See [`Cell::rebuild`].
    ///
    /// # Errors
    /// The error of the attempt. The old value stays.
    pub async fn rebuild(&'static self) -> Result<Arc<T>, ResourceError> {
        self.0.rebuild().await
    }
}

impl<T: Send + Sync + 'static> Publish for NeedsGetAwait<T> {
    fn publish(&self, value: Option<Erased>) {
        self.0.publish(value);
    }
}

impl<T: Send + Sync + 'static> Storage for NeedsGetAwait<T> {
    type Ref = ResourceRef<T>;

    #[inline]
    fn ready(&'static self) -> Option<ResourceRef<T>> {
        self.0.ready()
    }

    fn wait(&'static self) -> PendingValue {
        self.0.wait()
    }

    fn wait_blocking(&'static self) -> Result<Erased, ResourceError> {
        self.0.wait_blocking()
    }

    fn hold(&'static self, value: Erased) -> ResourceRef<T> {
        self.0.hold(value)
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        Storage::entry(&self.0)
    }
}
