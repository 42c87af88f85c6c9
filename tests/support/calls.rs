//! Calls of resources and cached functions, and an error for them to return.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

/// A counter.
#[derive(Debug)]
pub struct Count(AtomicU32);

impl Count {
    /// A counter at 0.
    #[expect(clippy::new_without_default, reason = "a static needs a const function")]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Increments the counter and returns its new value.
    pub fn up(&self) -> u32 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    /// The value of the counter.
    pub fn get(&self) -> u32 {
        self.0.load(SeqCst)
    }
}

/// An error with a cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused;

impl Refused {
    /// The text of its cause.
    pub const CAUSE: &str = "an error occurred when formatting an argument";
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

/// Starts `count` calls and polls each once.
///
/// # Panics
/// If a call completes.
pub async fn waiting<F: Future>(count: usize, call: impl Fn() -> F) -> Vec<Pin<Box<F>>> {
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

/// Awaits calls sequentially and returns their outputs.
pub async fn all<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut outputs = Vec::new();
    for call in calls {
        outputs.push(call.await);
    }
    outputs
}

/// The message of a call's panic.
///
/// # Panics
/// If the call returns.
pub async fn panic_of<F>(call: F) -> String
where
    F: Future<Output: fmt::Debug + Send> + Send + 'static,
{
    let panic = tokio::spawn(call).await.expect_err("a panic").into_panic();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().expect("a message").to_string(),
    }
}
