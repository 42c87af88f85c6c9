//! A library that a function uses, with a resource and with state of its own.

use rewarm::{cached, init};

/// The greeting.
#[init(lazy)]
pub async fn greeting() -> String {
    "Hello".to_owned()
}

/// A queue, which only some of the functions that use this library need.
#[init]
pub async fn queue() -> String {
    "jobs".to_owned()
}

/// A queue that only `jobs` needs.
#[init]
pub async fn backlog() -> usize {
    3
}

/// The number of jobs.
#[cached(ttl = "1h")]
pub async fn jobs(#[from] backlog: &usize) -> usize {
    *backlog
}

/// What puts jobs into the queue.
#[init]
pub async fn producer(queue: std::sync::Arc<String>) -> usize {
    queue.len()
}

/// The number of calls of [`count`].
static mut CALLS: u32 = 0;

/// Counts.
pub fn count() {
    // SAFETY: the tests call it on one thread.
    unsafe { CALLS += 1 }
}

/// The number of calls of [`count_as_meant`].
static mut MEANT: u32 = 0;
rewarm::private::excused!(MEANT);

/// Counts, which is meant to be shared.
pub fn count_as_meant() {
    // SAFETY: the tests call it on one thread.
    unsafe { MEANT += 1 }
}
