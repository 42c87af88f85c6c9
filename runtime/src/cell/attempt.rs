//! An attempt to make a resource usable: one at a time, in a task or on a thread of its own.

use std::time::{Duration, Instant};

use futures_util::future::JoinAll;

use super::life::{Built, Life};
use super::spec::{Build, Restore};
use crate::erased::{BoxFuture, Erased, spawn};
use crate::error::{BoxError, ResourceError, chain};
use crate::flight::{Flight, Pilot};
use crate::panic::{Panic, catch, catch_async};
use crate::resource::{Settling, suspect_dependents};

/// What everyone who waits for an attempt is told.
pub(super) type Outcome = Result<(), ResourceError>;

/// The attempt under way.
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) flight: Flight<Outcome>,
}

/// The right and the duty to end an attempt. Dropped on the way, it ends it without an outcome.
pub(super) struct Claim {
    pub(super) life: &'static Life,
    pub(super) number: u64,
    pub(super) pilot: Pilot<Outcome>,
}

impl Claim {
    /// Starts the attempt in a task of its own.
    pub(super) fn begin(self, rebuild: bool) -> Result<(), ResourceError> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(self.life.error(crate::Error::msg("used outside a tokio runtime").into()));
        };
        match self.life.spec.build {
            Build::Computing(_) => drop(runtime.spawn_blocking(|| self.compute())),
            Build::Waiting(build) => {
                // Begun here, so that it waits for attempts that are under way now.
                let dependencies = self.life.settle_dependencies();
                drop(spawn(async move {
                    let attempt = self.attempt(dependencies, build, rebuild);
                    let built = self.pilot.fly(attempt).await;
                    self.end(built);
                }));
            }
        }
        Ok(())
    }

    async fn attempt(
        &self,
        dependencies: JoinAll<Settling>,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
        rebuild: bool,
    ) -> Result<Built, BoxError> {
        let life = self.life;
        dependencies.await.into_iter().collect::<Result<(), _>>()?;
        let (seen, current) = life.look();
        if let Some((value, doubt)) = current.filter(|_| !rebuild) {
            let good = match doubt {
                Restore::Keep => true,
                Restore::Check => match life.check(&value).await {
                    Ok(()) => true,
                    Err(error) => {
                        let (resource, error) = (life.spec.name, chain(&*error));
                        tracing::warn!(resource, error, "check failed; building it anew");
                        false
                    }
                },
                Restore::Rebuild => false,
            };
            if good {
                return Ok(Built { seen, new: None });
            }
        }
        let start = Instant::now();
        let value = limited(life.spec.timeout, async { build().await }).await?;
        let time = start.elapsed();
        life.check(&value).await?;
        Ok(Built { seen, new: Some((value, time)) })
    }

    /// Makes the attempt on this thread.
    pub(super) fn compute(self) {
        let Build::Computing(build) = self.life.spec.build else {
            return;
        };
        let _waiting = self.pilot.awaited();
        let (seen, _) = self.life.look();
        let start = Instant::now();
        let value = self.pilot.fly_blocking(|| catch(build));
        let time = start.elapsed();
        let value = value.map_err(Panic::into_error).and_then(|value| value);
        self.end(value.map(|value| Built { seen, new: Some((value, time)) }));
    }

    /// Ends the attempt with an outcome.
    fn end(self, built: Result<Built, BoxError>) {
        let Some((outcome, replaced)) = self.life.conclude(&self, built) else {
            return;
        };
        if replaced {
            suspect_dependents(vec![self.life]);
        }
        if let Err(error) = &outcome {
            tracing::warn!(resource = self.life.spec.name, error = chain(error), "attempt failed");
        }
        self.pilot.land(outcome);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.life.state();
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
    outcome.map_err(Panic::into_error)?
}
