//! The state of a resource, and the transitions that are made under its lock.
//!
//! Nothing here calls user code: values that a transition takes out are returned, to be dropped when
//! the lock is released.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::spec::Restore;
use crate::base::clock::{CLOCK, Tick};
use crate::base::erased::Erased;
use crate::base::single_flight::{self, Follower, Leader};
use crate::error::ResourceError;

pub(super) struct State {
    /// The value of the last generation.
    current: Option<Erased>,
    /// True if `current` may be used as it is. It is published then.
    ready: bool,
    attempt: Option<Attempt>,
    /// The number of attempts that began. It is the number of the last one.
    attempts: u64,
    /// The number of the attempt that built `current`.
    built_by: u64,
    /// The number of times that `current` was marked stale. An attempt makes the value ready only
    /// if it has not been marked again since the attempt looked at the dependencies: what it saw of
    /// them may be old by then.
    stale_marks: u64,
    /// The handling of `current` by the next attempt, if its dependencies are the same.
    staleness: Restore,
    /// The number of times that `staleness` was raised. It is lowered only by an attempt that saw
    /// the last raise: a plain mark, of a rebuilt dependency, must not undo one of an idle gap.
    raises: u64,
    /// The generations of the dependencies that `current` was built from.
    built_from: Vec<u64>,
    /// A failed attempt, and the time until which it is remembered.
    failure: Option<(ResourceError, Tick)>,
    build_time: Option<Duration>,
    /// Replaced values, and new ones that failed their check, that wait to be closed.
    retired: Vec<Erased>,
    /// The tasks that close values.
    closing: Vec<JoinHandle<()>>,
}

/// The attempt that is under way.
struct Attempt {
    number: u64,
    follower: Follower<AttemptResult>,
    run_here: Option<RunHere>,
    /// True for a rebuild whose initialiser has not been called yet: it will see all that was
    /// written before now.
    is_open: bool,
}

/// Runs a queued attempt on the caller's thread, unless another thread has begun it.
pub(super) type RunHere = Arc<dyn Fn() + Send + Sync>;

/// The result of an attempt, shared by all who wait for it.
#[derive(Clone)]
pub(super) struct AttemptResult {
    pub(super) number: u64,
    /// The number of stale marks that the attempt saw.
    stale_marks: u64,
    pub(super) result: Result<Ready, ResourceError>,
}

/// A value that an attempt found usable, or built.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) value: Erased,
    is_new: bool,
}

/// The value that a caller wants.
#[derive(Clone, Copy)]
pub(crate) enum Demand {
    /// One that is ready.
    Ready,
    /// One that was built by an attempt that began after this many.
    Rebuilt { after: u64 },
}

/// The next step of a caller.
pub(super) enum NextStep {
    Use(Erased),
    Fail(ResourceError),
    Wait(Wait),
    /// The caller leads the attempt of this number.
    Begin(u64, Leader<AttemptResult>, Wait),
}

/// A wait for an attempt.
pub(super) struct Wait {
    pub(super) follower: Follower<AttemptResult>,
    demand: Demand,
    /// The number of stale marks when the caller asked.
    stale_marks: u64,
}

impl Wait {
    /// The caller's result, or `None` if it has to ask again.
    pub(super) fn accept(&self, done: AttemptResult) -> Option<Result<Erased, ResourceError>> {
        let is_accepted = match (&done.result, self.demand) {
            // Of a value that was marked stale before the caller asked, and after the attempt
            // looked, a dependency may be new to the caller already.
            (Ok(_), Demand::Ready) => done.stale_marks >= self.stale_marks,
            (Err(_), Demand::Ready) => true,
            (Ok(ready), Demand::Rebuilt { after }) => ready.is_new && done.number > after,
            (Err(_), Demand::Rebuilt { after }) => done.number > after,
        };
        is_accepted.then(|| done.result.map(|ready| ready.value))
    }
}

/// The facts on which an attempt decides.
pub(super) struct Seen {
    /// The generations of the dependencies.
    pub(super) from: Vec<u64>,
    pub(super) stale_marks: u64,
    pub(super) raises: u64,
}

/// The success of an attempt.
pub(super) struct Built {
    pub(super) seen: Seen,
    /// The new value and the time that it took; `None` if the old one is as good.
    pub(super) new: Option<(Erased, Duration)>,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            current: None,
            ready: false,
            attempt: None,
            attempts: 0,
            built_by: 0,
            stale_marks: 0,
            staleness: Restore::Keep,
            raises: 0,
            built_from: Vec::new(),
            failure: None,
            build_time: None,
            retired: Vec::new(),
            closing: Vec::new(),
        }
    }

    /// The state of a new container. An attempt that is under way belongs to the old one.
    #[cfg(feature = "testing")]
    pub(super) fn reset(&mut self) -> Self {
        let attempts = self.attempts + 1;
        std::mem::replace(self, Self { attempts, ..Self::new() })
    }

    /// A demand for a value whose initialiser is called from now on.
    pub(super) fn rebuild(&self) -> Demand {
        let is_open = self.attempt.as_ref().is_some_and(|attempt| attempt.is_open);
        Demand::Rebuilt { after: self.attempts - u64::from(is_open) }
    }

    /// The initialiser is called now.
    pub(super) fn begin_build(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.is_open = false;
        }
    }

    pub(super) fn next_step(&mut self, demand: Demand) -> NextStep {
        let is_met = match demand {
            Demand::Ready => self.ready,
            Demand::Rebuilt { after } => self.built_by > after,
        };
        if let Some(value) = self.current.as_ref().filter(|_| is_met) {
            return NextStep::Use(Arc::clone(value));
        }
        // With a value, an attempt checks that first.
        if let (Demand::Ready, None, None) = (demand, &self.current, &self.attempt)
            && let Some(error) = self.failure()
        {
            return NextStep::Fail(error);
        }
        let wait = |follower| Wait { follower, demand, stale_marks: self.stale_marks };
        if let Some(attempt) = &self.attempt {
            return NextStep::Wait(wait(attempt.follower.clone()));
        }
        let (leader, follower) = single_flight::new();
        self.attempts += 1;
        let (number, follower_of_all) = (self.attempts, follower.clone());
        let is_open = matches!(demand, Demand::Rebuilt { .. });
        self.attempt = Some(Attempt { number, follower: follower_of_all, run_here: None, is_open });
        NextStep::Begin(self.attempts, leader, wait(follower))
    }

    /// The attempt of this number waits for a thread.
    pub(super) fn queue(&mut self, number: u64, run_here: RunHere) {
        if let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.number == number) {
            attempt.run_here = Some(run_here);
        }
    }

    /// The attempt that waits for a thread, if it does.
    pub(super) fn queued(&self) -> Option<RunHere> {
        self.attempt.as_ref()?.run_here.clone()
    }

    /// The attempt of this number ends, or its task is dropped.
    pub(super) fn end_attempt(&mut self, number: u64) {
        self.attempt.take_if(|attempt| attempt.number == number);
    }

    /// False if the attempt belongs to an earlier simulated container.
    pub(super) fn is_attempt(&self, number: u64) -> bool {
        self.attempts == number
    }

    /// The marks that an attempt has to see.
    pub(super) fn marks(&self) -> (u64, u64) {
        (self.stale_marks, self.raises)
    }

    /// The value of the last generation, with what is to be done with it before it is used.
    pub(super) fn current(&self, from: &[u64]) -> Option<(Erased, Restore)> {
        let staleness = if self.built_from == from { self.staleness } else { Restore::Rebuild };
        self.current.clone().map(|value| (value, staleness))
    }

    /// The failure that is remembered now.
    pub(super) fn failure(&self) -> Option<ResourceError> {
        let (error, until) = self.failure.as_ref()?;
        (CLOCK.now() < *until).then(|| error.clone())
    }

    /// Remembers a failure, and returns the one that was remembered before.
    pub(super) fn remember(
        &mut self,
        error: ResourceError,
        pause: Duration,
    ) -> Option<(ResourceError, Tick)> {
        self.failure.replace((error, CLOCK.now().after(pause)))
    }

    /// Stores a new generation, and returns the value that it replaces. It is not ready yet.
    pub(super) fn replace(
        &mut self,
        value: Erased,
        time: Duration,
        from: Vec<u64>,
        closes: bool,
    ) -> Option<Erased> {
        self.built_by = self.attempts;
        let replaced = self.current.replace(value);
        if closes {
            self.retired.extend(replaced.clone());
        }
        self.ready = false;
        self.built_from = from;
        self.build_time = Some(time);
        replaced
    }

    /// Ends a successful attempt. Returns the value to be published, if it is ready, and the failure
    /// that is not remembered any more.
    pub(super) fn succeed(
        &mut self,
        seen: &Seen,
    ) -> (Option<Erased>, Option<(ResourceError, Tick)>) {
        if self.raises == seen.raises {
            self.staleness = Restore::Keep;
        }
        self.ready = self.stale_marks == seen.stale_marks;
        (self.current.clone().filter(|_| self.ready), self.failure.take())
    }

    /// The shared result of a successful attempt.
    pub(super) fn result(&self, number: u64, seen: &Seen, is_new: bool) -> Option<AttemptResult> {
        let value = self.current.clone()?;
        let result = Ok(Ready { value, is_new });
        Some(AttemptResult { number, stale_marks: seen.stale_marks, result })
    }

    /// Marks the value stale. Returns true if it was ready: it must not be published any more.
    pub(super) fn mark_stale(&mut self, staleness: Restore) -> bool {
        self.stale_marks += 1;
        if staleness > Restore::Keep {
            self.staleness = self.staleness.max(staleness);
            self.raises += 1;
        }
        std::mem::take(&mut self.ready)
    }

    pub(super) fn is_built(&self) -> bool {
        self.current.is_some()
    }

    pub(super) fn is_stale(&self) -> bool {
        self.current.is_some() && !self.ready
    }

    pub(super) fn is_building(&self) -> bool {
        self.attempt.is_some()
    }

    pub(super) fn build_time(&self) -> Option<Duration> {
        self.build_time
    }

    /// Keeps a value that is of no use until it is closed.
    pub(super) fn retire(&mut self, value: Erased) {
        self.retired.push(value);
    }

    pub(super) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Takes a replaced value that is not in use any more.
    pub(super) fn take_retired(&mut self) -> Option<Erased> {
        let unused = self.retired.iter().position(|value| Arc::strong_count(value) == 1)?;
        Some(self.retired.swap_remove(unused))
    }

    /// A value that was taken is being closed by this task.
    pub(super) fn closes(&mut self, task: JoinHandle<()>) {
        self.closing.retain(|task| !task.is_finished());
        self.closing.push(task);
    }

    /// Takes all values that wait to be closed, the last generation included, and the tasks that
    /// close others.
    pub(super) fn take_all(&mut self) -> (Vec<Erased>, Vec<JoinHandle<()>>) {
        let mut values = std::mem::take(&mut self.retired);
        values.extend(self.current.clone());
        (values, std::mem::take(&mut self.closing))
    }
}

impl AttemptResult {
    pub(super) fn failed(number: u64, error: ResourceError) -> Self {
        Self { number, stale_marks: u64::MAX, result: Err(error) }
    }
}
