//! Whose turn it is: the statics of a process are one container's at a time, and others wait.

use std::sync::PoisonError;
use std::thread::{self, ThreadId};

use tokio::sync::{Mutex, MutexGuard};
use tokio::task;

static TURN: Mutex<()> = Mutex::const_new(());

/// Who used the container last.
static HOLDER: std::sync::Mutex<Option<Who>> = std::sync::Mutex::new(None);

/// A task, or the thread of a test's own future, which is none.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Task(task::Id),
    Thread(ThreadId),
}

impl Who {
    fn me() -> Self {
        task::try_id().map_or_else(|| Self::Thread(thread::current().id()), Self::Task)
    }
}

fn holder() -> std::sync::MutexGuard<'static, Option<Who>> {
    HOLDER.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Lock(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Lock {
    /// # Panics
    /// If the caller has it, who would wait for ever.
    pub(super) async fn take() -> Self {
        let mine = *holder() == Some(Who::me());
        assert!(
            !mine,
            "this test already holds a simulated container, and there is one at a time in a \
             process: drop it, or end it with `shutdown`, before the next"
        );
        let turn = Self(TURN.lock().await);
        turn.used();
        turn
    }

    /// A container may have been handed on.
    pub(super) fn used(&self) {
        *holder() = Some(Who::me());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        *holder() = None;
    }
}
