//! The lifecycle of a resource, whatever its type: attempts to build or check its value, remembered
//! failures, generations, and what waits to be closed.
//!
//! - **An attempt ends.** User code in it is caught when it panics, in destructors and `Display`
//!   too, and is given up after its `timeout`, or 60 seconds. A caller begins at most one attempt
//!   more for itself if the runtime of one that it waited for was shut down.
//! - **No mixed generations.** A new generation is published when its dependents are marked stale,
//!   and not before; a caller accepts the result of an attempt only if that saw all marks that were
//!   made before the caller asked.
//! - **A usable value is never taken away by a failure.** A check comes before a remembered failure,
//!   and once more after a rebuild that failed.
//! - **Locks** are not held while user code runs or values are dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{JoinAll, join, join_all};

use super::spec::{Build, Call, CloseFn, Hold, Restore, Spec};
use super::state::{AttemptResult, Built, NextStep, Seen, State, Wait};
use super::{
    EnsureReady, EntryKind, PendingValue, RegistryEntry, begin_replacement, mark_dependents_stale,
};
use crate::base::erased::{BoxFuture, Erased, spawn};
use crate::base::limit::run_until;
use crate::base::panic::{Panic, catch, catch_async, drop_caught, log_caught};
use crate::base::single_flight::{self, Completion, Leader, blocking};
use crate::base::span::GuardedSpan;
use crate::error::{BoxError, ResourceError, chain};

pub(crate) use super::state::Demand;

/// The limit of an attempt for which no `timeout` is set.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);

/// The limit of a check for which no `timeout` is set. A check that hangs, as on a dead connection,
/// would hold up every later invocation.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// The limit of a `close` hook in an invocation, which is that of SHUTDOWN: a hook that hangs would
/// hold up the next event.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// Holds the value of a [`Lifecycle`] while callers may use it.
pub trait Publish: Sync {
    /// Stores a value that is ready, or takes it away.
    fn publish(&self, value: Option<Erased>);
}

/// See the module.
pub struct Lifecycle {
    spec: Spec,
    /// Holds the value while it may be used; `None` if the storage holds it for ever.
    storage: Option<fn() -> &'static dyn Publish>,
    /// Counts under the lock of `state`, and is read without it.
    generation: AtomicU64,
    state: Mutex<State>,
}

/// The right and the duty to end an attempt. Dropping it leaves the attempt without a result.
struct AttemptLeader {
    lifecycle: &'static Lifecycle,
    number: u64,
    is_rebuild: bool,
    leader: Leader<AttemptResult>,
}

impl Drop for AttemptLeader {
    fn drop(&mut self) {
        self.lifecycle.state().end_attempt(self.number);
    }
}

/// The leader of an attempt that waits for the resources that it needs, and then for a thread of the
/// blocking pool. A caller that blocks its own thread meanwhile takes it over: the pool may be full of
/// such callers, and that thread may be the only one of the runtime.
#[derive(Clone)]
struct Queued(Arc<Mutex<Option<Waiting>>>);

struct Waiting {
    leader: AttemptLeader,
    /// The call, once it has the resources that it needs.
    call: Option<(Seen, Call)>,
}

impl Queued {
    fn new(leader: AttemptLeader) -> Self {
        Self(Arc::new(Mutex::new(Some(Waiting { leader, call: None }))))
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Waiting> {
        self.waiting().take()
    }

    /// Stores the call. Returns it if a caller has taken over the attempt.
    fn prepared(&self, seen: Seen, call: Call) -> Option<Call> {
        match &mut *self.waiting() {
            Some(waiting) => {
                waiting.call = Some((seen, call));
                None
            }
            None => Some(call),
        }
    }

    fn run(&self) -> Result<(), ResourceError> {
        match self.take() {
            Some(Waiting { leader, call }) => leader.compute(call),
            None => Ok(()),
        }
    }
}

/// A job of the blocking pool, which is dropped unrun if its runtime is shut down.
struct Job(Queued);

impl Drop for Job {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

/// A caller's progress.
enum Step {
    Done(Result<Erased, ResourceError>),
    Wait(Wait),
}

/// The next step of an attempt whose initialiser does not await.
enum Prepared {
    Call(Seen, Call),
    Done(Result<Built, Failure>),
    /// A resource that it needs would have to be awaited.
    NotReady(ResourceError),
}

/// The reason why an attempt failed.
enum Failure {
    /// The failure of an earlier attempt, which is remembered.
    Remembered(ResourceError),
    /// A dependency is unavailable, or a static that the initialiser uses.
    Dependency(ResourceError),
    /// The initialiser failed.
    Build(BoxError),
    /// The new value failed its check.
    Check(BoxError),
}

impl Failure {
    /// The failure of an initialiser, which may have used a static that is unavailable.
    fn of_initialiser(error: BoxError) -> Self {
        match error.downcast::<ResourceError>() {
            Ok(error) => Self::Dependency(*error),
            Err(error) => Self::Build(error),
        }
    }
}

impl Lifecycle {
    pub(crate) const fn new(spec: Spec, storage: Option<fn() -> &'static dyn Publish>) -> Self {
        Self { spec, storage, generation: AtomicU64::new(0), state: Mutex::new(State::new()) }
    }

    /// Waits until the value is ready.
    #[cold]
    pub(crate) fn wait(&'static self) -> PendingValue {
        Box::pin(self.demand(Demand::Ready))
    }

    /// Builds the next generation. Callers share an attempt that begins after all of them called.
    #[cold]
    pub(crate) fn rebuild(&'static self) -> PendingValue {
        let demand = self.state().rebuild();
        Box::pin(self.demand(demand))
    }

    async fn demand(&'static self, demand: Demand) -> Result<Erased, ResourceError> {
        let step = self.step(demand);
        self.finish(step, demand).await
    }

    /// Takes the value, or begins to wait for an attempt.
    fn step(&'static self, demand: Demand) -> Step {
        let next = self.state().next_step(demand);
        match next {
            NextStep::Use(value) => Step::Done(Ok(value)),
            NextStep::Fail(error) => Step::Done(Err(error)),
            NextStep::Wait(wait) => Step::Wait(wait),
            NextStep::Begin(number, leader, wait) => {
                let is_rebuild = matches!(demand, Demand::Rebuilt { .. });
                let leader = AttemptLeader { lifecycle: self, number, is_rebuild, leader };
                match leader.begin() {
                    Ok(()) => Step::Wait(wait),
                    Err(error) => Step::Done(Err(error)),
                }
            }
        }
    }

    async fn finish(
        &'static self,
        mut step: Step,
        demand: Demand,
    ) -> Result<Erased, ResourceError> {
        let mut is_abandoned = false;
        loop {
            let wait = match step {
                Step::Done(result) => return result,
                Step::Wait(wait) => wait,
            };
            // An attempt in a task has a limit of its own; a thread cannot be stopped.
            let limit = match self.spec.build {
                Build::Async(_) => None,
                Build::Blocking(_) | Build::BlockingFrom(_) => {
                    tokio::time::Instant::now().checked_add(ATTEMPT_LIMIT)
                }
            };
            let waiting = std::pin::pin!(Some(wait.follower.clone().wait()));
            let Some(completion) = run_until(limit, waiting).await else {
                // The resources that it needs have limits of their own.
                if self.state().is_preparing() {
                    step = Step::Wait(wait);
                    continue;
                }
                return Err(self.message(format_args!("not ready after {ATTEMPT_LIMIT:?}")));
            };
            if let Some(result) = self.completed(completion, &wait, &mut is_abandoned) {
                return result;
            }
            step = self.step(demand);
        }
    }

    /// Returns the value to a caller that does not await. A resource that does not await is built, or
    /// waited for, on this thread; one that awaits has to be ready.
    #[cold]
    pub(crate) fn wait_blocking(&'static self) -> Result<Erased, ResourceError> {
        if matches!(self.spec.build, Build::Async(_)) {
            let ready = self.state().ready();
            return ready.ok_or_else(|| ResourceError::not_ready(self.spec.name));
        }
        let mut is_abandoned = false;
        loop {
            let next = self.state().next_step(Demand::Ready);
            let wait = match next {
                NextStep::Use(value) => return Ok(value),
                NextStep::Fail(error) => return Err(error),
                NextStep::Begin(number, leader, wait) => {
                    let lifecycle = self;
                    AttemptLeader { lifecycle, number, is_rebuild: false, leader }.compute(None)?;
                    wait
                }
                NextStep::Wait(wait) => {
                    let queued = self.state().queued();
                    if let Some(run_here) = queued {
                        run_here()?;
                    }
                    wait
                }
            };
            let completion = wait.follower.clone().wait_blocking();
            if let Some(result) = self.completed(completion, &wait, &mut is_abandoned) {
                return result;
            }
        }
    }

    /// The result of an attempt for a caller; `None` if the caller has to ask again.
    fn completed(
        &self,
        completion: Completion<AttemptResult>,
        wait: &Wait,
        is_abandoned: &mut bool,
    ) -> Option<Result<Erased, ResourceError>> {
        match completion {
            Completion::Completed(result) => wait.accept(result),
            // The runtime of the attempt was shut down.
            Completion::Abandoned if !std::mem::replace(is_abandoned, true) => None,
            Completion::Abandoned => Some(Err(self.message("its initialiser was abandoned"))),
            Completion::Circular => Some(Err(self.message("its initialiser needs itself"))),
        }
    }

    fn message(&self, message: impl std::fmt::Display) -> ResourceError {
        self.error(crate::error::Error::msg(message).into())
    }

    fn error(&self, source: BoxError) -> ResourceError {
        ResourceError::new(self.spec.name, source, self.spec.retry_after.is_some())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so nothing is half done when it is poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, value: Option<Erased>) {
        if let Some(storage) = self.storage {
            storage().publish(value);
        }
    }

    /// Begins to make all dependencies ready.
    fn ensure_dependencies_ready(&self) -> JoinAll<EnsureReady> {
        join_all(self.dependencies().iter().map(|entry| entry.ensure_ready()))
    }

    /// Prepares the call of an initialiser that does not await, once its dependencies are ready.
    async fn prepare_when_ready(
        &self,
        dependencies: JoinAll<EnsureReady>,
        is_rebuild: bool,
    ) -> Prepared {
        let ready: Result<(), _> = dependencies.await.into_iter().collect();
        match ready {
            Ok(()) => self.prepare(Hold::Await, is_rebuild).await,
            Err(error) => Prepared::Done(Err(Failure::Dependency(error))),
        }
    }

    /// Prepares the call of an initialiser that does not await, if it has to be called.
    async fn prepare(&self, hold: Hold, is_rebuild: bool) -> Prepared {
        let seen = self.look();
        let current = self.state().current(&seen.from).filter(|_| !is_rebuild);
        if let Some((_, Restore::Keep)) = current {
            return Prepared::Done(Ok(Built { seen, new: None }));
        }
        let failure = self.state().failure().filter(|_| !is_rebuild);
        if let Some(failure) = failure {
            return Prepared::Done(Err(Failure::Remembered(failure)));
        }
        self.state().begin_build();
        let call = match self.spec.build {
            Build::Blocking(build) => Ok(Box::new(build) as Call),
            Build::BlockingFrom(build) => build(hold).await,
            Build::Async(_) => unreachable!("an initialiser that awaits runs in a task"),
        };
        match call {
            Ok(call) => Prepared::Call(seen, call),
            Err(error) if hold == Hold::Now && error.is_not_ready() => Prepared::NotReady(error),
            Err(error) => Prepared::Done(Err(Failure::Dependency(error))),
        }
    }

    async fn attempt(
        &self,
        dependencies: JoinAll<EnsureReady>,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
        rebuild: bool,
    ) -> Result<Built, Failure> {
        let ready: Result<(), _> = dependencies.await.into_iter().collect();
        ready.map_err(Failure::Dependency)?;
        let seen = self.look();
        let current = self.state().current(&seen.from).filter(|_| !rebuild);
        match &current {
            Some((_, Restore::Keep)) => return Ok(Built { seen, new: None }),
            Some((value, Restore::Check)) => match self.check(value).await {
                Ok(()) => return Ok(Built { seen, new: None }),
                Err(error) => {
                    let (resource, error) = (self.spec.name, chain(&*error));
                    log_caught(|| tracing::warn!(resource, error, "check failed; rebuilding"));
                }
            },
            Some((_, Restore::Rebuild)) | None => {}
        }
        let failure = self.state().failure().filter(|_| !rebuild);
        let built = match failure {
            Some(failure) => Err(Failure::Remembered(failure)),
            None => self.build(build).await,
        };
        match (built, current) {
            (Ok(new), _) => Ok(Built { seen, new: Some(new) }),
            // The old value may have recovered from what made its check and the rebuild fail.
            (
                Err(failure @ (Failure::Build(_) | Failure::Dependency(_))),
                Some((value, Restore::Check)),
            ) if self.check(&value).await.is_ok() => {
                let resource = self.spec.name;
                drop_caught(failure, "the error of an attempt");
                log_caught(|| tracing::warn!(resource, "rebuild failed; the old value recovered"));
                Ok(Built { seen, new: None })
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Builds and checks a value. Returns the time that building took.
    async fn build(
        &self,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
    ) -> Result<(Erased, Duration), Failure> {
        self.state().begin_build();
        let start = Instant::now();
        let limit = self.spec.timeout.unwrap_or(ATTEMPT_LIMIT);
        let value = limited(limit, build()).await.map_err(Failure::of_initialiser)?;
        let time = start.elapsed();
        match self.check(&value).await {
            Ok(()) => Ok((value, time)),
            Err(error) => {
                match self.spec.close {
                    Some(_) => self.state().retire(value),
                    None => drop_caught(value, "a value that failed its check"),
                }
                Err(Failure::Check(error))
            }
        }
    }

    /// Checks a value, if there is a check.
    async fn check(&self, value: &Erased) -> Result<(), BoxError> {
        let Some(check) = self.spec.check else {
            return Ok(());
        };
        let limit = self.spec.timeout.unwrap_or(CHECK_LIMIT);
        let Err(error) = limited(limit, check(value)).await else {
            return Ok(());
        };
        let text = chain(&*error);
        drop_caught(error, "the error of a check");
        Err(crate::error::Error::msg(format_args!("its check failed: {text}")).into())
    }

    /// Looks at the marks and at the generations of the dependencies.
    ///
    /// The marks are read first: a dependency that is rebuilt in between makes this resource be
    /// built once more than needed, and never once less.
    fn look(&self) -> Seen {
        let (stale_marks, raises) = self.state().marks();
        let from = self.dependencies().iter().map(|entry| entry.generation()).collect();
        Seen { from, stale_marks, raises }
    }

    /// Ends an attempt: stores its value, and completes all who wait for it.
    fn conclude(&'static self, leader: AttemptLeader, built: Result<Built, Failure>) {
        let number = leader.number;
        if !self.state().is_attempt(number) {
            drop_caught(built, "a value of a container that is gone");
            return;
        }
        match built {
            Ok(Built { seen, new }) => {
                let is_new = new.is_some();
                let mut replaced = None;
                if let Some((value, time)) = new {
                    let mut state = self.state();
                    let closes = self.spec.close.is_some();
                    replaced = state.replace(value, time, seen.from.clone(), closes);
                    // Dependents that look from now on see a generation that they were not built
                    // from, and wait for this attempt.
                    self.generation.fetch_add(1, Ordering::AcqRel);
                    self.publish(None); // `replaced` holds the value
                    drop(state);
                    if replaced.is_some() {
                        mark_dependents_stale(vec![self], true);
                        begin_replacement();
                    }
                }
                let (forgotten, result) = {
                    let mut state = self.state();
                    let (ready, forgotten) = state.succeed(&seen);
                    self.publish(ready);
                    state.end_attempt(number);
                    (forgotten, state.result(number, &seen, is_new))
                };
                if let Some(result) = result {
                    leader.leader.complete(result);
                }
                drop_caught(replaced, "a replaced value");
                drop_caught(forgotten, "a failure");
            }
            Err(failure) => {
                let error = match failure {
                    Failure::Remembered(error) => error,
                    // Not remembered: the dependency decides when it is tried again.
                    Failure::Dependency(source) => self.failed(Box::new(source)),
                    Failure::Build(source) | Failure::Check(source) => {
                        let error = self.failed(source);
                        self.remember(&error);
                        error
                    }
                };
                let is_forced = self.state().end_attempt(number);
                leader.leader.complete(AttemptResult::failed(number, is_forced, error));
            }
        }
    }

    /// Makes and logs the error of an attempt.
    fn failed(&self, source: BoxError) -> ResourceError {
        let error = self.error(source);
        let (resource, text) = (self.spec.name, chain(&error));
        log_caught(|| tracing::warn!(resource, error = text, "attempt failed"));
        error
    }

    /// Remembers a failure, if failures are to be remembered.
    fn remember(&self, error: &ResourceError) {
        if let Some(pause) = self.spec.retry_after {
            let before = self.state().remember(error.clone(), pause);
            drop_caught(before, "a failure");
        }
    }

    /// Logs that an invocation waits for what INIT could have built.
    fn log_late_build(&self) {
        let resource = self.spec.name;
        log_caught(|| {
            tracing::info!(
                resource,
                "built at its first use: it is of another crate, and the handler does not name it; \
                 `#[handler(init(path::to::{resource}))]` builds it in INIT"
            );
        });
    }

    /// Marks the value stale, with what the next attempt does with it.
    fn mark(&self, staleness: Restore) {
        let mut state = self.state();
        if state.mark_stale(staleness) {
            // The state still holds the value: nothing is dropped under the lock.
            self.publish(None);
        }
    }
}

impl AttemptLeader {
    /// Starts the attempt in a task or on a thread of its own. Its log has the request id of the
    /// invocation that starts it.
    fn begin(self) -> Result<(), ResourceError> {
        let lifecycle = self.lifecycle;
        if std::mem::take(&mut lifecycle.state().left_out_of_init) && !lifecycle.spec.lazy {
            lifecycle.log_late_build();
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(lifecycle.message("used outside a tokio runtime"));
        };
        match lifecycle.spec.build {
            Build::Blocking(_) => {
                self.queue(false).run_on_pool(&runtime);
            }
            Build::BlockingFrom(_) => {
                let dependencies = lifecycle.ensure_dependencies_ready();
                let number = self.number;
                let prepared = lifecycle.prepare_when_ready(dependencies, self.is_rebuild);
                let prepared = self.leader.run(prepared);
                let job = self.queue(true);
                drop(spawn(GuardedSpan::current().carry(async move {
                    let prepared = catch_async(prepared).await.unwrap_or_else(|panic| {
                        Prepared::Done(Err(Failure::Build(panic.into_error())))
                    });
                    lifecycle.state().end_preparation(number);
                    job.prepared(prepared, &runtime);
                })));
            }
            Build::Async(build) => {
                // Begun here, so that it shares the attempts that are under way now.
                let dependencies = lifecycle.ensure_dependencies_ready();
                let attempt = async move {
                    let attempt = lifecycle.attempt(dependencies, build, self.is_rebuild);
                    let built = catch_async(self.leader.run(attempt)).await;
                    let built =
                        built.unwrap_or_else(|panic| Err(Failure::Build(panic.into_error())));
                    lifecycle.conclude(self, built);
                };
                drop(spawn(GuardedSpan::current().carry(attempt)));
            }
        }
        Ok(())
    }

    /// Lets callers that block their threads take over the attempt.
    fn queue(self, is_preparing: bool) -> Job {
        let (lifecycle, number) = (self.lifecycle, self.number);
        let queued = Queued::new(self);
        let run_here = queued.clone();
        lifecycle.state().queue(number, Arc::new(move || run_here.run()), is_preparing);
        Job(queued)
    }

    /// Makes the attempt on this thread, by a call that is prepared, or with the resources that are
    /// ready now.
    ///
    /// # Errors
    /// A resource that it needs would have to be awaited. The other callers that wait for the attempt
    /// try again: they may be able to wait.
    fn compute(self, call: Option<(Seen, Call)>) -> Result<(), ResourceError> {
        let lifecycle = self.lifecycle;
        let _waiting = self.leader.wait_for();
        let prepared = match call {
            Some((seen, call)) => Prepared::Call(seen, call),
            None => {
                let prepare = || blocking(lifecycle.prepare(Hold::Now, self.is_rebuild));
                let prepared = self.leader.run_blocking(|| catch(prepare));
                prepared
                    .unwrap_or_else(|panic| Prepared::Done(Err(Failure::Build(panic.into_error()))))
            }
        };
        let built = match prepared {
            Prepared::Call(seen, call) => {
                let start = Instant::now();
                let value = self.leader.run_blocking(|| catch(call));
                let time = start.elapsed();
                let value = value.map_err(Panic::into_error).and_then(|value| value);
                let built = value.map(|value| Built { seen, new: Some((value, time)) });
                built.map_err(Failure::of_initialiser)
            }
            Prepared::Done(built) => built,
            Prepared::NotReady(error) => {
                self.try_again();
                return Err(lifecycle.error(Box::new(error)));
            }
        };
        lifecycle.conclude(self, built);
        Ok(())
    }

    /// Ends the attempt, so that all callers that wait for it try again.
    fn try_again(self) {
        self.lifecycle.state().end_attempt(self.number);
        self.leader.complete(AttemptResult::try_again(self.number));
    }
}

impl Job {
    /// Runs the attempt on the blocking pool.
    fn run_on_pool(self, runtime: &tokio::runtime::Handle) {
        let span = GuardedSpan::current();
        drop(runtime.spawn_blocking(move || {
            // A call that is prepared has what it needs.
            span.within(|| drop(self.0.run()));
        }));
    }

    /// The resources that the attempt needs have been waited for.
    fn prepared(self, prepared: Prepared, runtime: &tokio::runtime::Handle) {
        match prepared {
            Prepared::Call(seen, call) => match self.0.prepared(seen, call) {
                None => self.run_on_pool(runtime),
                Some(unused) => drop_caught(unused, "resources of an initialiser"),
            },
            Prepared::Done(built) => match self.0.take() {
                Some(Waiting { leader, .. }) => leader.lifecycle.conclude(leader, built),
                None => drop_caught(built, "the result of an attempt"),
            },
            Prepared::NotReady(_) => {
                if let Some(Waiting { leader, .. }) = self.0.take() {
                    leader.try_again();
                }
            }
        }
    }
}

/// Awaits user code for a time, and makes its panic an error.
async fn limited<T>(
    limit: Duration,
    work: BoxFuture<'_, Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let end = tokio::time::Instant::now().checked_add(limit);
    let work = std::pin::pin!(Some(catch_async(work)));
    match run_until(end, work).await {
        Some(result) => result.map_err(Panic::into_error)?,
        None => Err(crate::error::Error::msg(format_args!("not ready after {limit:?}")).into()),
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
            Build::Blocking(_) | Build::BlockingFrom(_) => EntryKind::Blocking,
        }
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn dependencies(&self) -> Vec<&'static dyn RegistryEntry> {
        (self.spec.dependencies)()
    }

    /// Begins at once, so that callers at the same time share the attempt, failed or not.
    fn ensure_ready(&'static self) -> EnsureReady {
        let first = self.step(Demand::Ready);
        Box::pin(async move { self.finish(first, Demand::Ready).await.map(drop) })
    }

    fn leave_out_of_init(&self) {
        self.state().left_out_of_init = true;
    }

    fn mark_stale(&self, _: bool) {
        self.mark(Restore::Keep);
    }

    fn on_invocation_start(&self, idle: Duration) -> bool {
        let is_due = self.spec.check.is_some() && idle > self.spec.idle;
        if is_due {
            self.mark(Restore::Check);
        }
        is_due
    }

    fn restored(&self) -> bool {
        let staleness = self.spec.on_restore();
        let is_stale = staleness > Restore::Keep && self.state().is_built();
        if is_stale {
            self.mark(staleness);
        }
        is_stale
    }

    fn is_stale(&self) -> bool {
        self.state().is_stale()
    }

    fn is_building(&self) -> bool {
        self.state().is_building()
    }

    fn has_close(&self) -> bool {
        self.spec.close.is_some()
    }

    fn has_retired(&self) -> bool {
        self.spec.close.is_some() && self.state().has_retired()
    }

    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        let (name, close) = (self.spec.name, self.spec.close?);
        // One by one: what is not reached before a deadline stays, and is closed later. In a task of
        // its own: a deadline does not cut off what has begun.
        Some(Box::pin(async move {
            loop {
                let (leader, follower) = single_flight::new();
                {
                    // Under one lock, so that SHUTDOWN finds the value or the task.
                    let mut state = self.state();
                    let Some(value) = state.take_retired() else {
                        return;
                    };
                    state.closes(spawn(async move {
                        close_value(name, close, value, Some(CLOSE_LIMIT)).await;
                        leader.complete(());
                    }));
                }
                follower.wait().await;
            }
        }))
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        let (name, close) = (self.spec.name, self.spec.close?);
        let (values, closing) = self.state().take_all();
        Some(Box::pin(async move {
            // Concurrently: a hook that hangs does not stop the others.
            let values = values.into_iter().map(|value| close_value(name, close, value, None));
            join(join_all(closing), join_all(values)).await;
        }))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        let gone = {
            let mut state = self.state();
            self.generation.store(0, Ordering::Release);
            state.reset()
        };
        self.publish(None);
        drop_caught(gone, "a value of the last container");
    }

    fn build_time(&self) -> Option<Duration> {
        self.state().build_time()
    }
}

/// Runs a `close` hook. Its panic is logged and stops no other. It is given up after the `limit`.
async fn close_value(
    resource: &'static str,
    close: CloseFn,
    value: Erased,
    limit: Option<Duration>,
) {
    let end = limit.and_then(|limit| tokio::time::Instant::now().checked_add(limit));
    let closed = {
        let closing = std::pin::pin!(Some(catch_async(async { close(&value).await })));
        run_until(end, closing).await
    };
    match closed {
        Some(Ok(())) => {}
        Some(Err(panic)) => log_caught(|| tracing::error!(resource, %panic, "`close` panicked")),
        None => log_caught(|| {
            tracing::warn!(resource, "`close` was given up after {CLOSE_LIMIT:?}");
        }),
    }
    drop_caught(value, "a closed value");
}
