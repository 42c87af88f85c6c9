//! Type-erased values and futures. The code that handles them is compiled once, not once for every
//! type of a user.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use super::panic::{catch, drop_caught};

/// A type-erased future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Spawns a type-erased task.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work: BoxFuture<'static, ()> = Box::pin(work);
    tokio::spawn(work)
}

/// The future of a value that is not available yet.
///
/// Few callers have to wait. The code of this future is out of line, so that the caller's path to a
/// value that is available stays small enough to be inlined.
pub struct Later<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Later<'a, T> {
    #[cold]
    pub(crate) fn new<P: Finish<Output = T>>(
        outcome: BoxFuture<'a, P::Outcome>,
        storage: &'static P,
    ) -> Self {
        Self(Box::pin(Finishing { outcome, storage }))
    }
}

impl<T> Future for Later<'_, T> {
    type Output = T;

    #[cold]
    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.0.as_mut().poll(context)
    }
}

/// Converts the type-erased outcome of a wait into the output of a [`Later`].
pub trait Finish: Sync + 'static {
    /// The type-erased outcome.
    type Outcome;
    /// The typed output.
    type Output;

    /// Converts the outcome.
    fn finish(&self, outcome: Self::Outcome) -> Self::Output;
}

struct Finishing<'a, P: Finish> {
    outcome: BoxFuture<'a, P::Outcome>,
    storage: &'static P,
}

impl<P: Finish> Future for Finishing<'_, P> {
    type Output = P::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<P::Output> {
        self.outcome.as_mut().poll(context).map(|outcome| self.storage.finish(outcome))
    }
}

/// A type-erased value.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// Returns the value as a value of its type.
pub(crate) fn owned<T: Send + Sync + 'static>(value: Erased) -> Arc<T> {
    match value.downcast() {
        Ok(value) => value,
        Err(_) => unreachable!("a storage holds values of its own type"),
    }
}

/// Returns the value itself if no one else has it, or a clone. A panic of its `Clone` or `Drop` ends
/// at most this call.
pub(crate) fn unwrap_or_clone<T: Clone + Send + Sync + 'static>(value: Erased) -> T {
    Arc::try_unwrap(owned::<T>(value)).unwrap_or_else(|shared| {
        let clone = catch(|| T::clone(&shared));
        // The value may have been removed meanwhile, so that this is the last reference.
        drop_caught(shared, "a cached value");
        clone.unwrap_or_else(|panic| panic.resume())
    })
}

/// Returns a reference to the value as a value of its type.
pub fn lent<T: 'static>(value: &Erased) -> &T {
    match value.downcast_ref() {
        Some(value) => value,
        None => unreachable!("a storage holds values of its own type"),
    }
}
