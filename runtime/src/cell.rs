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
//! - **Panics** of user code are errors of the attempt.
//! - **Replacement**: a rebuild swaps the `Arc`; who holds the old generation keeps it until done.
//! - **Locks** are never held while user code runs.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwapOption, Guard};
use futures_util::future::join_all;

use crate::clock::{CLOCK, Tick};
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Flight, Pilot, take_off};
use crate::panic::{catch, catch_async};
use crate::resource::{BoxFuture, Handle, Kind, Node, REGISTRY};

/// How a resource is built and kept. Made by the expansion of `#[init]`.
pub struct Spec<T: 'static> {
    name: &'static str,
    depth: usize,
    dependencies: fn() -> Vec<&'static dyn Node>,
    build: Build<T>,
    lazy: bool,
    timeout: Option<Duration>,
    retry_after: Option<Duration>,
    check: Option<Check<T>>,
    idle: Duration,
    close: Option<Close<T>>,
    restore: Option<Restore>,
}

/// Whether a value is still good.
pub type Check<T> = for<'a> fn(&'a T) -> BoxFuture<'a, Result<(), BoxError>>;

/// Ends a value's life in good order.
pub type Close<T> = for<'a> fn(&'a T) -> BoxFuture<'a, ()>;

/// What a SnapStart restore does with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restore {
    /// Nothing.
    Keep,
    /// Checks it, and builds the next if that fails.
    Check,
    /// Builds the next.
    Rebuild,
}

/// The limit of a check where no `timeout` is set. A check that hangs, as on a dead connection,
/// would otherwise hold every later invocation up.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

enum Build<T> {
    /// Awaits: runs in a task.
    Waiting(fn() -> BoxFuture<'static, Result<T, BoxError>>),
    /// Computes: runs on tokio's blocking pool, or where it is first called.
    Computing(fn() -> Result<T, BoxError>),
}

impl<T> Spec<T> {
    /// A resource whose initialiser awaits.
    pub const fn waiting(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn Node>,
        build: fn() -> BoxFuture<'static, Result<T, BoxError>>,
    ) -> Self {
        Self::new(name, depth, dependencies, Build::Waiting(build))
    }

    /// A resource whose initialiser does not await. It has no dependencies.
    pub const fn computing(name: &'static str, build: fn() -> Result<T, BoxError>) -> Self {
        Self::new(name, 0, Vec::new, Build::Computing(build))
    }

    const fn new(
        name: &'static str,
        depth: usize,
        dependencies: fn() -> Vec<&'static dyn Node>,
        build: Build<T>,
    ) -> Self {
        Self {
            name,
            depth,
            dependencies,
            build,
            lazy: false,
            timeout: None,
            retry_after: None,
            check: None,
            idle: Duration::from_secs(30),
            close: None,
            restore: None,
        }
    }

    /// Leaves it to the first use.
    pub const fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }

    /// Limits one attempt.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Remembers a failed attempt this long.
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Checks the value after building it, after an idle gap longer than `idle`, and after a
    /// restore.
    pub const fn check(mut self, check: Check<T>) -> Self {
        self.check = Some(check);
        self
    }

    /// See [`check`](Self::check). 30 seconds if not set.
    pub const fn idle(mut self, gap: Duration) -> Self {
        self.idle = gap;
        self
    }

    /// Closes a value that was replaced, and the last one at SHUTDOWN.
    pub const fn close(mut self, close: Close<T>) -> Self {
        self.close = Some(close);
        self
    }

    /// What a restore does with the value, if not what follows from its kind.
    pub const fn restore(mut self, restore: Restore) -> Self {
        self.restore = Some(restore);
        self
    }

    /// What a restore does: a check where there is one; a rebuild where building awaited, since the
    /// connections that it made are dead; else nothing.
    fn on_restore(&self) -> Restore {
        match (self.restore, self.check, &self.build) {
            (Some(restore), ..) => restore,
            (None, Some(_), _) => Restore::Check,
            (None, None, Build::Waiting(_)) => Restore::Rebuild,
            (None, None, Build::Computing(_)) => Restore::Keep,
        }
    }
}

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

/// What everyone who waits for an attempt is told.
type Outcome = Result<(), ResourceError>;

/// The attempt under way.
struct Attempt {
    number: u64,
    flight: Flight<Outcome>,
    /// The thread that computes it, to notice a computation that needs itself.
    thread: Option<ThreadId>,
}

/// The right and the duty to end an attempt. Dropped on the way, it ends it without an outcome.
struct Claim<T: Send + Sync + 'static> {
    cell: &'static Cell<T>,
    number: u64,
    suspicions: u64,
    /// Taken by the end of the attempt.
    pilot: Option<Pilot<Outcome>>,
}

/// What an attempt came to.
enum Built<T> {
    /// The value that was there is as good as new.
    Kept,
    New {
        value: T,
        from: Vec<u64>,
        time: Duration,
    },
}

/// What somebody who needs the value does next.
enum Next<T: Send + Sync + 'static> {
    Use(Arc<T>),
    Fail(ResourceError),
    Wait(Flight<Outcome>, Option<ThreadId>),
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

    /// As [`get`](Self::get), without becoming an owner of the value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub async fn hold(&'static self) -> Result<Held<T>, ResourceError> {
        match self.usable() {
            Some(held) => Ok(held),
            None => self.demand(Demand::Usable).await.map(Held::owned),
        }
    }

    /// Builds the next generation now, whether or not the value could still be used, and whatever
    /// failure is remembered. Callers at the same time share one attempt.
    ///
    /// # Errors
    /// The error of the attempt; the value that was there stays.
    pub async fn rebuild(&'static self) -> Result<Arc<T>, ResourceError> {
        self.demand(Demand::After(self.generation.load(Ordering::Acquire)))
            .await
    }

    /// The value of a resource that does not await, on this thread.
    ///
    /// # Errors
    /// As [`get`](Self::get); also if the computation asks for its own result.
    #[inline]
    pub fn get_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        match self.usable() {
            Some(held) => Ok(held.handle()),
            None => self.demand_blocking(),
        }
    }

    #[cold]
    fn demand_blocking(&'static self) -> Result<Arc<T>, ResourceError> {
        let me = std::thread::current().id();
        loop {
            match self.next(Demand::Usable, Some(me)) {
                Next::Use(value) => return Ok(value),
                Next::Fail(error) => return Err(error),
                Next::Begin(claim, _) => claim.compute(),
                Next::Wait(_, Some(thread)) if thread == me => {
                    return Err(
                        self.error(crate::Error::msg("its initialiser needs itself").into())
                    );
                }
                Next::Wait(flight, _) => match flight.landed_blocking() {
                    Some(Err(error)) => return Err(error),
                    _ => continue,
                },
            }
        }
    }

    #[cold]
    async fn demand(&'static self, demand: Demand) -> Result<Arc<T>, ResourceError> {
        loop {
            let flight = match self.next(demand, None) {
                Next::Use(value) => return Ok(value),
                Next::Fail(error) => return Err(error),
                Next::Wait(flight, _) => flight,
                Next::Begin(claim, flight) => {
                    claim.begin(matches!(demand, Demand::After(_)))?;
                    flight
                }
            };
            match flight.landed().await {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(error),
                // The attempt's runtime is gone: look again.
                None => continue,
            }
            // The outcome holds for all who waited, even if the value has become suspect since.
            if let (Demand::Usable, Some(value)) = (demand, self.current.load_full()) {
                return Ok(value);
            }
        }
    }

    fn next(&'static self, demand: Demand, thread: Option<ThreadId>) -> Next<T> {
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
            return Next::Wait(attempt.flight.clone(), attempt.thread);
        }
        if let (Demand::Usable, Some((error, until))) = (demand, &state.failure) {
            if CLOCK.now() < *until {
                return Next::Fail(error.clone());
            }
        }
        let (pilot, flight) = take_off();
        state.attempts += 1;
        let number = state.attempts;
        state.attempt = Some(Attempt {
            number,
            flight: flight.clone(),
            thread,
        });
        let suspicions = state.suspicions;
        Next::Begin(
            Claim {
                cell: self,
                number,
                suspicions,
                pilot: Some(pilot),
            },
            flight,
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No user code runs under this lock, so nothing is half done when it is poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: BoxError) -> ResourceError {
        ResourceError::new(self.spec.name, source)
    }
}

impl<T: Send + Sync + 'static> Claim<T> {
    /// Starts the attempt in a task of its own.
    fn begin(self, rebuild: bool) -> Result<(), ResourceError> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(self
                .cell
                .error(crate::Error::msg("used outside a tokio runtime").into()));
        };
        match self.cell.spec.build {
            Build::Computing(_) => drop(runtime.spawn_blocking(|| self.compute())),
            Build::Waiting(build) => drop(runtime.spawn(async move {
                let built = self.attempt(build, rebuild).await;
                self.end(built);
            })),
        }
        Ok(())
    }

    async fn attempt(
        &self,
        build: fn() -> BoxFuture<'static, Result<T, BoxError>>,
        rebuild: bool,
    ) -> Result<Built<T>, BoxError> {
        let cell = self.cell;
        let from = cell.settle_dependencies().await?;
        if let Some(value) = cell.current.load_full().filter(|_| !rebuild) {
            let doubt = {
                let state = cell.state();
                if state.built_from == from {
                    state.doubt
                } else {
                    Restore::Rebuild
                }
            };
            let good = match doubt {
                Restore::Keep => true,
                Restore::Check => match cell.check(&value).await {
                    Ok(()) => true,
                    Err(error) => {
                        let (resource, error) = (cell.spec.name, chain(&*error));
                        tracing::warn!(resource, error, "check failed; building it anew");
                        false
                    }
                },
                Restore::Rebuild => false,
            };
            if good {
                return Ok(Built::Kept);
            }
        }
        let start = Instant::now();
        let value = limited(cell.spec.timeout, async { build().await }).await?;
        let time = start.elapsed();
        cell.check(&value).await?;
        Ok(Built::New { value, from, time })
    }

    /// Makes the attempt on this thread.
    fn compute(self) {
        let Build::Computing(build) = self.cell.spec.build else {
            return;
        };
        if let Some(attempt) = &mut self.cell.state().attempt {
            attempt.thread = Some(std::thread::current().id());
        }
        let start = Instant::now();
        let value = catch(build)
            .map_err(crate::panic::Panic::into_error)
            .and_then(|value| value);
        let time = start.elapsed();
        self.end(value.map(|value| Built::New {
            value,
            from: Vec::new(),
            time,
        }));
    }

    /// Ends the attempt with an outcome.
    fn end(mut self, built: Result<Built<T>, BoxError>) {
        let cell = self.cell;
        let mut rebuilt = false;
        let outcome = {
            let mut state = cell.state();
            if state.attempts != self.number {
                return; // the container that began it is gone
            }
            let outcome = match built {
                Ok(built) => {
                    if let Built::New { value, from, time } = built {
                        let old = cell.current.swap(Some(Arc::new(value)));
                        if let (Some(old), Some(_)) = (old, cell.spec.close) {
                            cell.retired().push(old);
                        }
                        rebuilt = cell.generation.fetch_add(1, Ordering::AcqRel) > 0;
                        state.built_from = from;
                        state.build_time = Some(time);
                    }
                    state.failure = None;
                    if state.suspicions == self.suspicions {
                        state.doubt = Restore::Keep;
                        cell.settled.store(true, Ordering::Release);
                    }
                    Ok(())
                }
                Err(source) => {
                    let error = cell.error(source);
                    if let Some(pause) = cell.spec.retry_after {
                        state.failure = Some((error.clone(), CLOCK.now().after(pause)));
                    }
                    Err(error)
                }
            };
            state.attempt = None;
            outcome
        };
        if rebuilt {
            REGISTRY.iter().for_each(|node| node.suspect());
        }
        if let Err(error) = &outcome {
            tracing::warn!(
                resource = cell.spec.name,
                error = chain(error),
                "attempt failed"
            );
        }
        if let Some(pilot) = self.pilot.take() {
            pilot.land(outcome);
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Claim<T> {
    fn drop(&mut self) {
        let mut state = self.cell.state();
        if state
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.number == self.number)
        {
            state.attempt = None;
        }
    }
}

/// Runs user code, bounded, and makes its panic an error.
async fn limited<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    let work = catch_async(work);
    let outcome = match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .map_err(|_| crate::Error::msg(format_args!("not ready after {limit:?}")))?,
    };
    outcome.map_err(crate::panic::Panic::into_error)?
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
        join_all(tasks)
            .await
            .into_iter()
            .collect::<Result<Vec<()>, _>>()?;
        Ok(nodes.iter().map(|node| node.generation()).collect())
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

    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        let close = self.spec.close?;
        // Whoever still holds a replaced generation keeps it until done.
        let mut retired = self.retired();
        let (free, held) = retired
            .drain(..)
            .partition(|old| Arc::strong_count(old) == 1);
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
        *state = State {
            attempts,
            ..State::new()
        };
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

/// A value that somebody uses. A rebuild meanwhile does not take it away.
pub struct Held<T>(Guard<Option<Arc<T>>>);

impl<T> Held<T> {
    fn new(guard: Guard<Option<Arc<T>>>) -> Option<Self> {
        guard.is_some().then_some(Self(guard))
    }

    fn owned(value: Arc<T>) -> Self {
        Self(Guard::from_inner(Some(value)))
    }

    fn arc(&self) -> &Arc<T> {
        match &*self.0 {
            Some(value) => value,
            None => unreachable!("both constructors hold a value"),
        }
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.arc()
    }
}

impl<T> Handle<T> for Held<T> {
    fn handle(&self) -> Arc<T> {
        Arc::clone(self.arc())
    }
}
