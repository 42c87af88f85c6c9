//! What stands behind `#[init]`: one container-lived value, built by attempts that belong to the
//! container and not to whoever asks first.
//!
//! A value that can be used is read without a lock, and only who reads it knows its type ([`Cell`]).
//! Everything else is compiled once ([`Lifecycle`]): one *attempt* at a time waits for what the resource is
//! built from, checks the value that is there if that is due, and builds the next generation if it
//! must. Whoever needs the value meanwhile waits for that attempt and shares its outcome.
//!
//! - **Cancellation**: an attempt runs in a task of its own. A caller that goes away changes
//!   nothing; whoever comes next, after a freeze too, finds the same attempt. If the runtime that
//!   the task runs on is shut down, the attempt ends without an outcome and the next use starts
//!   another.
//! - **Circles** that parameters cannot show, of initialisers that ask for each other in their bodies,
//!   are errors of whoever closes them ([`crate::base::single_flight`]).
//! - **Panics** of user code are errors of the attempt.
//! - **Replacement**: a rebuild swaps the `Arc`; who holds the old generation keeps it until done.
//! - **Locks** are never held while user code runs.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::held::ResourceRef;
use super::lifecycle::{Demand, Lifecycle};
use super::spec::Spec;
use super::{PendingValue, RegistryEntry, Storage};
use crate::base::erased::{Erased, Finish, Later, owned};
use crate::error::ResourceError;

/// See the module.
pub struct Cell<T: 'static> {
    lifecycle: Lifecycle,
    /// The value, while it may be handed out without a further look.
    usable: ArcSwapOption<T>,
}

/// Where a [`Lifecycle`] puts the value that may be handed out.
pub trait Publish: Sync {
    /// Puts it there; `None` if it needs a look first.
    fn publish(&self, value: Option<Erased>);
}

impl<T: Send + Sync + 'static> Publish for Cell<T> {
    fn publish(&self, value: Option<Erased>) {
        self.usable.store(value.map(owned));
    }
}

impl<T: Send + Sync + 'static> Cell<T> {
    /// An empty cell. `this` gives the cell itself.
    pub const fn new(spec: Spec, this: fn() -> &'static dyn Publish) -> Self {
        Self { lifecycle: Lifecycle::new(spec, Some(this)), usable: ArcSwapOption::const_empty() }
    }

    /// Its part in the container's life.
    pub const fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
    }

    /// The value if it is built, without waiting. Apart from those who ask, whose future is small enough
    /// to be inlined then.
    #[inline(never)]
    pub fn peek(&self) -> Option<Arc<T>> {
        self.usable.load_full()
    }

    /// The value. Builds it if it must, and waits for it.
    ///
    /// # Errors
    /// The error of the attempt that was waited for, or of the last one while that is remembered.
    pub async fn get(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.now_or_later() {
            Ok(value) => Ok(value),
            Err(later) => later.await,
        }
    }

    /// The value, or what waits for it.
    ///
    /// # Errors
    /// What is to be awaited, which gives what [`get`](Self::get) does.
    #[inline]
    pub fn now_or_later(
        &'static self,
    ) -> Result<Arc<T>, Later<'static, Result<Arc<T>, ResourceError>>> {
        self.peek().ok_or_else(|| self.later())
    }

    #[cold]
    #[inline(never)]
    fn later(&'static self) -> Later<'static, Result<Arc<T>, ResourceError>> {
        Later::new(self.wait(), self)
    }

    /// Builds the next generation now, whether or not the value could still be used, and whatever
    /// failure is remembered. Callers at the same time share one attempt.
    ///
    /// # Errors
    /// The error of the attempt; the value that was there stays.
    pub async fn rebuild(&'static self) -> Result<Arc<T>, ResourceError> {
        self.lifecycle.demand(Demand::After(self.lifecycle.generation())).await.map(owned)
    }

    /// The value of a resource that does not await, on this thread.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.peek() {
            Some(value) => Ok(value),
            None => self.finish(self.lifecycle.demand_blocking()),
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
    type ResourceRef = ResourceRef<T>;

    #[inline]
    fn ready(&'static self) -> Option<ResourceRef<T>> {
        ResourceRef::new(self.usable.load())
    }

    fn wait(&'static self) -> PendingValue {
        self.lifecycle.wait()
    }

    fn held(&'static self, value: Erased) -> ResourceRef<T> {
        ResourceRef::owned(owned(value))
    }

    fn entry(&'static self) -> &'static dyn RegistryEntry {
        &self.lifecycle
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
