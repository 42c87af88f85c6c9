//! Panics of user code, turned into values: the message and the place.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;

use futures_util::FutureExt;

thread_local! {
    /// Where this thread panicked last. Taken by whoever catches the panic, on the same thread.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A caught panic.
pub(crate) struct Panic {
    pub(crate) payload: Box<dyn Any + Send>,
    place: Option<String>,
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        Self { payload, place: PLACE.take() }
    }

    /// The message of `panic!`.
    pub(crate) fn message(&self) -> &str {
        if let Some(text) = self.payload.downcast_ref::<&str>() {
            text
        } else if let Some(text) = self.payload.downcast_ref::<String>() {
            text
        } else {
            "a panic without a message"
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match &self.place {
            Some(place) => write!(f, ", at {place}"),
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

impl Panic {
    /// The panic as an error that can be shared. One that says that a resource is unavailable
    /// ([`crate::invocation::context::unavailable`]) is that error.
    pub(crate) fn into_error(self) -> crate::error::BoxError {
        match self.payload.downcast_ref::<crate::ResourceError>() {
            Some(error) => Box::new(error.clone()),
            None => crate::Error::msg(format_args!("panicked: {self}")).into(),
        }
    }
}

impl Panic {
    /// Panics again, on this thread, as the same panic.
    pub(crate) fn resume(self) -> ! {
        PLACE.set(self.place);
        resume_unwind(self.payload)
    }
}

/// Runs `f` and catches its panic.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// Runs `future` and catches its panic.
pub(crate) async fn catch_async<F: Future>(future: F) -> Result<F::Output, Panic> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(Panic::new)
}

/// Remembers from now on where a panic happened. The hook that was there before still runs.
pub(crate) fn remember_places() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(ToString::to_string));
            before(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_place_are_kept() {
        remember_places();
        let panic = catch(|| panic!("no {}", "luck")).unwrap_err();
        assert!(panic.to_string().starts_with("no luck, at runtime/src/panic.rs:"), "{panic}");
        let panic = catch(|| std::panic::resume_unwind(Box::new(7))).unwrap_err();
        assert_eq!(panic.to_string(), "a panic without a message");
    }
}
