//! The lock of the simulated container. Its state is in statics, so that a process has one at a
//! time.

use std::sync::PoisonError;
use std::thread::{self, ThreadId};

use tokio::sync::{Mutex, MutexGuard};
use tokio::task;

static LOCK: Mutex<()> = Mutex::const_new(());

/// The user of the container: the one that holds the lock, or that used the container last.
static HOLDER: std::sync::Mutex<Option<Holder>> = std::sync::Mutex::new(None);

/// A task, or the thread of a test's main future, which is not a task.
#[derive(Clone, Copy, PartialEq)]
enum Holder {
    Task(task::Id),
    Thread(ThreadId),
}

impl Holder {
    fn current() -> Self {
        task::try_id().map_or_else(|| Self::Thread(thread::current().id()), Self::Task)
    }
}

fn holder() -> std::sync::MutexGuard<'static, Option<Holder>> {
    HOLDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds the lock until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Lock {
    /// Acquires the lock.
    ///
    /// # Panics
    /// If the caller holds it, since it would wait for itself.
    pub(super) async fn acquire() -> Self {
        let is_held = *holder() == Some(Holder::current());
        assert!(
            !is_held,
            "this test already holds a simulated container, and a process has one at a time: drop \
             it, or call its `shutdown`, before starting the next"
        );
        let lock = Self(LOCK.lock().await);
        lock.set_holder();
        lock
    }

    /// Records the caller as the holder. A container may move to another task.
    pub(super) fn set_holder(&self) {
        *holder() = Some(Holder::current());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        *holder() = None;
    }
}
