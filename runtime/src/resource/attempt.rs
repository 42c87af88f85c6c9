//! An attempt to make a resource usable: one at a time, in a task or on a thread of its own.

use std::time::{Duration, Instant};

use futures_util::future::JoinAll;

use super::lifecycle::{Built, Lifecycle};
use super::spec::{Build, Restore};
use crate::base::erased::{BoxFuture, Erased, spawn};
use crate::base::panic::{Panic, catch, catch_async};
use crate::base::single_flight::{Follower, Leader};
use crate::error::{BoxError, ResourceError, chain};
use crate::resource::{EnsureReady, mark_dependents_stale};

/// What everyone who waits for an attempt is told.
pub(super) type AttemptResult = Result<(), ResourceError>;

/// The attempt under way.
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) follower: Follower<AttemptResult>,
}

/// The right and the duty to end an attempt. Dropped on the way, it ends it without an outcome.
pub(super) struct AttemptLeader {
    pub(super) lifecycle: &'static Lifecycle,
    pub(super) number: u64,
    pub(super) leader: Leader<AttemptResult>,
}

impl AttemptLeader {
    /// Starts the attempt in a task of its own.
    pub(super) fn begin(self, rebuild: bool) -> Result<(), ResourceError> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(self
                .lifecycle
                .error(crate::Error::msg("used outside a tokio runtime").into()));
        };
        match self.lifecycle.spec.build {
            Build::Blocking(_) => drop(runtime.spawn_blocking(|| self.compute())),
            Build::Async(build) => {
                // Begun here, so that it waits for attempts that are under way now.
                let dependencies = self.lifecycle.ensure_dependencies_ready();
                drop(spawn(async move {
                    let attempt = self.attempt(dependencies, build, rebuild);
                    let built = self.leader.run(attempt).await;
                    self.end(built);
                }));
            }
        }
        Ok(())
    }

    async fn attempt(
        &self,
        dependencies: JoinAll<EnsureReady>,
        build: fn() -> BoxFuture<'static, Result<Erased, BoxError>>,
        rebuild: bool,
    ) -> Result<Built, BoxError> {
        let lifecycle = self.lifecycle;
        dependencies.await.into_iter().collect::<Result<(), _>>()?;
        let (seen, current) = lifecycle.look();
        if let Some((value, staleness)) = current.filter(|_| !rebuild) {
            let good = match staleness {
                Restore::Keep => true,
                Restore::Check => match lifecycle.check(&value).await {
                    Ok(()) => true,
                    Err(error) => {
                        let (resource, error) = (lifecycle.spec.name, chain(&*error));
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
        let value = limited(lifecycle.spec.timeout, async { build().await }).await?;
        let time = start.elapsed();
        lifecycle.check(&value).await?;
        Ok(Built { seen, new: Some((value, time)) })
    }

    /// Makes the attempt on this thread.
    pub(super) fn compute(self) {
        let Build::Blocking(build) = self.lifecycle.spec.build else {
            return;
        };
        let _waiting = self.leader.wait_for();
        let (seen, _) = self.lifecycle.look();
        let start = Instant::now();
        let value = self.leader.run_blocking(|| catch(build));
        let time = start.elapsed();
        let value = value.map_err(Panic::into_error).and_then(|value| value);
        self.end(value.map(|value| Built { seen, new: Some((value, time)) }));
    }

    /// Ends the attempt with an outcome.
    fn end(self, built: Result<Built, BoxError>) {
        let Some((outcome, replaced)) = self.lifecycle.conclude(&self, built) else {
            return;
        };
        if replaced {
            mark_dependents_stale(vec![self.lifecycle]);
        }
        if let Err(error) = &outcome {
            tracing::warn!(
                resource = self.lifecycle.spec.name,
                error = chain(error),
                "attempt failed"
            );
        }
        self.leader.complete(outcome);
    }
}

impl Drop for AttemptLeader {
    fn drop(&mut self) {
        let mut state = self.lifecycle.state();
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
