//! What stands behind `#[init]` on a `static` whose initialiser does not await: a value that derefs,
//! built once and there for good.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cell::{Close, closed};
use crate::clock::{CLOCK, Tick};
use crate::error::{BoxError, ResourceError, chain};
use crate::panic::catch;
use crate::resource::{BoxFuture, Kind, Node, Place};

/// A `static` that derefs to its value.
///
/// It builds it if INIT has not. If that fails, the use ends the invocation as
/// `ResourceUnavailable`, or panics outside of one; the next use tries again. Two threads never
/// build it at the same time.
pub struct Fixed<T: 'static> {
    name: &'static str,
    build: fn() -> Result<T, BoxError>,
    lazy: bool,
    retry_after: Option<Duration>,
    close: Option<Close<T>>,
    value: Once<T>,
    /// A failed attempt, and until when it is remembered.
    failure: Mutex<Option<(ResourceError, Tick)>>,
    build_time: Mutex<Option<Duration>>,
}

impl<T: Send + Sync + 'static> Fixed<T> {
    /// Not built yet.
    pub const fn new(name: &'static str, build: fn() -> Result<T, BoxError>) -> Self {
        Self {
            name,
            build,
            lazy: false,
            retry_after: None,
            close: None,
            value: Once::new(),
            failure: Mutex::new(None),
            build_time: Mutex::new(None),
        }
    }

    /// Leaves it to the first use.
    pub const fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }

    /// Remembers a failed attempt this long.
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Closes it at SHUTDOWN.
    pub const fn close(mut self, close: Close<T>) -> Self {
        self.close = Some(close);
        self
    }

    /// The value, if it is built.
    pub fn peek(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value. Builds it on this thread if it must.
    ///
    /// # Errors
    /// The error of the attempt, or of the last one while that is remembered.
    #[inline]
    pub fn force(&self) -> Result<&T, ResourceError> {
        match self.value.get() {
            Some(value) => Ok(value),
            None => self.build(),
        }
    }

    #[cold]
    fn build(&self) -> Result<&T, ResourceError> {
        self.value.get_or_try_init(|| {
            let failure = || self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((error, until)) = &*failure() {
                if CLOCK.now() < *until {
                    return Err(error.clone());
                }
            }
            let start = Instant::now();
            let built = catch(self.build).map_err(crate::panic::Panic::into_error);
            built
                .and_then(|built| built)
                .inspect(|_| {
                    let mut time = self.build_time.lock().unwrap_or_else(PoisonError::into_inner);
                    *time = Some(start.elapsed());
                })
                .map_err(|source| {
                    let error = ResourceError::new(self.name, source);
                    tracing::warn!(resource = self.name, error = chain(&error), "attempt failed");
                    if let Some(pause) = self.retry_after {
                        *failure() = Some((error.clone(), CLOCK.now().after(pause)));
                    }
                    error
                })
        })
    }
}

impl<T: Send + Sync + 'static> Deref for Fixed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self.force() {
            Ok(value) => value,
            Err(error) => crate::scope::unavailable(error),
        }
    }
}

impl<T: Send + Sync + 'static> Place for Fixed<T> {
    type Held = &'static T;

    /// Does not block a thread that runs tasks.
    async fn hold(&'static self) -> Result<&'static T, ResourceError> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.force();
        };
        match runtime.spawn_blocking(|| self.force()).await {
            Ok(outcome) => outcome,
            // The runtime is being shut down, and this caller with it.
            Err(_) => std::future::pending().await,
        }
    }
}

impl<T: Send + Sync + 'static> Node for Fixed<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn depth(&self) -> usize {
        0
    }

    fn kind(&self) -> Kind {
        if self.lazy { Kind::Lazy } else { Kind::Computing }
    }

    fn generation(&self) -> u64 {
        u64::from(self.value.get().is_some())
    }

    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>> {
        Box::pin(async { self.hold().await.map(drop) })
    }

    fn build_time(&self) -> Option<Duration> {
        *self.build_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_recoverable(&self) -> bool {
        self.retry_after.is_some()
    }

    fn has_close(&self) -> bool {
        self.close.is_some()
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        let (close, value) = (self.close?, self.value.get()?);
        Some(Box::pin(closed(async move { close(value).await })))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.value.reset();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A cell that is written once.
#[cfg(not(feature = "testing"))]
type Once<T> = once_cell::sync::OnceCell<T>;

/// A cell that is written once in each simulated container. What was in it is leaked, since there
/// may be references to it for ever: that is why no build but a test's has this.
#[cfg(feature = "testing")]
struct Once<T: 'static>(Mutex<Option<&'static T>>, Mutex<()>);

#[cfg(feature = "testing")]
impl<T: 'static> Once<T> {
    const fn new() -> Self {
        Self(Mutex::new(None), Mutex::new(()))
    }

    fn get(&self) -> Option<&'static T> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get_or_try_init<E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<&'static T, E> {
        let _one_at_a_time = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let value: &'static T = Box::leak(Box::new(init()?));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(value)
    }

    fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
