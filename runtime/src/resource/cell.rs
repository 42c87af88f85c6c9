//! The storage of a resource that is handed out as an `Arc`: a value of a known type, which is read
//! without a lock, and the [`Lifecycle`] that builds it.
//!
//! - **Cancellation**: an attempt runs in a task of its own. A caller that is cancelled does not stop
//!   it, and the next caller, after a freeze too, joins the same attempt. If the runtime of the task
//!   is shut down, the next caller begins another attempt.
//! - **Circles** of initialisers that call each other in their bodies are errors of the call that
//!   closes the circle ([`crate::base::single_flight`]).
//! - **Panics** of user code are errors of the attempt.
//! - **Replacement**: a rebuild swaps the `Arc`. A caller that uses the old value keeps it.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use super::lifecycle::{Lifecycle, Publish};
use super::spec::Spec;
use super::{Handle, PendingValue, RegistryEntry, Storage};
use crate::base::erased::{Erased, Finish, Later, owned};
use crate::error::ResourceError;

/// See the module.
pub struct Cell<T: 'static> {
    lifecycle: Lifecycle,
    /// The value, while it is ready.
    ready: ArcSwapOption<T>,
}

impl<T: Send + Sync + 'static> Publish for Cell<T> {
    fn publish(&self, value: Option<Erased>) {
        self.ready.store(value.map(owned));
    }
}

impl<T: Send + Sync + 'static> Cell<T> {
    /// Creates an empty cell. `this` returns the cell itself.
    pub const fn new(spec: Spec, this: fn() -> &'static dyn Publish) -> Self {
        Self { lifecycle: Lifecycle::new(spec, Some(this)), ready: ArcSwapOption::const_empty() }
    }

    /// The entry of the registry.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }

    /// Returns the value if it is ready. Not inlined, so that the futures of its callers are small
    /// enough to be.
    #[inline(never)]
    pub fn peek(&self) -> Option<Arc<T>> {
        self.ready.load_full()
    }

    /// Returns the value, and builds it first if need be.
    ///
    /// # Errors
    /// The error of the attempt that was waited for, or a failure that is remembered.
    pub async fn get(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.now_or_later() {
            Ok(value) => Ok(value),
            Err(later) => later.await,
        }
    }

    /// Returns the value if it is ready.
    ///
    /// # Errors
    /// A future of the result of [`get`](Self::get).
    #[inline]
    pub fn now_or_later(
        &'static self,
    ) -> Result<Arc<T>, Later<'static, Result<Arc<T>, ResourceError>>> {
        self.peek().ok_or_else(|| self.later())
    }

    #[cold]
    #[inline(never)]
    fn later(&'static self) -> Later<'static, Result<Arc<T>, ResourceError>> {
        Later::new(self.lifecycle.wait(), self)
    }

    /// Builds the next generation, even if the value is ready or a failure is remembered. Callers
    /// share an attempt that begins after all of them called.
    ///
    /// # Errors
    /// The error of the attempt. The old value stays.
    pub async fn rebuild(&'static self) -> Result<Arc<T>, ResourceError> {
        self.lifecycle.rebuild().await.map(owned)
    }

    /// Returns the value of a resource that does not await, and builds it first, on this thread, if
    /// need be.
    ///
    /// # Errors
    /// As [`get`](Self::get). A resource that it is built from, awaits and is not ready is an error,
    /// too: this thread may be the one on which that would run.
    #[inline]
    pub fn get_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.peek() {
            Some(value) => Ok(value),
            None => self.finish(self.lifecycle.wait_blocking()),
        }
    }
}

impl<T: Send + Sync + 'static> Finish for Cell<T> {
    type Outcome = Result<Erased, ResourceError>;
    type Output = Result<Arc<T>, ResourceError>;

    #[cold]
    fn finish(&self, outcome: Self::Outcome) -> Self::Output {
        outcome.map(owned)
    }
}

impl<T: Send + Sync + 'static> Storage for Cell<T> {
    type Ref = ResourceRef<T>;

    #[inline]
    fn ready(&'static self) -> Option<ResourceRef<T>> {
        let guard = self.ready.load();
        guard.is_some().then_some(ResourceRef(guard))
    }

    fn wait(&'static self) -> PendingValue {
        self.lifecycle.wait()
    }

    fn wait_blocking(&'static self) -> Result<Erased, ResourceError> {
        self.lifecycle.wait_blocking()
    }

    fn hold(&'static self, value: Erased) -> ResourceRef<T> {
        ResourceRef(Guard::from_inner(Some(owned(value))))
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }
}

/// A value that is in use. A rebuild does not take it away.
pub struct ResourceRef<T>(Guard<Option<Arc<T>>>);

impl<T> ResourceRef<T> {
    fn arc(&self) -> &Arc<T> {
        match &*self.0 {
            Some(value) => value,
            None => unreachable!("it is made of a value"),
        }
    }
}

impl<T> Deref for ResourceRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.arc()
    }
}

impl<T> Handle for ResourceRef<T> {
    fn handle(&self) -> Arc<T> {
        Arc::clone(self.arc())
    }
}

/// Small enough for Miri, which tries other interleavings and weaker memory than the machine has.
#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn threads_share_one_attempt_and_see_all_of_its_value() {
        static BUILT: AtomicU64 = AtomicU64::new(0);
        static CELL: Cell<Vec<u64>> = Cell::new(
            Spec::computing("numbers", || Ok(Arc::new(vec![1, 2, BUILT.fetch_add(1, SeqCst)]))),
            || &CELL,
        );
        thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| assert_eq!(*CELL.get_blocking().unwrap(), [1, 2, 0]));
            }
        });
        assert_eq!(BUILT.load(SeqCst), 1);
        assert!(CELL.peek().is_some());
    }

    #[test]
    fn a_rebuild_takes_nothing_from_those_who_hold() {
        static BUILT: AtomicU64 = AtomicU64::new(0);
        static CELL: Cell<Vec<u64>> = Cell::new(
            Spec::waiting("number", 0, Vec::new, || {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    let built: Erased = Arc::new(vec![BUILT.fetch_add(1, SeqCst)]);
                    Ok(built)
                })
            }),
            || &CELL,
        );
        let reader = thread::spawn(|| {
            runtime().block_on(async {
                let mut last = 0;
                for _ in 0..4 {
                    let held = CELL.get().await.unwrap();
                    assert!(held[0] >= last, "generations do not go back");
                    last = held[0];
                }
            });
        });
        runtime().block_on(async {
            for _ in 0..3 {
                CELL.rebuild().await.unwrap();
            }
        });
        reader.join().unwrap();
        assert!(*CELL.peek().unwrap() >= vec![2]);
    }
}
