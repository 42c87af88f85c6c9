//! Panics of user code, caught and turned into values that carry the message and the source
//! location.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;

use futures_util::FutureExt;

use super::logging;

thread_local! {
    /// The last panic of this thread that the hook saw, until it is caught here.
    static LAST: RefCell<Option<Hooked>> = const { RefCell::new(None) };
}

struct Hooked {
    message: String,
    location: String,
}

/// A caught panic.
pub struct Panic {
    /// `None` once it is resumed.
    payload: Option<Box<dyn Any + Send>>,
    location: Option<String>,
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        // The panic that the hook saw last may be another one: user code may have caught it, and
        // `resume_unwind` calls no hook.
        let last = LAST.take().filter(|last| last.message == message(&*payload));
        Self { payload: Some(payload), location: last.map(|last| last.location) }
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        message(self.payload())
    }

    /// Returns the payload.
    pub(crate) fn payload(&self) -> &(dyn Any + Send) {
        match &self.payload {
            Some(payload) => &**payload,
            None => &(),
        }
    }

    /// Continues the panic on this thread.
    pub(crate) fn resume(mut self) -> ! {
        let message = self.message().to_owned();
        LAST.set(self.location.take().map(|location| Hooked { message, location }));
        resume_unwind(self.payload.take().unwrap_or_else(|| Box::new(())))
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take()
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
        {
            // The destructor of a payload panicked. There is no end to what that one's could do.
            std::mem::forget(payload);
        }
    }
}

/// The message of a panic's payload.
fn message<'a>(payload: &'a (dyn Any + 'static)) -> &'a str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match &self.location {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Panic {}

/// Calls `f` and catches its panic.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Awaits `future` and catches its panic.
pub(crate) async fn catch_async<F: Future>(future: F) -> Result<F::Output, Panic> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(Panic::new)
}

/// Drops a value of a user's type. A panic of its destructor is logged.
pub(crate) fn drop_caught<T>(value: T, what: &str) {
    if let Err(panic) = catch(|| drop(value)) {
        log_caught(|| tracing::error!(%panic, "panic while dropping {what}"));
    }
}

/// Writes to the log where a panic of a `tracing` layer must not pass.
pub(crate) fn log_caught(log: impl FnOnce()) {
    // A second log line about a log that panics would panic, too.
    let _ = catch(log);
}

/// Records the locations of panics from now on. The hook that was installed before still runs, unless
/// it is the one of the standard library, whose text is no line for a log of JSON documents.
pub(crate) fn record_locations() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        // There is none now, so this is that of the standard library.
        let default = std::panic::take_hook();
        let is_default = std::ptr::eq(&raw const *before, &raw const *default);
        std::panic::set_hook(Box::new(move |info| {
            let message = message(info.payload()).to_owned();
            let location = info.location().map(ToString::to_string).unwrap_or_default();
            let is_logged = logging::panic_as_json(&message, &location);
            LAST.set(Some(Hooked { message, location }));
            if !(is_logged && is_default) {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_location_are_kept() {
        record_locations();
        let panic = catch(|| panic!("no {}", "luck")).unwrap_err();
        assert!(panic.to_string().starts_with("no luck, at runtime/src/base/panic.rs:"), "{panic}");
        let panic = catch(|| std::panic::resume_unwind(Box::new(7))).unwrap_err();
        assert_eq!(panic.to_string(), "a panic without a message");
    }

    #[test]
    fn a_panic_has_no_location_of_another() {
        record_locations();
        let _ = catch_unwind(|| panic!("caught by user code"));
        let elsewhere = || std::panic::resume_unwind(Box::new("from another thread"));
        let panic = catch(elsewhere).unwrap_err();
        assert_eq!(panic.to_string(), "from another thread");
    }

    #[test]
    fn a_panicking_destructor_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("in a destructor");
            }
        }
        drop_caught(Bomb, "a value");
        let panic = catch(|| std::panic::panic_any(Bomb)).unwrap_err();
        drop(panic);
        log_caught(|| std::panic::panic_any(Bomb));
    }
}
