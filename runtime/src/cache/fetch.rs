//! A fetch: the one of its key, in a task of its own, and what becomes of its outcome.

use std::future::pending;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tracing::Instrument;

use super::engine::Engine;
use super::key::Key;
use super::outcome::{Failure, Fetch, FetchResult, SharedResult};
use crate::base::clock::{Tick, nanos};
use crate::base::erased::BoxFuture;
use crate::base::panic::{Panic, catch_async};
use crate::base::single_flight::{Follower, Leader};
use crate::invocation::context::carried;

/// The fetch of one key.
pub(super) struct InFlight {
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) follower: Follower<SharedResult>,
}

/// Where a fetch runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// In a task of its own: a caller that goes away does not take it along.
    InATask,
    /// On the thread of its caller: that of a function that is not async, which waits for nothing.
    Here,
}

/// What a caller without an answer does next.
pub(super) enum Lookup<K: Key> {
    Use(FetchResult),
    Join(Follower<SharedResult>),
    Fetch(FetchLeader<K>),
}

/// The right and the duty to end a fetch. Dropped on the way, it leaves nothing behind.
pub(super) struct FetchLeader<K: Key> {
    pub(super) engine: &'static Engine<K>,
    pub(super) key: K,
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) leader: Leader<SharedResult>,
}

impl<K: Key> FetchLeader<K> {
    /// Fetches; without a tokio runtime, here in any case.
    pub(super) async fn fetch(self, fetch: Fetch, runs: Runs) -> FetchResult {
        let _waiting = self.leader.wait_for();
        // What it defers, and the time that it has, are those of the invocation that starts it.
        let run: BoxFuture<'static, _> = Box::pin(carried(self.run(fetch)).in_current_span());
        let runtime = Handle::try_current().ok().filter(|_| runs == Runs::InATask);
        let outcome = match runtime {
            None => run.await,
            Some(runtime) => match runtime.spawn(run).await {
                Ok(outcome) => outcome,
                // The runtime is being shut down, and this caller with it.
                Err(_) => pending().await,
            },
        };
        outcome.unwrap_or_else(|panic| panic.resume())
    }

    /// Fetches, and ends the fetch.
    pub(super) async fn run(self, fetch: Fetch) -> Result<FetchResult, Panic> {
        let start = Instant::now();
        let outcome = catch_async(self.leader.run(self.limited(fetch))).await;
        self.end(outcome, start.elapsed())
    }

    async fn limited(&self, fetch: Fetch) -> FetchResult {
        let engine = self.engine;
        let Some(limit) = engine.policy.timeout else {
            return fetch.await;
        };
        tokio::time::timeout(limit, fetch).await.unwrap_or_else(|_| {
            Err(Failure::Resource(engine.error(format_args!("no answer after {limit:?}"))))
        })
    }

    fn end(
        self,
        outcome: Result<FetchResult, Panic>,
        time: Duration,
    ) -> Result<FetchResult, Panic> {
        let engine = self.engine;
        if self.number >= engine.first.load(Relaxed) {
            engine.counters.load_time.fetch_add(nanos(time), Relaxed);
            engine.counters.loads.fetch_add(1, Relaxed);
            engine
                .counters
                .load_errors
                .fetch_add(u64::from(!matches!(outcome, Ok(Ok(_)))), Relaxed);
        }
        // A panic is its starter's; dropping the claim sends the others on.
        let outcome = outcome?;
        let mut in_flight = engine.in_flight();
        let is_ours = |other: &InFlight| other.number == self.number;
        if in_flight.get(&self.key).is_some_and(is_ours) {
            in_flight.remove(&self.key);
            engine.ensure_ready(&self.key, self.started, &outcome);
        }
        drop(in_flight);
        self.leader.complete(match &outcome {
            Err(Failure::Error(_)) if !engine.shares_errors => SharedResult::Failed,
            outcome => SharedResult::Done(outcome.clone()),
        });
        Ok(outcome)
    }
}

impl<K: Key> Drop for FetchLeader<K> {
    fn drop(&mut self) {
        let mut in_flight = self.engine.in_flight();
        if in_flight.get(&self.key).is_some_and(|in_flight| in_flight.number == self.number) {
            in_flight.remove(&self.key);
        }
    }
}

/// A key's turn to be fetched again; over when it is dropped, done or not.
pub(super) struct Revalidation<K: Key> {
    pub(super) engine: &'static Engine<K>,
    pub(super) key: K,
}

impl<K: Key> Drop for Revalidation<K> {
    fn drop(&mut self) {
        self.engine.revalidating().remove(&self.key);
    }
}
