//! A resource's life, whatever its type: attempts, remembered failures, doubts, generations, and what
//! waits to be closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{JoinAll, join_all};

use super::Publish;
use super::attempt::{Attempt, Claim, Outcome, limited};
use super::spec::{Build, CHECK_LIMIT, Close, Restore, Spec};
use crate::clock::{CLOCK, Tick};
use crate::erased::{BoxFuture, Erased};
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Arrival, Flight, take_off};
use crate::panic::catch_async;
use crate::resource::{Kind, Node, Settling, Waiting};

/// See the module.
pub struct Life {
    pub(super) spec: Spec,
    /// Where the value is put while it may be handed out, if that is another place.
    place: Option<fn() -> &'static dyn Publish>,
    /// Counts under the lock of `state`; read without.
    generation: AtomicU64,
    state: Mutex<State>,
}

pub(super) struct State {
    /// The last generation.
    pub(super) current: Option<Erased>,
    /// Whether `current` may be handed out without a further look: it is published then.
    settled: bool,
    pub(super) attempt: Option<Attempt>,
    /// How many attempts were begun: each has its own number.
    pub(super) attempts: u64,
    /// How often it was said that `current` needs a look. An attempt settles the value only if
    /// nothing was said after it had looked at what the value is made from.
    pub(super) suspicions: u64,
    /// What the next attempt does with `current` if its dependencies are the same.
    pub(super) doubt: Restore,
    /// How often `doubt` was raised.
    pub(super) doubts: u64,
    /// The generations of the dependencies that `current` was built from.
    pub(super) built_from: Vec<u64>,
    /// A failed attempt, and until when it is remembered.
    failure: Option<(ResourceError, Tick)>,
    build_time: Option<Duration>,
    /// Replaced generations that wait to be closed.
    retired: Vec<Erased>,
}

impl State {
    const fn new() -> Self {
        Self {
            current: None,
            settled: false,
            attempt: None,
            attempts: 0,
            suspicions: 0,
            doubt: Restore::Keep,
            doubts: 0,
            built_from: Vec::new(),
            failure: None,
            build_time: None,
            retired: Vec::new(),
        }
    }
}

/// What somebody who needs the value does next.
enum Next {
    Use(Erased),
    Fail(ResourceError),
    Wait(Flight<Outcome>),
    Begin(Claim, Flight<Outcome>),
}

/// The same, when an attempt that had to begin has begun.
enum Step {
    Use(Erased),
    Wait(Flight<Outcome>),
}

/// Which value satisfies a caller.
#[derive(Clone, Copy)]
pub(crate) enum Demand {
    Usable,
    /// One of a later generation than this.
    After(u64),
}

/// What an attempt came to.
pub(super) struct Built {
    /// What it saw before it made up its mind.
    pub(super) seen: Seen,
    /// The new value and the time that it took; `None` if the old one is as good.
    pub(super) new: Option<(Erased, Duration)>,
}

/// What an attempt goes by.
#[derive(Default)]
pub(super) struct Seen {
    /// The generations of the dependencies.
    pub(super) from: Vec<u64>,
    pub(super) suspicions: u64,
    pub(super) doubts: u64,
}

impl Life {
    pub(crate) const fn new(spec: Spec, place: Option<fn() -> &'static dyn Publish>) -> Self {
        Self { spec, place, generation: AtomicU64::new(0), state: Mutex::new(State::new()) }
    }

    fn publish(&self, value: Option<Erased>) {
        if let Some(place) = self.place {
            place().publish(value);
        }
    }

    /// Waits until the value can be used.
    #[cold]
    pub(crate) fn wait(&'static self) -> Waiting {
        Box::pin(self.demand(Demand::Usable))
    }

    /// The value, when it satisfies the caller.
    #[cold]
    pub(crate) async fn demand(&'static self, demand: Demand) -> Result<Erased, ResourceError> {
        self.finish(self.step(demand), demand).await
    }

    /// Takes the value or begins to wait for it.
    fn step(&'static self, demand: Demand) -> Result<Step, ResourceError> {
        match self.next(demand) {
            Next::Use(value) => Ok(Step::Use(value)),
            Next::Fail(error) => Err(error),
            Next::Wait(flight) => Ok(Step::Wait(flight)),
            Next::Begin(claim, flight) => {
                claim.begin(matches!(demand, Demand::After(_)))?;
                Ok(Step::Wait(flight))
            }
        }
    }

    async fn finish(
        &'static self,
        mut step: Result<Step, ResourceError>,
        demand: Demand,
    ) -> Result<Erased, ResourceError> {
        loop {
            match step? {
                Step::Use(value) => return Ok(value),
                Step::Wait(flight) => {
                    if let Some(value) = self.arrived(flight.landed().await, demand)? {
                        return Ok(value);
                    }
                }
            }
            step = self.step(demand);
        }
    }

    /// The same for a resource that does not await, on this thread.
    #[cold]
    pub(crate) fn demand_blocking(&'static self) -> Result<Erased, ResourceError> {
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

    /// What an attempt that was waited for came to; `None` if the caller has to look again.
    fn arrived(
        &self,
        arrival: Arrival<Outcome>,
        demand: Demand,
    ) -> Result<Option<Erased>, ResourceError> {
        match arrival {
            Arrival::Landed(outcome) => {
                outcome?;
                // It holds for all who waited, even if the value has become suspect since.
                Ok(self.state().current.clone().filter(|_| matches!(demand, Demand::Usable)))
            }
            // The attempt's runtime is gone.
            Arrival::Lost => Ok(None),
            Arrival::Circular => {
                Err(self.error(crate::Error::msg("its initialiser needs itself").into()))
            }
        }
    }

    fn next(&'static self, demand: Demand) -> Next {
        let mut state = self.state();
        let satisfies = match demand {
            Demand::Usable => state.settled,
            Demand::After(seen) => self.generation() > seen,
        };
        if let Some(value) = state.current.as_ref().filter(|_| satisfies) {
            return Next::Use(Arc::clone(value));
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
        Next::Begin(Claim { life: self, number, pilot }, flight)
    }

    /// Ends an attempt: what everyone who waits for it is told, and whether a generation was replaced.
    /// `None` if the container that began it is gone.
    pub(super) fn conclude(
        &self,
        claim: &Claim,
        built: Result<Built, BoxError>,
    ) -> Option<(Outcome, bool)> {
        let mut replaced = None;
        let mut state = self.state();
        if state.attempts != claim.number {
            return None;
        }
        let outcome = match built {
            Ok(built) => {
                let Built { seen, new } = built;
                if let Some((value, time)) = new {
                    replaced = state.current.replace(value);
                    if self.spec.close.is_some() {
                        state.retired.extend(replaced.clone());
                    }
                    self.generation.fetch_add(1, Ordering::AcqRel);
                    state.built_from = seen.from;
                    state.build_time = Some(time);
                }
                state.failure = None;
                if state.doubts == seen.doubts {
                    state.doubt = Restore::Keep;
                }
                if state.suspicions == seen.suspicions {
                    state.settled = true;
                    self.publish(state.current.clone());
                }
                Ok(())
            }
            Err(source) => {
                let error = self.error(source);
                if let Some(pause) = self.spec.retry_after {
                    state.failure = Some((error.clone(), CLOCK.now().after(pause)));
                }
                Err(error)
            }
        };
        state.attempt = None;
        drop(state);
        // A value that nobody holds any more is dropped here, and not under the lock.
        Some((outcome, replaced.is_some()))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so nothing is half done when it is poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn error(&self, source: BoxError) -> ResourceError {
        ResourceError::new(self.spec.name, source, self.spec.retry_after.is_some())
    }

    /// Whether a value passes the check, if there is one.
    pub(super) async fn check(&self, value: &Erased) -> Result<(), BoxError> {
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
        if doubt > Restore::Keep {
            state.doubt = state.doubt.max(doubt);
            state.doubts += 1;
        }
        if std::mem::take(&mut state.settled) {
            self.publish(None); // `current` still holds it: nothing is dropped
        }
    }

    /// Begins to make all that this is built from usable.
    pub(super) fn settle_dependencies(&self) -> JoinAll<Settling> {
        join_all(self.dependencies().iter().map(|node| node.settle()))
    }

    /// Looks at what the value is to be made from, and at what was said of it.
    ///
    /// Generations are read before the values are, and after the suspicions: a dependency that is
    /// rebuilt in between makes this one be built once more, never once too little.
    pub(super) fn look(&self) -> (Seen, Option<(Erased, Restore)>) {
        let (suspicions, doubts) = {
            let state = self.state();
            (state.suspicions, state.doubts)
        };
        let from = self.dependencies().iter().map(|node| node.generation()).collect();
        let state = self.state();
        let doubt = if state.built_from == from { state.doubt } else { Restore::Rebuild };
        let current = state.current.clone().map(|value| (value, doubt));
        (Seen { from, suspicions, doubts }, current)
    }
}

impl Node for Life {
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

    fn dependencies(&self) -> Vec<&'static dyn Node> {
        (self.spec.dependencies)()
    }

    /// Begins at once what has to be done, so that whoever asks at the same time shares it, failed or
    /// not.
    fn settle(&'static self) -> Settling {
        let first = self.step(Demand::Usable);
        Box::pin(async move { self.finish(first, Demand::Usable).await.map(drop) })
    }

    fn suspect(&self) {
        self.doubt(Restore::Keep);
    }

    fn thaw(&self, idle: Duration) -> bool {
        let long = self.spec.check.is_some() && idle > self.spec.idle;
        if long {
            self.doubt(Restore::Check);
        }
        long
    }

    fn restored(&self) -> bool {
        let doubt = self.spec.on_restore();
        let doubtful = doubt > Restore::Keep && self.state().current.is_some();
        if doubtful {
            self.doubt(doubt);
        }
        doubtful
    }

    fn is_doubtful(&self) -> bool {
        let state = self.state();
        state.current.is_some() && !state.settled
    }

    fn is_building(&self) -> bool {
        self.state().attempt.is_some()
    }

    fn has_close(&self) -> bool {
        self.spec.close.is_some()
    }

    fn has_retired(&self) -> bool {
        self.spec.close.is_some() && !self.state().retired.is_empty()
    }

    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        let close = self.spec.close?;
        let mut state = self.state();
        // Whoever still holds a replaced generation keeps it until done.
        let (free, held): (Vec<_>, Vec<_>) =
            state.retired.drain(..).partition(|old| Arc::strong_count(old) == 1);
        state.retired = held;
        (!free.is_empty()).then(|| Box::pin(close_all(close, free)) as BoxFuture<'static, ()>)
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        let close = self.spec.close?;
        let mut state = self.state();
        let mut values = std::mem::take(&mut state.retired);
        values.extend(state.current.clone());
        Some(Box::pin(close_all(close, values)))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        let gone = {
            let mut state = self.state();
            let attempts = state.attempts + 1; // one that is under way is not ours any more
            self.generation.store(0, Ordering::Release);
            std::mem::replace(&mut *state, State { attempts, ..State::new() })
        };
        self.publish(None);
        drop(gone);
    }

    fn build_time(&self) -> Option<Duration> {
        self.state().build_time
    }
}

/// Closes values one after the other.
async fn close_all(close: Close, values: Vec<Erased>) {
    for value in values {
        closed(close(&value)).await;
    }
}

/// Runs a `close` hook. Its panic is logged and stops no other.
async fn closed(hook: BoxFuture<'_, ()>) {
    if let Err(panic) = catch_async(hook).await {
        tracing::error!(%panic, "close panicked");
    }
}
