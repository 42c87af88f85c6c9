//! Values and futures whose type only those know who put them in and take them out. What keeps them alive is
//! compiled once, and not for every type that a user keeps.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

/// A future of some type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Spawns work as a task of one type, which is compiled once.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let work: BoxFuture<'static, ()> = Box::pin(work);
    tokio::spawn(work)
}

/// What is waited for where there is nothing yet. Few do: it is compiled apart, so that the future that
/// waits with it is small enough to be inlined, with all that is done where there is something.
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

/// Knows the type of what comes out of a wait.
pub trait Finish: Sync + 'static {
    /// What is waited for.
    type Outcome;
    /// What comes of it.
    type Output;

    /// Makes one of the other.
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

/// A value of some type.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// The value, by those who know its type.
pub(crate) fn owned<T: Send + Sync + 'static>(value: Erased) -> Arc<T> {
    match value.downcast() {
        Ok(value) => value,
        Err(_) => unreachable!("a place holds values of its own type"),
    }
}

/// The same, where it stands.
pub fn lent<T: 'static>(value: &Erased) -> &T {
    match value.downcast_ref() {
        Some(value) => value,
        None => unreachable!("a place holds values of its own type"),
    }
}
