//! The events of a container as plain data, and the sinks that receive them.
//!
//! Three sinks are built in:
//!
//! - the log, by `tracing`;
//! - CloudWatch's embedded metric format, with the option `namespace` of `#[handler]`;
//! - the facade of the crate `metrics`, with the feature `metrics`.
//!
//! A function adds further sinks with [`install`]:
//!
//! ```standalone_crate
//! use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! use std::time::Duration;
//! use rewarm::handler;
//! use rewarm::metrics::{Event, Sink, install};
//!
//! static SLOW: AtomicU64 = AtomicU64::new(0);
//!
//! struct Slow;
//!
//! impl Sink for Slow {
//!     fn record(&self, event: &Event) {
//!         if let Event::Invocation(invocation) = event {
//!             SLOW.fetch_add((invocation.duration > Duration::from_secs(1)).into(), Relaxed);
//!         }
//!     }
//! }
//!
//! #[handler]
//! async fn hello(name: String) -> String {
//!     format!("Hello, {name}")
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     install(Slow);
//!     # if true { return std::process::ExitCode::SUCCESS }
//!     hello::run()
//! }
//! ```
//!
//! An event that no sink receives is not built.

pub(crate) mod emf;
#[cfg(feature = "metrics")]
mod facade;
pub(crate) mod log;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use serde::Serialize;

use crate::base::counters::Stats;
use crate::base::panic::{catch, log_caught};
use crate::container::counters::{Counters, each_counter};
use crate::container::snapshot::{ResourceSnapshot, Start};

/// An event in the life of this container.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// INIT ended, or the work after a SnapStart restore.
    Init(Init),
    /// An invocation ended, its deferred work included. A warm-up ping has no event.
    Invocation(Invocation),
    /// The statistics of a cache that was used since its last event. Sent before the
    /// [`Invocation`](Event::Invocation) event.
    Cache(Cache),
    /// A report of the container, after every `report_every` invocations and at SHUTDOWN.
    Report(Report),
    /// SHUTDOWN ended.
    Shutdown(Shutdown),
}

/// The result of INIT, or of the work after a SnapStart restore.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Init {
    /// See [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// See [`Container::start`](crate::Container::start).
    pub start: Start,
    /// True for a restore, false for INIT.
    pub restore: bool,
    /// The duration of INIT, or of the work after the restore.
    pub duration: Duration,
    /// The resources that are ready, in the order in which they became ready.
    pub resources: Vec<ResourceSnapshot>,
    /// The names of the resources that failed.
    pub failed: Vec<&'static str>,
    /// The names of the resources that were still being built at the end of INIT's time budget.
    /// They are carried into the first invocation.
    pub carried: Vec<&'static str>,
}

/// The result and the measurements of an invocation.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Invocation {
    /// The name of the handler.
    pub handler: &'static str,
    /// The request id of the invocation.
    pub request_id: String,
    /// See [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// See [`Container::start`](crate::Container::start).
    pub start: Start,
    /// The number of the invocation in its container, from 1.
    pub number: u64,
    /// True for the first invocation of a container whose caller waited for INIT.
    pub cold_start: bool,
    /// The wall-clock time of this event, after the deferred work.
    pub ended: SystemTime,
    /// The time from the event to the end of the handler, or of the body of a streamed response.
    /// Deferred work is not included.
    pub duration: Duration,
    /// The duration of INIT, or of the work after a restore, in the first invocation that ends
    /// after it; `None` in all others.
    pub init_duration: Option<Duration>,
    /// The time from the end of the last invocation to the start of this one; `None` in the first
    /// invocation, in the first after a restore, and if another was still running.
    pub idle_gap: Option<Duration>,
    /// See [`Container::age`](crate::Container::age).
    pub container_age: Duration,
    /// The [error type](crate::InvocationError::error_type) of a failed invocation.
    pub error: Option<String>,
    /// True if the invocation was cancelled because Lambda's deadline was near.
    pub deadline_exceeded: bool,
    /// The [`hits`](Stats::hits) of all caches since the last `Invocation` event. Where invocations
    /// run concurrently, the sum over all events is exact, but a single event may count hits of
    /// another invocation.
    pub cache_hits: u64,
    /// The [`misses`](Stats::misses) of all caches in the same time.
    pub cache_misses: u64,
    /// The [`stale_hits`](Stats::stale_hits) of all caches in the same time.
    pub cache_stale_hits: u64,
    /// The [`store_hits`](Stats::store_hits) of all caches in the same time.
    pub store_hits: u64,
    /// The [`store_errors`](Stats::store_errors) of all caches in the same time.
    pub store_errors: u64,
}

/// The statistics of a cache since its last event.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Cache {
    /// The name of the cached function.
    pub name: &'static str,
    /// The difference since the last event of this cache. `entries` is the current number.
    #[serde(flatten)]
    pub stats: Stats,
}

macro_rules! define_report {
    ($($(#[$doc:meta])+ $name:ident)+) => {
        /// A report of the container.
        #[derive(Clone, Debug, Serialize)]
        #[non_exhaustive]
        pub struct Report {
            /// See [`Container::id`](crate::Container::id).
            pub container_id: String,
            /// See [`Container::start`](crate::Container::start).
            pub start: Start,
            /// See [`Container::age`](crate::Container::age).
            pub uptime: Duration,
            $($(#[$doc])+ pub $name: u64,)+
            /// The percentage of invocations that failed, from 0 to 100.
            pub error_rate_percent: f64,
        }

        impl Report {
            /// Returns a report with these counters. The other fields are not set yet.
            pub(crate) fn of(counters: Counters) -> Self {
                Self {
                    container_id: String::new(),
                    start: Start::Local,
                    uptime: Duration::ZERO,
                    $($name: counters.$name,)+
                    error_rate_percent: counters.error_rate() * 100.0,
                }
            }
        }
    };
}
each_counter!(define_report);

/// The result of SHUTDOWN.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Shutdown {
    /// See [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// See [`Container::age`](crate::Container::age).
    pub uptime: Duration,
    /// The duration of all `close` hooks.
    pub duration: Duration,
    /// The names of the resources that were not closed in time.
    pub unclosed: Vec<&'static str>,
}

/// Receives events.
///
/// - **Threads**: a sink is called on the thread of the event, and concurrently where invocations
///   run concurrently.
/// - **Order**: it receives an invocation after the response has been sent and the invocation's
///   span has ended, before the next event is polled. A sink that blocks delays the next
///   invocation.
/// - **Locks**: none is held, so that a sink may call [`container`](crate::container()).
/// - **Panics** are caught. The first panic of each sink is logged.
///
/// An `Arc`, a `Box` and a `&'static` reference of a sink are sinks, too. With a clone of the
/// `Arc`, the program reads the data that the sink has collected:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use rewarm::metrics::{Event, Sink, install};
///
/// #[derive(Default)]
/// struct Durations(Mutex<Vec<std::time::Duration>>);
///
/// impl Sink for Durations {
///     fn record(&self, event: &Event) {
///         if let Event::Invocation(invocation) = event {
///             self.0.lock().unwrap().push(invocation.duration);
///         }
///     }
/// }
///
/// let durations = Arc::new(Durations::default());
/// install(Arc::clone(&durations));
/// assert!(durations.0.lock().unwrap().is_empty());
/// ```
pub trait Sink: Send + Sync + 'static {
    /// Receives one event.
    fn record(&self, event: &Event);
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn record(&self, event: &Event) {
        (**self).record(event);
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn record(&self, event: &Event) {
        (**self).record(event);
    }
}

impl<S: Sink + ?Sized> Sink for &'static S {
    fn record(&self, event: &Event) {
        (**self).record(event);
    }
}

/// Calls a sink and catches its panics.
struct PanicGuarded<S: ?Sized> {
    has_panicked: AtomicBool,
    sink: S,
}

impl<S> PanicGuarded<S> {
    const fn new(sink: S) -> Self {
        Self { has_panicked: AtomicBool::new(false), sink }
    }
}

impl PanicGuarded<dyn Sink> {
    fn emit(&self, event: &Event) {
        let Err(panic) = catch(|| self.sink.record(event)) else {
            return;
        };
        if !self.has_panicked.swap(true, Relaxed) {
            log_caught(|| {
                tracing::error!(%panic, "a metrics sink panicked; further panics are not logged");
            });
        }
    }
}

static BUILT_IN: &[&PanicGuarded<dyn Sink>] = &[
    #[cfg(feature = "metrics")]
    &facade::SINK,
    &log::SINK,
];

static INSTALLED: ArcSwapOption<Vec<Arc<PanicGuarded<dyn Sink>>>> = ArcSwapOption::const_empty();

/// Adds a sink to those that receive the events of this process.
///
/// A sink that is installed before `run()` receives the [`Init`] event and all later events. A sink
/// that is installed later receives the invocations that begin after this call. Sinks are not
/// removed, and a sink that is installed twice receives every event twice. See the
/// [module](self) for an example.
pub fn install(sink: impl Sink) {
    let sink: Arc<PanicGuarded<dyn Sink>> = Arc::new(PanicGuarded::new(sink));
    INSTALLED.rcu(|before| {
        let mut sinks = before.as_deref().cloned().unwrap_or_default();
        sinks.push(Arc::clone(&sink));
        Some(Arc::new(sinks))
    });
}

/// True if a sink receives an event that the log has at this level.
pub(crate) fn wanted(level: tracing::Level) -> bool {
    cfg!(feature = "metrics") || INSTALLED.load().is_some() || log::is_enabled(level)
}

/// Sends an event to all sinks.
pub(crate) fn emit(event: &Event) {
    BUILT_IN.iter().for_each(|sink| sink.emit(event));
    if let Some(installed) = INSTALLED.load_full() {
        installed.iter().for_each(|sink| sink.emit(event));
    }
}

/// Converts a time to milliseconds with a precision of microseconds.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
