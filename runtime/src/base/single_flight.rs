//! Single flight: one piece of work that any number of callers, tasks and threads, wait for.
//!
//! Work that waits for other work is remembered while it does, so that work which would, through
//! however many others, wait for itself is told so instead of waiting for ever.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::watch;

/// The end that waits. Cheap to clone.
pub(crate) struct Follower<T> {
    id: u64,
    outcome: watch::Receiver<Option<T>>,
}

/// The end that works. Dropped without [`complete`](Self::land), it leaves those who wait without an
/// outcome.
pub(crate) struct Leader<T> {
    id: u64,
    outcome: watch::Sender<Option<T>>,
}

/// How waiting for a flight ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Completion<T> {
    Completed(T),
    /// There will be no outcome: the work was dropped.
    Abandoned,
    /// The caller is part of what this work waits for.
    Circular,
}

/// Both ends of a new flight.
pub(crate) fn new<T>() -> (Leader<T>, Follower<T>) {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let id = IDS.fetch_add(1, Relaxed);
    let (sender, receiver) = watch::channel(None);
    (Leader { id, outcome: sender }, Follower { id, outcome: receiver })
}

tokio::task_local! {
    /// The work that this code is a part of.
    static CURRENT: u64;
}

impl<T> Leader<T> {
    /// Gives the outcome to all who wait and to all who will.
    pub(crate) fn complete(&self, outcome: T) {
        self.outcome.send_replace(Some(outcome));
    }

    /// Says that the caller's work waits for this flight, until what is given back is dropped: where it
    /// waits otherwise than by [`Follower::wait`].
    pub(crate) fn wait_for(&self) -> WaitGuard {
        let work = CURRENT.try_with(|work| (*work, self.id)).ok();
        waits().extend(work);
        WaitGuard(work)
    }

    /// Runs user code as the work of this flight.
    pub(crate) fn run<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<T, F> {
        CURRENT.scope(self.id, work)
    }

    /// The same for code that does not await.
    pub(crate) fn run_blocking<R>(&self, work: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.id, work)
    }
}

impl<T: Clone> Follower<T> {
    /// Waits for the outcome.
    pub(crate) async fn wait(mut self) -> Completion<T> {
        let Ok(_waiting) = WaitGuard::begin(self.id) else {
            return Completion::Circular;
        };
        match self.outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => Completion::Completed(outcome.clone()),
            _ => Completion::Abandoned,
        }
    }

    /// The same, blocking this thread.
    pub(crate) fn wait_blocking(self) -> Completion<T> {
        blocking(self.wait())
    }
}

/// Waits for work, blocking this thread.
pub(crate) fn blocking<F: Future>(work: F) -> F::Output {
    // A task that has used up its turn would be told to wait, again and again: only leaving it gives
    // it another.
    let mut work = pin!(tokio::task::unconstrained(work));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}

impl<T> Clone for Follower<T> {
    fn clone(&self) -> Self {
        Self { id: self.id, outcome: self.outcome.clone() }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Which work waits for which. Work that nobody else waits for (a handler) is not in it.
static WAITS: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

fn waits() -> MutexGuard<'static, Vec<(u64, u64)>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The caller's work waits for other work, until this is dropped.
pub(crate) struct WaitGuard(Option<(u64, u64)>);

struct Circular;

impl WaitGuard {
    fn begin(on: u64) -> Result<Self, Circular> {
        let Ok(work) = CURRENT.try_with(|work| *work) else {
            return Ok(Self(None));
        };
        let mut waits = waits();
        let mut reached = vec![on];
        let mut next = 0;
        while let Some(other) = reached.get(next).copied() {
            if other == work {
                return Err(Circular);
            }
            for (_, on) in waits.iter().filter(|(waiting, _)| *waiting == other) {
                if !reached.contains(on) {
                    reached.push(*on);
                }
            }
            next += 1;
        }
        waits.push((work, on));
        Ok(Self(Some((work, on))))
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        if let Some(wait) = self.0 {
            let mut waits = waits();
            if let Some(place) = waits.iter().position(|other| *other == wait) {
                waits.swap_remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_gets_the_outcome_before_and_after_it_lands() {
        let (leader, follower) = new();
        let early = thread::spawn({
            let follower = follower.clone();
            || follower.wait_blocking()
        });
        leader.complete(7);
        assert_eq!(early.join().unwrap(), Completion::Completed(7));
        assert_eq!(follower.wait_blocking(), Completion::Completed(7));
    }

    #[test]
    fn a_dropped_pilot_leaves_no_outcome() {
        let (leader, follower) = new::<u8>();
        let early = thread::spawn({
            let follower = follower.clone();
            || follower.wait_blocking()
        });
        drop(leader);
        assert_eq!(early.join().unwrap(), Completion::Abandoned);
        assert_eq!(follower.wait_blocking(), Completion::Abandoned);
    }

    #[test]
    fn work_that_would_wait_for_itself_is_told_so() {
        let (a_pilot, a) = new::<u8>();
        let (b_pilot, b) = new::<u8>();
        assert_eq!(a_pilot.run_blocking(|| a.clone().wait_blocking()), Completion::Circular);
        // a waits for b on another thread; b, which asks for a, closes the circle.
        thread::scope(|threads| {
            let waiting = threads.spawn(|| a_pilot.run_blocking(|| b.clone().wait_blocking()));
            while waits().is_empty() {
                thread::yield_now();
            }
            assert_eq!(b_pilot.run_blocking(|| a.clone().wait_blocking()), Completion::Circular);
            b_pilot.complete(2);
            assert_eq!(waiting.join().unwrap(), Completion::Completed(2));
        });
        assert!(waits().is_empty(), "who waits no more is forgotten");
    }
}
