//! An attempt to make a resource usable: one at a time, in a task or on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Cell;
use super::spec::{Build, Restore};
use crate::clock::CLOCK;
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Flight, Pilot};
use crate::panic::{catch, catch_async};
use crate::resource::{BoxFuture, registry};

/// What everyone who waits for an attempt is told.
pub(super) type Outcome = Result<(), ResourceError>;

/// The attempt under way.
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) flight: Flight<Outcome>,
}

/// The right and the duty to end an attempt. Dropped on the way, it ends it without an outcome.
pub(super) struct Claim<T: Send + Sync + 'static> {
    pub(super) cell: &'static Cell<T>,
    pub(super) number: u64,
    pub(super) suspicions: u64,
    pub(super) pilot: Pilot<Outcome>,
}

/// What an attempt came to.
pub(super) enum Built<T> {
    /// The value that was there is as good as new.
    Kept,
    New {
        value: T,
        from: Vec<u64>,
        time: Duration,
    },
}

impl<T: Send + Sync + 'static> Claim<T> {
    /// Starts the attempt in a task of its own.
    pub(super) fn begin(self, rebuild: bool) -> Result<(), ResourceError> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(self.cell.error(crate::Error::msg("used outside a tokio runtime").into()));
        };
        // Boxed, so that tokio's task is compiled once and not for every resource.
        match self.cell.spec.build {
            Build::Computing(_) => {
                let work: Box<dyn FnOnce() + Send> = Box::new(|| self.compute());
                drop(runtime.spawn_blocking(work));
            }
            Build::Waiting(build) => {
                let work: BoxFuture<'static, ()> = Box::pin(async move {
                    let built = self.pilot.fly(self.attempt(build, rebuild)).await;
                    self.end(built);
                });
                drop(runtime.spawn(work));
            }
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
                if state.built_from == from { state.doubt } else { Restore::Rebuild }
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
    pub(super) fn compute(self) {
        let Build::Computing(build) = self.cell.spec.build else {
            return;
        };
        let _waiting = self.pilot.awaited();
        let start = Instant::now();
        let value = self.pilot.fly_blocking(|| catch(build));
        let time = start.elapsed();
        let value = value.map_err(crate::panic::Panic::into_error).and_then(|value| value);
        self.end(value.map(|value| Built::New { value, from: Vec::new(), time }));
    }

    /// Ends the attempt with an outcome.
    fn end(self, built: Result<Built<T>, BoxError>) {
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
            registry().for_each(|node| node.suspect());
        }
        if let Err(error) = &outcome {
            tracing::warn!(resource = cell.spec.name, error = chain(error), "attempt failed");
        }
        self.pilot.land(outcome);
    }
}

impl<T: Send + Sync + 'static> Drop for Claim<T> {
    fn drop(&mut self) {
        let mut state = self.cell.state();
        if state.attempt.as_ref().is_some_and(|attempt| attempt.number == self.number) {
            state.attempt = None;
        }
    }
}

/// Runs user code, bounded, and makes its panic an error.
pub(super) async fn limited<T>(
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
