//! What stands behind `#[init]`: one container-lived value, built by attempts that belong to the
//! container and not to whoever asks first.
//!
//! A value that can be used is read without a lock ([`Cell::usable`]). Everything else goes through
//! one *attempt* at a time: it waits for what the resource is built from, checks the value that is
//! there if that is due, and builds the next generation if it must. Whoever needs the value
//! meanwhile waits for that attempt and shares its outcome.
//!
//! - **Cancellation**: an attempt runs in a task of its own. A caller that goes away changes
//!   nothing; whoever comes next, after a freeze too, finds the same attempt. If the runtime that
//!   the task runs on is shut down, the attempt ends without an outcome and the next use starts
//!   another.
//! - **Circles** that parameters cannot show, of initialisers that ask for each other in their bodies,
//!   are errors of whoever closes them ([`crate::flight`]).
//! - **Panics** of user code are errors of the attempt.
//! - **Replacement**: a rebuild swaps the `Arc`; who holds the old generation keeps it until done.
//! - **Locks** are never held while user code runs.

mod attempt;
mod held;
mod spec;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::join_all;

use crate::clock::{CLOCK, Tick};
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Arrival, Flight, take_off};
use crate::panic::catch_async;
use crate::resource::{BoxFuture, Handle, Kind, Node, Place};
use attempt::{Attempt, Claim, Outcome, limited};
use spec::{Build, CHECK_LIMIT};

pub use held::Held;
pub use spec::{Close, Restore, Spec};

/// See the module.
pub struct Cell<T: 'static> {
    spec: Spec<T>,
    current: ArcSwapOption<T>,
    /// Whether `current` may be handed out without a further look.
    settled: AtomicBool,
    generation: AtomicU64,
    state: Mutex<State>,
    /// Replaced generations that wait to be closed.
    retired: Mutex<Vec<Arc<T>>>,
}

struct State {
    attempt: Option<Attempt>,
    /// How many attempts were begun: each has its own number.
    attempts: u64,
    /// How often it was said that `current` needs a look. An attempt settles the cell only if
    /// nothing was said after it began.
    suspicions: u64,
    /// What the next attempt does with `current` if its dependencies are the same.
    doubt: Restore,
    /// The generations of the dependencies that `current` was built from.
    built_from: Vec<u64>,
    /// A failed attempt, and until when it is remembered.
    failure: Option<(ResourceError, Tick)>,
    build_time: Option<Duration>,
}

impl State {
    const fn new() -> Self {
        Self {
            attempt: None,
            attempts: 0,
            suspicions: 0,
            doubt: Restore::Keep,
            built_from: Vec::new(),
            failure: None,
            build_time: None,
        }
    }
}

/// What somebody who needs the value does next.
enum Next<T: Send + Sync + 'static> {
    Use(Arc<T>),
    Fail(ResourceError),
    Wait(Flight<Outcome>),
    Begin(Claim<T>, Flight<Outcome>),
}

/// Which value satisfies a caller.
#[derive(Clone, Copy)]
enum Demand {
    Usable,
    /// One of a later generation than this.
    After(u64),
}

impl<T: Send + Sync + 'static> Cell<T> {
    /// An empty cell.
    pub const fn new(spec: Spec<T>) -> Self {
        Self {
            spec,
            current: ArcSwapOption::const_empty(),
            settled: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            state: Mutex::new(State::new()),
            retired: Mutex::new(Vec::new()),
        }
    }

    /// The value, if it can be used as it is.
    #[inline]
    fn usable(&self) -> Option<Held<T>> {
        // Acquire: who sees `settled` sees the value that was settled.
        if !self.settled.load(Ordering::Acquire) {
            return None;
        }
        Held::new(self.current.load())
    }

    /// The value if it is built, without waiting.
    pub fn peek(&self) -> Option<Arc<T>> {
        self.usable().map(|held| held.handle())
    }

    /// The value. Builds it if it must, and waits for it.
    ///
    /// # Errors
    /// The error of the attempt that was waited for, or of the last one while that is remembered.
    #[inline]
    pub async fn get(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.usable() {
            Some(held) => Ok(held.handle()),
            None => self.demand(Demand::Usable).await,
        }
    }

    /// Builds the next generation now, whether or not the value could still be used, and whatever
    /// failure is remembered. Callers at the same time share one attempt.
    ///
    /// # Errors
    /// The error of the attempt; the value that was there stays.
    pub async fn rebuild(&'static self) -> Result<Arc<T>, ResourceError> {
        self.demand(Demand::After(self.generation.load(Ordering::Acquire))).await
    }

    /// The value of a resource that does not await, on this thread.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.usable() {
            Some(held) => Ok(held.handle()),
            None => self.demand_blocking(),
        }
    }

    #[cold]
    fn demand_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        loop {
            let flight = match self.next(Demand::Usable) {
                Next::Use(value) => return Ok(value),
                Next::Fail(error) => return Err(error),
                Next::Begin(claim, flight) => {
                    claim.compute();
                    flight
                }
                Next::Wait(flight) => flight,
            };
            if let Some(value) = self.arrived(flight.landed_blocking(), Demand::Usable)? {
                return Ok(value);
            }
        }
    }

    #[cold]
    async fn demand(&'static self, demand: Demand) -> Result<Arc<T>, ResourceError> {
        loop {
            let flight = match self.next(demand) {
                Next::Use(value) => return Ok(value),
                Next::Fail(error) => return Err(error),
                Next::Wait(flight) => flight,
                Next::Begin(claim, flight) => {
                    claim.begin(matches!(demand, Demand::After(_)))?;
                    flight
                }
            };
            if let Some(value) = self.arrived(flight.landed().await, demand)? {
                return Ok(value);
            }
        }
    }

    /// What an attempt that was waited for came to; `None` if the caller has to look again.
    fn arrived(
        &self,
        arrival: Arrival<Outcome>,
        demand: Demand,
    ) -> Result<Option<Arc<T>>, ResourceError> {
        match (arrival, demand) {
            (Arrival::Landed(outcome), demand) => {
                outcome?;
                // It holds for all who waited, even if the value has become suspect since.
                Ok(self.current.load_full().filter(|_| matches!(demand, Demand::Usable)))
            }
            // The attempt's runtime is gone.
            (Arrival::Lost, _) => Ok(None),
            (Arrival::Circular, _) => {
                Err(self.error(crate::Error::msg("its initialiser needs itself").into()))
            }
        }
    }

    fn next(&'static self, demand: Demand) -> Next<T> {
        let mut state = self.state();
        let current = self.current.load_full();
        match (demand, current) {
            (Demand::Usable, Some(value)) if self.settled.load(Ordering::Acquire) => {
                return Next::Use(value);
            }
            (Demand::After(seen), Some(value))
                if self.generation.load(Ordering::Acquire) > seen =>
            {
                return Next::Use(value);
            }
            _ => {}
        }
        if let Some(attempt) = &state.attempt {
            return Next::Wait(attempt.flight.clone());
        }
        if let (Demand::Usable, Some((error, until))) = (demand, &state.failure) {
            if CLOCK.now() < *until {
                return Next::Fail(error.clone());
            }
        }
        let (pilot, flight) = take_off();
        state.attempts += 1;
        let number = state.attempts;
        state.attempt = Some(Attempt { number, flight: flight.clone() });
        let suspicions = state.suspicions;
        Next::Begin(Claim { cell: self, number, suspicions, pilot }, flight)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so nothing is half done when it is poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: BoxError) -> ResourceError {
        ResourceError::new(self.spec.name, source)
    }
}

impl<T: Send + Sync + 'static> Cell<T> {
    fn retired(&self) -> MutexGuard<'_, Vec<Arc<T>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a value passes the check, if there is one.
    async fn check(&self, value: &T) -> Result<(), BoxError> {
        let Some(check) = self.spec.check else {
            return Ok(());
        };
        let limit = self.spec.timeout.unwrap_or(CHECK_LIMIT);
        limited(Some(limit), check(value)).await.map_err(|error| {
            crate::Error::msg(format_args!("its check failed: {}", chain(&*error))).into()
        })
    }

    /// Says that `current` needs a look, and what is to be done if nothing else changed.
    fn doubt(&self, doubt: Restore) {
        let mut state = self.state();
        state.suspicions += 1;
        state.doubt = state.doubt.max(doubt);
        self.settled.store(false, Ordering::Release);
    }

    /// Waits until all that this is built from can be used; gives their generations.
    ///
    /// They are read before the values are: a dependency that is rebuilt in between makes this one
    /// be built once more, never once too little.
    async fn settle_dependencies(&self) -> Result<Vec<u64>, ResourceError> {
        let nodes = (self.spec.dependencies)();
        let tasks: Vec<_> = nodes.iter().map(|node| node.settle()).collect();
        join_all(tasks).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(nodes.iter().map(|node| node.generation()).collect())
    }
}

impl<T: Send + Sync + 'static> Place for Cell<T> {
    type Held = Held<T>;

    #[inline]
    async fn hold(&'static self) -> Result<Held<T>, ResourceError> {
        match self.usable() {
            Some(held) => Ok(held),
            None => self.demand(Demand::Usable).await.map(Held::owned),
        }
    }
}

impl<T: Send + Sync + 'static> Node for Cell<T> {
    fn name(&self) -> &'static str {
        self.spec.name
    }

    fn depth(&self) -> usize {
        self.spec.depth
    }

    fn kind(&self) -> Kind {
        match self.spec.build {
            _ if self.spec.lazy => Kind::Lazy,
            Build::Waiting(_) => Kind::Waiting,
            Build::Computing(_) => Kind::Computing,
        }
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>> {
        Box::pin(async { self.hold().await.map(|_| ()) })
    }

    fn suspect(&self) {
        if self.spec.depth > 0 {
            self.doubt(Restore::Keep);
        }
    }

    fn thaw(&self, idle: Duration) -> bool {
        let long = self.spec.check.is_some() && idle > self.spec.idle;
        if long {
            self.doubt(Restore::Check);
        }
        long
    }

    fn restored(&self) -> bool {
        let built = self.current.load().is_some();
        if built {
            self.doubt(self.spec.on_restore());
        }
        built
    }

    fn has_close(&self) -> bool {
        self.spec.close.is_some()
    }

    fn has_retired(&self) -> bool {
        self.spec.close.is_some() && !self.retired().is_empty()
    }

    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        let close = self.spec.close?;
        // Whoever still holds a replaced generation keeps it until done.
        let mut retired = self.retired();
        let (free, held) = retired.drain(..).partition(|old| Arc::strong_count(old) == 1);
        let free: Vec<Arc<T>> = free;
        *retired = held;
        (!free.is_empty()).then(|| Box::pin(close_all(close, free)) as BoxFuture<'static, ()>)
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        let close = self.spec.close?;
        let mut values = std::mem::take(&mut *self.retired());
        values.extend(self.current.load_full());
        Some(Box::pin(close_all(close, values)))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        let mut state = self.state();
        let attempts = state.attempts + 1; // one that is under way is not ours any more
        *state = State { attempts, ..State::new() };
        self.settled.store(false, Ordering::Release);
        self.generation.store(0, Ordering::Release);
        self.current.store(None);
        self.retired().clear();
    }

    fn build_time(&self) -> Option<Duration> {
        self.state().build_time
    }

    fn is_recoverable(&self) -> bool {
        self.spec.retry_after.is_some()
    }
}

/// Closes values one after the other.
async fn close_all<T: Send + Sync>(close: Close<T>, values: Vec<Arc<T>>) {
    for value in values {
        closed(async { close(&value).await }).await;
    }
}

/// Runs a `close` hook. Its panic is logged and stops no other.
pub(crate) async fn closed(hook: impl Future<Output = ()>) {
    if let Err(panic) = catch_async(hook).await {
        tracing::error!(%panic, "close panicked");
    }
}

/// Small enough for Miri, which tries other interleavings and weaker memory than the machine has.
#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn threads_share_one_attempt_and_see_all_of_its_value() {
        static BUILT: AtomicU64 = AtomicU64::new(0);
        static CELL: Cell<Vec<u64>> =
            Cell::new(Spec::computing("numbers", || Ok(vec![1, 2, BUILT.fetch_add(1, SeqCst)])));
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
        static CELL: Cell<Vec<u64>> = Cell::new(Spec::waiting("number", 0, Vec::new, || {
            Box::pin(async {
                tokio::task::yield_now().await;
                Ok(vec![BUILT.fetch_add(1, SeqCst)])
            })
        }));
        let reader = thread::spawn(|| {
            runtime().block_on(async {
                let mut last = 0;
                for _ in 0..4 {
                    let held = CELL.hold().await.unwrap();
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
