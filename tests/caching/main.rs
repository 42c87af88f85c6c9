//! `#[cached]`: one file per option or rule.
// Parameters here have the type of the resource itself.
#![allow(clippy::ptr_arg)]

mod allocations;
mod clones;
mod controls;
mod drops;
mod errors;
mod injection;
mod invocation;
mod jitter;
mod key;
mod lifetime;
mod max_entries;
mod model;
mod negative_ttl;
mod recursion;
mod single_flight;
mod stale_if_error;
mod stale_if_slow;
mod stale_while_revalidate;
mod timeout;
mod ttl;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use rewarm::{Error, InvocationError, cached, handler, init};
use rewarm_tests::turns::{outside_containers, outside_containers_blocking, simulation};
use rewarm_tests::{Count, Refused, all, panic_of, runs_all, waiting};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A service whose fetches are numbered, and fail while the test says so.
struct Backend {
    fetches: AtomicU64,
    is_broken: AtomicBool,
}

impl Backend {
    const fn new() -> Self {
        Self { fetches: AtomicU64::new(0), is_broken: AtomicBool::new(false) }
    }

    fn fetch(&self) -> Result<u64, Error> {
        let n = self.fetches.fetch_add(1, SeqCst) + 1;
        match self.is_broken.load(SeqCst) {
            true => Err(Error::msg(format_args!("fetch {n} failed"))),
            false => Ok(n),
        }
    }

    fn fetches(&self) -> u64 {
        self.fetches.load(SeqCst)
    }

    fn is_broken(&self, broken: bool) {
        self.is_broken.store(broken, SeqCst);
    }

    /// Sets it back to the state before the first test.
    fn reset(&self) {
        self.fetches.store(0, SeqCst);
        self.is_broken.store(false, SeqCst);
    }
}

/// The fetched number in a response, or 0 for `null`.
fn number(response: Result<Value, InvocationError>) -> Result<u64, String> {
    match response {
        Ok(value) => Ok(value.as_u64().unwrap_or(0)),
        Err(error) => Err(error.error_message),
    }
}
