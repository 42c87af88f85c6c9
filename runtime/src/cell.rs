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
}

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
}

/// See the module.
pub struct Cell<T: 'static> {
    spec: Spec<T>,
    current: ArcSwapOption<T>,
    /// Whether `current` may be handed out without a further look.
    settled: AtomicBool,
    generation: AtomicU64,
    state: Mutex<State>,
}

struct State {
    attempt: Option<Attempt>,
    /// How many attempts were begun: each has its own number.
    attempts: u64,
    /// How often it was said that `current` needs a look. An attempt settles the cell only if
    /// nothing was said after it began.
    suspicions: u64,
    /// The generations of the dependencies that `current` was built from.
    built_from: Vec<u64>,
    /// A failed attempt, and until when it is remembered.
    failure: Option<(ResourceError, Tick)>,
    build_time: Option<Duration>,
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
            state: Mutex::new(State {
                attempt: None,
                attempts: 0,
                suspicions: 0,
                built_from: Vec::new(),
                failure: None,
                build_time: None,
            }),
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
                Next::Begin(claim, flight) => {
                    claim.compute();
                    // A failure that is not remembered is this caller's all the same.
                    if let Some(Err(error)) = flight.landed_blocking() {
                        return Err(error);
                    }
                }
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
        let from = self.cell.settle_dependencies().await?;
        if !rebuild && self.cell.current.load().is_some() && self.cell.state().built_from == from {
            return Ok(Built::Kept);
        }
        let start = Instant::now();
        let value = match self.cell.spec.timeout {
            None => catch_async(async { build().await }).await,
            Some(limit) => {
                match tokio::time::timeout(limit, catch_async(async { build().await })).await {
                    Ok(built) => built,
                    Err(_) => {
                        let text = format_args!("not ready after {limit:?}").to_string();
                        return Err(crate::Error::msg(text).into());
                    }
                }
            }
        };
        let value = value.map_err(crate::panic::Panic::into_error)??;
        Ok(Built::New {
            value,
            from,
            time: start.elapsed(),
        })
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
            let outcome = match built {
                Ok(built) => {
                    if let Built::New { value, from, time } = built {
                        cell.current.store(Some(Arc::new(value)));
                        rebuilt = cell.generation.fetch_add(1, Ordering::AcqRel) > 0;
                        state.built_from = from;
                        state.build_time = Some(time);
                    }
                    state.failure = None;
                    let settled = state.suspicions == self.suspicions;
                    cell.settled.store(settled, Ordering::Release);
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

impl<T: Send + Sync + 'static> Cell<T> {
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
            let mut state = self.state();
            state.suspicions += 1;
            self.settled.store(false, Ordering::Release);
        }
    }

    fn build_time(&self) -> Option<Duration> {
        self.state().build_time
    }

    fn is_recoverable(&self) -> bool {
        self.spec.retry_after.is_some()
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
