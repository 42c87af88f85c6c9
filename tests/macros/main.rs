//! The attributes as a user writes them, in one process and without Lambda. Each test has resources
//! and counters of its own, since the statics are the process's.
// Parameters here name the resource's own type, as a reader looks for it.
#![allow(clippy::ptr_arg)]

mod cached;
mod handler;
mod init;
mod strict;

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

/// How often something happened.
struct Count(AtomicU32);

impl Count {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Counts, and gives the number of times so far.
    fn up(&self) -> u32 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    fn get(&self) -> u32 {
        self.0.load(SeqCst)
    }
}

/// An error with a cause.
#[derive(Clone, Debug, PartialEq)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl StdError for Refused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&fmt::Error)
    }
}

const CAUSE: &str = "an error occurred when formatting an argument";

/// So many calls, all begun and none done.
async fn waiting<F: Future>(count: usize, call: impl Fn() -> F) -> Vec<Pin<Box<F>>> {
    let mut calls: Vec<_> = (0..count).map(|_| Box::pin(call())).collect();
    poll_fn(|context| {
        for call in &mut calls {
            let is_done = call.as_mut().poll(context).is_ready();
            assert!(!is_done, "a call is done that should wait");
        }
        Poll::Ready(())
    })
    .await;
    calls
}

/// The outcomes of calls.
async fn all<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await);
    }
    outcomes
}

/// The message of a call's panic.
async fn panic_of<F>(call: F) -> String
where
    F: Future<Output: fmt::Debug + Send> + Send + 'static,
{
    let panic = tokio::spawn(call).await.unwrap_err().into_panic();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}
