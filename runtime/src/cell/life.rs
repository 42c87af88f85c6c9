//! A resource's life, whatever its type: attempts, remembered failures, doubts, generations, and what
//! waits to be closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::Publish;
use super::attempt::{Attempt, Claim, Outcome, limited};
use super::spec::{Build, CHECK_LIMIT, Close, Restore, Spec};
use crate::clock::{CLOCK, Tick};
use crate::erased::{BoxFuture, Erased};
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Arrival, Flight, take_off};
use crate::panic::catch_async;
use crate::resource::{Kind, Node};

/// See the module.
pub(super) struct Life {
    pub(super) spec: Spec,
    /// Where the value is put while it may be handed out.
    this: fn() -> &'static dyn Publish,
    /// Counts under the lock of `state`; read without.
    generation: AtomicU64,
    state: Mutex<State>,
}

pub(super) struct State {
    /// The last generation.
    pub(super) current: Option<Erased>,
    /// Whether `current` may be handed out without a further look. Published if so.
    settled: bool,
    pub(super) attempt: Option<Attempt>,
    /// How many attempts were begun: each has its own number.
    pub(super) attempts: u64,
    /// How often it was said that `current` needs a look. An attempt settles the value only if
    /// nothing was said after it began.
    suspicions: u64,
    /// What the next attempt does with `current` if its dependencies are the same.
    pub(super) doubt: Restore,
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

/// Which value satisfies a caller.
#[derive(Clone, Copy)]
pub(super) enum Demand {
    Usable,
    /// One of a later generation than this.
    After(u64),
}

/// What an attempt came to.
pub(super) enum Built {
    /// The value that was there is as good as new.
    Kept,
    New {
        value: Erased,
        from: Vec<u64>,
        time: Duration,
    },
}

impl Life {
    pub(super) const fn new(spec: Spec, this: fn() -> &'static dyn Publish) -> Self {
        Self { spec, this, generation: AtomicU64::new(0), state: Mutex::new(State::new()) }
    }

    /// The value, when it satisfies the caller.
    #[cold]
    pub(super) async fn demand(&'static self, demand: Demand) -> Result<Erased, ResourceError> {
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

    /// The same for a resource that does not await, on this thread.
    #[cold]
    pub(super) fn demand_blocking(&'static self) -> Result<Erased, ResourceError> {
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
        let suspicions = state.suspicions;
        Next::Begin(Claim { life: self, number, suspicions, pilot }, flight)
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
                if let Built::New { value, from, time } = built {
                    replaced = state.current.replace(value);
                    if self.spec.close.is_some() {
                        state.retired.extend(replaced.clone());
                    }
                    self.generation.fetch_add(1, Ordering::AcqRel);
                    state.built_from = from;
                    state.build_time = Some(time);
                }
                state.failure = None;
                if state.suspicions == claim.suspicions {
                    state.doubt = Restore::Keep;
                    state.settled = true;
                    (self.this)().publish(state.current.clone());
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
        ResourceError::new(self.spec.name, source)
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
        state.doubt = state.doubt.max(doubt);
        if std::mem::take(&mut state.settled) {
            (self.this)().publish(None); // `current` still holds it: nothing is dropped
        }
    }

    /// Waits until all that this is built from can be used; gives their generations.
    ///
    /// They are read before the values are: a dependency that is rebuilt in between makes this one
    /// be built once more, never once too little.
    pub(super) async fn settle_dependencies(&self) -> Result<Vec<u64>, ResourceError> {
        let nodes = (self.spec.dependencies)();
        let tasks: Vec<_> = nodes.iter().map(|node| node.settle()).collect();
        join_all(tasks).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(nodes.iter().map(|node| node.generation()).collect())
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

    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>> {
        Box::pin(async { self.demand(Demand::Usable).await.map(drop) })
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
        let built = self.state().current.is_some();
        if built {
            self.doubt(self.spec.on_restore());
        }
        built
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
        (self.this)().publish(None);
        drop(gone);
    }

    fn build_time(&self) -> Option<Duration> {
        self.state().build_time
    }

    fn is_recoverable(&self) -> bool {
        self.spec.retry_after.is_some()
    }
}

/// Closes values one after the other.
async fn close_all(close: Close, values: Vec<Erased>) {
    for value in values {
        closed(close(&value)).await;
    }
}

/// Runs a `close` hook. Its panic is logged and stops no other.
pub(crate) async fn closed(hook: BoxFuture<'_, ()>) {
    if let Err(panic) = catch_async(hook).await {
        tracing::error!(%panic, "close panicked");
    }
}
