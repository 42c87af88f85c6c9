//! Single flight: one leader works, and any number of followers, tasks and threads, wait for its
//! outcome.
//!
//! - **Deadlocks**: a wait that would close a cycle, directly or through other flights, returns
//!   [`Completion::Circular`] at once. See [`WAITS`].
//! - **Cancellation and panics**: a leader that is dropped without an outcome abandons its
//!   followers ([`Completion::Abandoned`]). A follower that is dropped affects no other.
//! - **Locks**: no user code runs under the lock of the wait graph, or that of a flight.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Waits for the outcome of a flight.
pub(crate) struct Follower<T>(Arc<Flight<T>>);

/// Works for a flight. Dropping it before [`complete`](Self::complete) abandons the followers.
pub(crate) struct Leader<T>(Arc<Flight<T>>);

struct Flight<T> {
    id: u64,
    has_begun: AtomicBool,
    outcome: OnceLock<T>,
    waiting: Mutex<Waiting>,
}

/// The followers that wait.
#[derive(Default)]
struct Waiting {
    /// True once there is an outcome, or the leader was dropped.
    is_over: bool,
    wakers: Vec<(u64, Waker)>,
    /// The number of followers that ever waited.
    numbers: u64,
}

/// The result of a wait.
#[derive(Debug, PartialEq)]
pub(crate) enum Completion<T> {
    /// The outcome of the flight.
    Completed(T),
    /// The leader was dropped without an outcome.
    Abandoned,
    /// The flight waits for the caller's own flight, so that the wait would never end.
    Circular,
}

/// Creates a flight.
pub(crate) fn new<T>() -> (Leader<T>, Follower<T>) {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let id = IDS.fetch_add(1, Relaxed);
    let flight = Arc::new(Flight {
        id,
        has_begun: AtomicBool::new(false),
        outcome: OnceLock::new(),
        waiting: Mutex::default(),
    });
    (Leader(Arc::clone(&flight)), Follower(flight))
}

impl<T> Flight<T> {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let wakers = {
            let mut waiting = self.waiting();
            waiting.is_over = true;
            std::mem::take(&mut waiting.wakers)
        };
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// The place of a follower among those that wait.
struct Place<'a, T> {
    flight: &'a Flight<T>,
    number: Option<u64>,
}

impl<T> Place<'_, T> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut waker = cx.waker().clone();
        let mut waiting = self.flight.waiting();
        if waiting.is_over {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            waiting.numbers += 1;
            waiting.numbers
        });
        match waiting.wakers.iter_mut().find(|(other, _)| *other == number) {
            Some((_, before)) => std::mem::swap(before, &mut waker),
            None => waiting.wakers.push((number, waker)),
        }
        Poll::Pending
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        let _removed = {
            let mut waiting = self.flight.waiting();
            let place = waiting.wakers.iter().position(|(other, _)| *other == number);
            place.map(|place| waiting.wakers.swap_remove(place))
        };
    }
}

tokio::task_local! {
    /// The id of the flight that this code works for.
    static CURRENT: u64;
}

/// True for code that works for a flight, whose leader catches its panics.
pub(crate) fn is_leading() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

impl<T> Leader<T> {
    /// Sets the outcome, for current and later followers.
    pub(crate) fn complete(&self, outcome: T) {
        let _ = self.0.outcome.set(outcome);
        self.0.end();
    }

    /// Records that the work runs.
    pub(crate) fn begin(&self) {
        self.0.has_begun.store(true, Relaxed);
    }

    /// Records that the caller's flight waits for this one, until the guard is dropped. For a
    /// leader that is awaited directly and not by [`Follower::wait`]. This wait closes no cycle:
    /// nothing has run for the new flight yet, so that it waits for no other.
    pub(crate) fn wait_for(&self) -> WaitGuard {
        match CURRENT.try_with(|current| *current) {
            Ok(current) => WaitGuard::add(&mut waits(), current, self.0.id),
            Err(_) => WaitGuard(None),
        }
    }

    /// Runs `work` for this flight, so that its waits are recorded as waits of this flight.
    pub(crate) fn run<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<T, F> {
        CURRENT.scope(self.0.id, work)
    }

    /// Like [`run`](Self::run), for code that does not await.
    pub(crate) fn run_blocking<R>(&self, work: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.0.id, work)
    }
}

impl<T> Drop for Leader<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T> Follower<T> {
    /// True once the work runs: it may have read what the caller wants to see changed.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Relaxed)
    }
}

impl<T: Clone> Follower<T> {
    /// Waits for the outcome.
    pub(crate) async fn wait(self) -> Completion<T> {
        let flight = &*self.0;
        let Ok(_waiting) = WaitGuard::begin(flight.id) else {
            return Completion::Circular;
        };
        let mut place = Place { flight, number: None };
        poll_fn(|cx| place.poll(cx)).await;
        match flight.outcome.get() {
            Some(outcome) => Completion::Completed(outcome.clone()),
            None => Completion::Abandoned,
        }
    }

    /// Like [`wait`](Self::wait), but blocks the thread.
    pub(crate) fn wait_blocking(self) -> Completion<T> {
        blocking(self.wait())
    }
}

/// Awaits `work` and blocks the thread meanwhile.
pub(crate) fn blocking<F: Future>(work: F) -> F::Output {
    // A task that has used up tokio's cooperative budget gets `Pending` until it yields, which a
    // task that blocks here never does.
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
        Self(Arc::clone(&self.0))
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The wait graph: for each waiting flight the flights that it waits for. Code outside a flight, such
/// as a handler, is not part of it: no flight can wait for it.
///
/// No cycle can be missed: [`WaitGuard::begin`] looks for a path back to the caller and adds its
/// edge under one lock, so that of two waits that would close a cycle together the later one sees
/// the earlier. A flight may have several edges, since its work may wait for several others
/// concurrently.
static WAITS: Mutex<Waits> = Mutex::new(Waits::new());

type Waits = BTreeMap<u64, Vec<u64>>;

fn waits() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes an edge from the wait graph when it is dropped.
pub(crate) struct WaitGuard(Option<(u64, u64)>);

struct Circular;

impl WaitGuard {
    /// Adds an edge from the caller's flight to `target`, unless it would close a cycle.
    fn begin(target: u64) -> Result<Self, Circular> {
        let Ok(current) = CURRENT.try_with(|current| *current) else {
            return Ok(Self(None));
        };
        let mut waits = waits();
        // Searches for a path from the target to the caller.
        let (mut reached, mut next) = (BTreeSet::from([target]), vec![target]);
        while let Some(flight) = next.pop() {
            if flight == current {
                return Err(Circular);
            }
            for on in waits.get(&flight).into_iter().flatten() {
                if reached.insert(*on) {
                    next.push(*on);
                }
            }
        }
        Ok(Self::add(&mut waits, current, target))
    }
}

impl WaitGuard {
    /// Adds an edge.
    fn add(waits: &mut Waits, waiting: u64, on: u64) -> Self {
        waits.entry(waiting).or_default().push(on);
        Self(Some((waiting, on)))
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        let Some((waiting, on)) = self.0 else {
            return;
        };
        let mut waits = waits();
        if let Some(edges) = waits.get_mut(&waiting) {
            if let Some(index) = edges.iter().position(|other| *other == on) {
                edges.swap_remove(index);
            }
            if edges.is_empty() {
                waits.remove(&waiting);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_and_late_followers_get_the_outcome() {
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
    fn a_dropped_leader_abandons_its_followers() {
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
    fn a_wait_that_would_close_a_cycle_is_refused() {
        let (a_leader, a) = new::<u8>();
        let (b_leader, b) = new::<u8>();
        assert_eq!(a_leader.run_blocking(|| a.clone().wait_blocking()), Completion::Circular);
        // a waits for b on another thread; b, which waits for a, closes the cycle.
        thread::scope(|threads| {
            let waiting = threads.spawn(|| a_leader.run_blocking(|| b.clone().wait_blocking()));
            while waits().is_empty() {
                thread::yield_now();
            }
            assert_eq!(b_leader.run_blocking(|| a.clone().wait_blocking()), Completion::Circular);
            b_leader.complete(2);
            assert_eq!(waiting.join().unwrap(), Completion::Completed(2));
        });
        assert!(waits().is_empty(), "a wait that has ended is removed");
    }
}
