//! A fetch: the one of its key, in a task of its own, and what becomes of its outcome.

use std::future::pending;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tracing::Instrument;

use super::answer::{Failure, Fetch, Landing, Outcome};
use super::desk::Desk;
use super::key::Key;
use crate::clock::{Tick, nanos};
use crate::erased::BoxFuture;
use crate::flight::{Flight, Pilot};
use crate::panic::{Panic, catch_async};
use crate::scope::carried;

/// The fetch of one key.
pub(super) struct Underway {
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) flight: Flight<Landing>,
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
pub(super) enum Next<K: Key> {
    Use(Outcome),
    Join(Flight<Landing>),
    Fetch(Claim<K>),
}

/// The right and the duty to end a fetch. Dropped on the way, it leaves nothing behind.
pub(super) struct Claim<K: Key> {
    pub(super) desk: &'static Desk<K>,
    pub(super) key: K,
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) pilot: Pilot<Landing>,
}

impl<K: Key> Claim<K> {
    /// Fetches; without a tokio runtime, here in any case.
    pub(super) async fn fetch(self, fetch: Fetch, runs: Runs) -> Outcome {
        let _waiting = self.pilot.awaited();
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
    pub(super) async fn run(self, fetch: Fetch) -> Result<Outcome, Panic> {
        let start = Instant::now();
        let outcome = catch_async(self.pilot.fly(self.limited(fetch))).await;
        self.end(outcome, start.elapsed())
    }

    async fn limited(&self, fetch: Fetch) -> Outcome {
        let desk = self.desk;
        let Some(limit) = desk.policy.timeout else {
            return fetch.await;
        };
        tokio::time::timeout(limit, fetch).await.unwrap_or_else(|_| {
            Err(Failure::Resource(desk.error(format_args!("no answer after {limit:?}"))))
        })
    }

    fn end(self, outcome: Result<Outcome, Panic>, time: Duration) -> Result<Outcome, Panic> {
        let desk = self.desk;
        if self.number >= desk.first.load(Relaxed) {
            desk.counters.load_time.fetch_add(nanos(time), Relaxed);
            desk.counters.loads.fetch_add(1, Relaxed);
            desk.counters.load_errors.fetch_add(u64::from(!matches!(outcome, Ok(Ok(_)))), Relaxed);
        }
        // A panic is its starter's; dropping the claim sends the others on.
        let outcome = outcome?;
        let mut underway = desk.underway();
        let is_ours = |other: &Underway| other.number == self.number;
        if underway.get(&self.key).is_some_and(is_ours) {
            underway.remove(&self.key);
            desk.settle(&self.key, self.started, &outcome);
        }
        drop(underway);
        self.pilot.land(match &outcome {
            Err(Failure::Error(_)) if !desk.shares_errors => Landing::Failed,
            outcome => Landing::Done(outcome.clone()),
        });
        Ok(outcome)
    }
}

impl<K: Key> Drop for Claim<K> {
    fn drop(&mut self) {
        let mut underway = self.desk.underway();
        if underway.get(&self.key).is_some_and(|underway| underway.number == self.number) {
            underway.remove(&self.key);
        }
    }
}

/// A key's turn to be fetched again; over when it is dropped, done or not.
pub(super) struct Revalidation<K: Key> {
    pub(super) desk: &'static Desk<K>,
    pub(super) key: K,
}

impl<K: Key> Drop for Revalidation<K> {
    fn drop(&mut self) {
        self.desk.revalidating().remove(&self.key);
    }
}
