//! What stands behind `#[init]` on a `static` whose initialiser does not await: a value that derefs,
//! built once and there for good.
//!
//! Two threads never build it at the same time. A panic of its initialiser is an error; an attempt
//! that fails leaves nothing behind but, with `retry_after`, its error.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cell::closed;
use crate::clock::{CLOCK, Tick};
use crate::erased::BoxFuture;
use crate::error::{BoxError, ResourceError, chain};
use crate::panic::{Panic, catch};
use crate::resource::{Kind, Node, Place, Standing};

/// A `static` that derefs to its value.
///
/// It builds it if INIT has not. If that fails, the use ends the invocation as
/// `ResourceUnavailable`, or panics outside of one; the next use tries again.
pub struct Fixed<T: 'static> {
    life: Life,
    build: fn() -> Result<T, BoxError>,
    close: Option<for<'a> fn(&'a T) -> BoxFuture<'a, ()>>,
    value: Once<T>,
}

/// A [`Fixed`] to those who do not know what is in it.
pub trait Value: Sync {
    /// Builds it if it is not built.
    fn settle(&self) -> Result<(), ResourceError>;
    /// Whether it is built.
    fn is_built(&self) -> bool;
    /// Closes it, if it is built.
    fn close(&'static self) -> Option<BoxFuture<'static, ()>>;
    /// Back to how the process started, for the next simulated container.
    #[cfg(feature = "testing")]
    fn reset(&self);
}

/// Its part in the container's life.
struct Life {
    name: &'static str,
    lazy: bool,
    retry_after: Option<Duration>,
    has_close: bool,
    /// A failed attempt, and until when it is remembered.
    failure: Mutex<Option<(ResourceError, Tick)>>,
    build_time: Mutex<Option<Duration>>,
    this: fn() -> &'static dyn Value,
}

impl<T: Send + Sync + 'static> Fixed<T> {
    /// Not built yet. `this` gives the static itself.
    pub const fn new(
        name: &'static str,
        build: fn() -> Result<T, BoxError>,
        this: fn() -> &'static dyn Value,
    ) -> Self {
        let life = Life {
            name,
            lazy: false,
            retry_after: None,
            has_close: false,
            failure: Mutex::new(None),
            build_time: Mutex::new(None),
            this,
        };
        Self { life, build, close: None, value: Once::new() }
    }

    /// Leaves it to the first use.
    pub const fn lazy(mut self) -> Self {
        self.life.lazy = true;
        self
    }

    /// Remembers a failed attempt this long.
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.life.retry_after = Some(pause);
        self
    }

    /// Closes it at SHUTDOWN.
    pub const fn close(mut self, close: for<'a> fn(&'a T) -> BoxFuture<'a, ()>) -> Self {
        self.close = Some(close);
        self.life.has_close = true;
        self
    }

    /// Its part in the container's life.
    pub const fn node(&'static self) -> &'static dyn Node {
        &self.life
    }

    /// The value, if it is built.
    pub fn peek(&self) -> Option<&T> {
        self.value.get()
    }

    #[cold]
    fn build(&self) -> Result<&T, ResourceError> {
        self.value.get_or_try_init(|| {
            self.life.remembered()?;
            let start = Instant::now();
            let built = catch(self.build).map_err(Panic::into_error).and_then(|built| built);
            let value = built.map_err(|source| self.life.failed(source))?;
            *locked(&self.life.build_time) = Some(start.elapsed());
            Ok(value)
        })
    }
}

impl Life {
    /// The error of a failed attempt, while it is remembered.
    fn remembered(&self) -> Result<(), ResourceError> {
        match &*locked(&self.failure) {
            Some((error, until)) if CLOCK.now() < *until => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: BoxError) -> ResourceError {
        let error = ResourceError::new(self.name, source);
        tracing::warn!(resource = self.name, error = chain(&error), "attempt failed");
        if let Some(pause) = self.retry_after {
            *locked(&self.failure) = Some((error.clone(), CLOCK.now().after(pause)));
        }
        error
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send + Sync + 'static> Deref for Fixed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        let value = match self.value.get() {
            Some(value) => Ok(value),
            None => self.build(),
        };
        value.unwrap_or_else(|error| crate::scope::unavailable(error))
    }
}

impl<T: Send + Sync + 'static> Place for Fixed<T> {
    type Held = Standing<T>;

    #[inline]
    fn ready(&'static self) -> Option<Standing<T>> {
        self.value.get().map(Standing)
    }

    async fn wait(&'static self) -> Result<Standing<T>, ResourceError> {
        self.life.settle().await?;
        self.build().map(Standing) // or rather takes what was built
    }

    fn node(&'static self) -> &'static dyn Node {
        &self.life
    }
}

impl<T: Send + Sync + 'static> Value for Fixed<T> {
    fn settle(&self) -> Result<(), ResourceError> {
        self.build().map(drop)
    }

    fn is_built(&self) -> bool {
        self.value.get().is_some()
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        let (close, value) = (self.close?, self.value.get()?);
        Some(Box::pin(closed(close(value))))
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.value.reset();
    }
}

impl Node for Life {
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
        u64::from((self.this)().is_built())
    }

    /// Does not block a thread that runs tasks.
    fn settle(&'static self) -> BoxFuture<'static, Result<(), ResourceError>> {
        Box::pin(async {
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                return (self.this)().settle();
            };
            match runtime.spawn_blocking(|| (self.this)().settle()).await {
                Ok(outcome) => outcome,
                // The runtime is being shut down, and this caller with it.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn build_time(&self) -> Option<Duration> {
        *locked(&self.build_time)
    }

    fn is_recoverable(&self) -> bool {
        self.retry_after.is_some()
    }

    fn has_close(&self) -> bool {
        self.has_close
    }

    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        (self.this)().close()
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        (self.this)().reset();
        *locked(&self.failure) = None;
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
