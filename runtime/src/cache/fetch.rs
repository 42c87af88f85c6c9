//! A fetch: the one of its key, in a task of its own, and what becomes of its outcome.

use std::fmt::Display;
use std::future::pending;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tracing::Instrument;

use super::Cache;
use super::answer::{Answer, Failure, Fetch, Landing, SharedError};
use super::key::{Key, Owned, Value};
use super::store::Store;
use crate::clock::{CLOCK, Tick, nanos};
use crate::error::ResourceError;
use crate::flight::{Flight, Pilot};
use crate::panic::{Panic, catch_async};
use crate::scope::carried;

/// The fetch of one key.
pub(super) struct Underway<V, E> {
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) flight: Flight<Landing<V, E>>,
}

/// What a caller without an answer does next.
pub(super) enum Next<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> {
    Use(Answer<V, E>),
    Join(Flight<Landing<V, E>>),
    Fetch(Claim<K, V, E, S>),
}

/// The right and the duty to end a fetch. Dropped on the way, it leaves nothing behind.
pub(super) struct Claim<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> {
    pub(super) cache: &'static Cache<K, V, E, S>,
    pub(super) key: K,
    pub(super) number: u64,
    pub(super) started: Tick,
    pub(super) pilot: Pilot<Landing<V, E>>,
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> Claim<K, V, E, S> {
    /// Fetches in a task of its own; without a runtime, here.
    pub(super) async fn fetch(self, fetch: Fetch<V, E>) -> Result<V, Failure<E>> {
        let _waiting = self.pilot.awaited();
        // What it defers, and the time that it has, are those of the invocation that starts it.
        let run = carried(self.run(fetch)).in_current_span();
        let outcome = match tokio::runtime::Handle::try_current() {
            Err(_) => run.await,
            Ok(runtime) => match runtime.spawn(run).await {
                Ok(outcome) => outcome,
                // The runtime is being shut down, and this caller with it.
                Err(_) => pending().await,
            },
        };
        outcome.unwrap_or_else(|panic| panic.resume())
    }

    /// Fetches, and ends the fetch.
    pub(super) async fn run(self, fetch: Fetch<V, E>) -> Result<Result<V, Failure<E>>, Panic> {
        let start = Instant::now();
        let fetch = self.pilot.fly(self.cache.limited(fetch));
        let outcome = catch_async(fetch).await;
        self.end(outcome, start.elapsed())
    }

    fn end(
        self,
        outcome: Result<Result<V, Failure<E>>, Panic>,
        time: Duration,
    ) -> Result<Result<V, Failure<E>>, Panic> {
        let cache = self.cache;
        if self.number >= cache.first.load(Relaxed) {
            cache.counters.load_time.fetch_add(nanos(time), Relaxed);
            cache.counters.loads.fetch_add(1, Relaxed);
            cache.counters.load_errors.fetch_add(u64::from(!matches!(outcome, Ok(Ok(_)))), Relaxed);
        }
        // A panic is its starter's; dropping the claim sends the others on.
        let outcome = outcome?;
        let mut underway = cache.underway();
        let registered =
            underway.get(&self.key).is_some_and(|underway| underway.number == self.number);
        if registered {
            underway.remove(&self.key);
        }
        let (outcome, landing) = match outcome {
            Ok(value) => {
                let ttl = match (cache.facts.is_none)(&value) {
                    true => cache.policy.negative_ttl,
                    false => cache.policy.ttl,
                };
                if registered && ttl == 0 {
                    cache.store.remove(&Owned(&self.key));
                } else if registered {
                    let answer = Answer::Value(value.clone());
                    cache.keep(self.key.clone(), self.started, answer, ttl);
                }
                (Ok(value.clone()), Landing::Value(value))
            }
            Err(Failure::Error(error)) => match cache.facts.clone_error {
                Some(clone) => {
                    let shared = SharedError::new(error, clone);
                    let negative = cache.policy.negative_ttl;
                    if registered && negative > 0 && !cache.may_be_stale(&self.key) {
                        let answer = Answer::Error(shared.clone());
                        cache.keep(self.key.clone(), self.started, answer, negative);
                    }
                    (Err(Failure::Error(shared.get())), Landing::Error(shared))
                }
                None => (Err(Failure::Error(error)), Landing::Failed),
            },
            Err(Failure::Resource(error)) => {
                (Err(Failure::Resource(error.clone())), Landing::Resource(error))
            }
        };
        drop(underway);
        self.pilot.land(landing);
        Ok(outcome)
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> Drop for Claim<K, V, E, S> {
    fn drop(&mut self) {
        let mut underway = self.cache.underway();
        if underway.get(&self.key).is_some_and(|underway| underway.number == self.number) {
            underway.remove(&self.key);
        }
    }
}

impl<K: Key, V: Value, E: Send + 'static, S: Store<K, V, E>> Cache<K, V, E, S> {
    async fn limited(&self, fetch: Fetch<V, E>) -> Result<V, Failure<E>> {
        let Some(limit) = self.policy.timeout else {
            return fetch.await;
        };
        tokio::time::timeout(limit, fetch).await.unwrap_or_else(|_| {
            Err(Failure::Resource(self.error(format_args!("no answer after {limit:?}"))))
        })
    }

    /// Why there is no answer, where it is not the function that says so.
    pub(super) fn error(&self, message: impl Display) -> ResourceError {
        let message = crate::Error::msg(message.to_string());
        ResourceError::new(self.policy.name, message.into())
    }

    /// Whether the kept value is still good for `stale_if_error`.
    fn may_be_stale(&self, key: &K) -> bool {
        self.store.find(&Owned(key)).is_some_and(|found| {
            let entry = found.as_ref();
            matches!(entry.answer, Answer::Value(_))
                && CLOCK.now() < self.usable_until(entry, self.policy.stale_if_error)
        })
    }
}

/// A key's turn to be fetched again; over when it is dropped, done or not.
pub(super) struct Revalidation<K: Key, V: 'static, E: 'static, S: 'static> {
    pub(super) cache: &'static Cache<K, V, E, S>,
    pub(super) key: K,
}

impl<K: Key, V, E, S> Drop for Revalidation<K, V, E, S> {
    fn drop(&mut self) {
        let set = self.cache.revalidating.lock();
        set.unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
