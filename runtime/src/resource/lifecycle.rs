//! A resource's life, whatever its type: attempts, remembered failures, doubts, generations, and what
//! waits to be closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{JoinAll, join_all};

use super::attempt::{Attempt, AttemptLeader, AttemptResult, limited};
use super::cell::Publish;
use super::spec::{Build, CHECK_LIMIT, CloseFn, Restore, Spec};
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::{BoxFuture, Erased};
use crate::base::panic::catch_async;
use crate::base::single_flight::{self, Completion, Follower};
use crate::error::{BoxError, ResourceError, chain};
use crate::resource::{EnsureReady, EntryKind, PendingValue, RegistryEntry};

/// See the module.
pub struct Lifecycle {
    pub(super) spec: Spec,
    /// Where the value is put while it may be handed out, if that is another place.
    storage: Option<fn() -> &'static dyn Publish>,
    /// Counts under the lock of `state`; read without.
    generation: AtomicU64,
    state: Mutex<State>,
}

pub(super) struct State {
    /// The last generation.
    pub(super) current: Option<Erased>,
    /// Whether `current` may be handed out without a further look: it is published then.
    ready: bool,
    pub(super) attempt: Option<Attempt>,
    /// How many attempts were begun: each has its own number.
    pub(super) attempts: u64,
    /// How often it was said that `current` needs a look. An attempt settles the value only if
    /// nothing was said after it had looked at what the value is made from.
    pub(super) stale_marks: u64,
    /// What the next attempt does with `current` if its dependencies are the same.
    pub(super) staleness: Restore,
    /// How often `doubt` was raised.
    pub(super) staleness_raised: u64,
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
            ready: false,
            attempt: None,
            attempts: 0,
            stale_marks: 0,
            staleness: Restore::Keep,
            staleness_raised: 0,
            built_from: Vec::new(),
            failure: None,
            build_time: None,
            retired: Vec::new(),
        }
    }
}

/// What somebody who needs the value does next.
enum NextStep {
    Use(Erased),
    Fail(ResourceError),
    Wait(Follower<AttemptResult>),
    Begin(AttemptLeader, Follower<AttemptResult>),
}

/// The same, when an attempt that had to begin has begun.
enum Step {
    Use(Erased),
    Wait(Follower<AttemptResult>),
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
    pub(super) stale_marks: u64,
    pub(super) staleness_raised: u64,
}

impl Lifecycle {
    pub(crate) const fn new(spec: Spec, storage: Option<fn() -> &'static dyn Publish>) -> Self {
        Self { spec, storage, generation: AtomicU64::new(0), state: Mutex::new(State::new()) }
    }

    fn publish(&self, value: Option<Erased>) {
        if let Some(storage) = self.storage {
            storage().publish(value);
        }
    }

    /// Waits until the value can be used.
    #[cold]
    pub(crate) fn wait(&'static self) -> PendingValue {
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
            NextStep::Use(value) => Ok(Step::Use(value)),
            NextStep::Fail(error) => Err(error),
            NextStep::Wait(follower) => Ok(Step::Wait(follower)),
            NextStep::Begin(claim, follower) => {
                claim.begin(matches!(demand, Demand::After(_)))?;
                Ok(Step::Wait(follower))
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
                Step::Wait(follower) => {
                    if let Some(value) = self.arrived(follower.wait().await, demand)? {
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
            let follower = match self.next(Demand::Usable) {
                NextStep::Use(value) => return Ok(value),
                NextStep::Fail(error) => return Err(error),
                NextStep::Begin(claim, follower) => {
                    claim.compute();
                    follower
                }
                NextStep::Wait(follower) => follower,
            };
            if let Some(value) = self.arrived(follower.wait_blocking(), Demand::Usable)? {
                return Ok(value);
            }
        }
    }

    /// What an attempt that was waited for came to; `None` if the caller has to look again.
    fn arrived(
        &self,
        arrival: Completion<AttemptResult>,
        demand: Demand,
    ) -> Result<Option<Erased>, ResourceError> {
        match arrival {
            Completion::Completed(outcome) => {
                outcome?;
                // It holds for all who waited, even if the value has become suspect since.
                Ok(self.state().current.clone().filter(|_| matches!(demand, Demand::Usable)))
            }
            // The attempt's runtime is gone.
            Completion::Abandoned => Ok(None),
            Completion::Circular => {
                Err(self.error(crate::Error::msg("its initialiser needs itself").into()))
            }
        }
    }

    fn next(&'static self, demand: Demand) -> NextStep {
        let mut state = self.state();
        let satisfies = match demand {
            Demand::Usable => state.ready,
            Demand::After(seen) => self.generation() > seen,
        };
        if let Some(value) = state.current.as_ref().filter(|_| satisfies) {
            return NextStep::Use(Arc::clone(value));
        }
        if let Some(attempt) = &state.attempt {
            return NextStep::Wait(attempt.follower.clone());
        }
        if let (Demand::Usable, Some((error, until))) = (demand, &state.failure) {
            if CLOCK.now() < *until {
                return NextStep::Fail(error.clone());
            }
        }
        let (leader, follower) = single_flight::new();
        state.attempts += 1;
        let number = state.attempts;
        state.attempt = Some(Attempt { number, follower: follower.clone() });
        NextStep::Begin(AttemptLeader { lifecycle: self, number, leader }, follower)
    }

    /// Ends an attempt: what everyone who waits for it is told, and whether a generation was replaced.
    /// `None` if the container that began it is gone.
    pub(super) fn conclude(
        &self,
        claim: &AttemptLeader,
        built: Result<Built, BoxError>,
    ) -> Option<(AttemptResult, bool)> {
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
                if state.staleness_raised == seen.staleness_raised {
                    state.staleness = Restore::Keep;
                }
                if state.stale_marks == seen.stale_marks {
                    state.ready = true;
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
    fn staleness(&self, staleness: Restore) {
        let mut state = self.state();
        state.stale_marks += 1;
        if staleness > Restore::Keep {
            state.staleness = state.staleness.max(staleness);
            state.staleness_raised += 1;
        }
        if std::mem::take(&mut state.ready) {
            self.publish(None); // `current` still holds it: nothing is dropped
        }
    }

    /// Begins to make all that this is built from usable.
    pub(super) fn ensure_dependencies_ready(&self) -> JoinAll<EnsureReady> {
        join_all(self.dependencies().iter().map(|entry| entry.ensure_ready()))
    }

    /// Looks at what the value is to be made from, and at what was said of it.
    ///
    /// Generations are read before the values are, and after the suspicions: a dependency that is
    /// rebuilt in between makes this one be built once more, never once too little.
    pub(super) fn look(&self) -> (Seen, Option<(Erased, Restore)>) {
        let (stale_marks, staleness_raised) = {
            let state = self.state();
            (state.stale_marks, state.staleness_raised)
        };
        let from = self.dependencies().iter().map(|entry| entry.generation()).collect();
        let state = self.state();
        let staleness = if state.built_from == from { state.staleness } else { Restore::Rebuild };
        let current = state.current.clone().map(|value| (value, staleness));
        (Seen { from, stale_marks, staleness_raised }, current)
    }
}

impl RegistryEntry for Lifecycle {
    fn name(&self) -> &'static str {
        self.spec.name
    }

    fn depth(&self) -> usize {
        self.spec.depth
    }

    fn kind(&self) -> EntryKind {
        match self.spec.build {
            _ if self.spec.lazy => EntryKind::Lazy,
            Build::Async(_) => EntryKind::Async,
            Build::Blocking(_) => EntryKind::Blocking,
        }
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn dependencies(&self) -> Vec<&'static dyn RegistryEntry> {
        (self.spec.dependencies)()
    }

    /// Begins at once what has to be done, so that whoever asks at the same time shares it, failed or
    /// not.
    fn ensure_ready(&'static self) -> EnsureReady {
        let first = self.step(Demand::Usable);
        Box::pin(async move { self.finish(first, Demand::Usable).await.map(drop) })
    }

    fn mark_stale(&self) {
        self.staleness(Restore::Keep);
    }

    fn on_invocation_start(&self, idle: Duration) -> bool {
        let long = self.spec.check.is_some() && idle > self.spec.idle;
        if long {
            self.staleness(Restore::Check);
        }
        long
    }

    fn restored(&self) -> bool {
        let staleness = self.spec.on_restore();
        let doubtful = staleness > Restore::Keep && self.state().current.is_some();
        if doubtful {
            self.staleness(staleness);
        }
        doubtful
    }

    fn is_stale(&self) -> bool {
        let state = self.state();
        state.current.is_some() && !state.ready
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
async fn close_all(close: CloseFn, values: Vec<Erased>) {
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
