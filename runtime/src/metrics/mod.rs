//! What happens in a container's life, as plain data, and who is told.
//!
//! Three sinks are built in: the log (`tracing`), CloudWatch's embedded metric format where
//! `#[handler(namespace = "Shop")]` asks for it, and the facade of the crate `metrics` with the
//! feature of that name. A function adds its own with [`install`].
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
//! Nothing is put together for an event that nobody takes.

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
use crate::base::panic::catch;
use crate::container::counters::{Counters, each_counter};
use crate::container::snapshot::{ResourceSnapshot, Start};

/// Something that happened in the life of this container.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// INIT is over, or what a SnapStart restore had to do.
    Init(Init),
    /// An invocation is over, with all that it deferred. A warm-up ping is none.
    Invocation(Invocation),
    /// A cache was used since it was last told of.
    Cache(Cache),
    /// How the container is doing: after every `report_every` invocations, and at SHUTDOWN.
    Report(Report),
    /// SHUTDOWN: everything is closed.
    Shutdown(Shutdown),
}

/// INIT, or what a SnapStart restore had to do, is over.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Init {
    /// [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// [`Container::start`](crate::Container::start).
    pub start: Start,
    /// Whether this is a restore, and not INIT.
    pub restore: bool,
    /// How long it took.
    pub duration: Duration,
    /// The resources that were made usable, in the order in which they were.
    pub resources: Vec<ResourceSnapshot>,
    /// Those that could not be, by name.
    pub failed: Vec<&'static str>,
    /// Those that were still being built when INIT's time was up, by name.
    pub carried: Vec<&'static str>,
}

/// An invocation is over.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Invocation {
    /// The name of the handler.
    pub handler: &'static str,
    /// What Lambda calls this invocation.
    pub request_id: String,
    /// [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// [`Container::start`](crate::Container::start).
    pub start: Start,
    /// 1 for the container's first.
    pub number: u64,
    /// Whether it was the container's first and its caller waited for INIT.
    pub cold_start: bool,
    /// When it was over.
    pub ended: SystemTime,
    /// From the event to the answer. What was deferred is no part of it.
    pub duration: Duration,
    /// How long INIT took, or in a restored container what the restore had to do: in the first
    /// invocation after it.
    pub init_duration: Option<Duration>,
    /// From the end of the last invocation to the start of this one; `None` in the first, and where
    /// another was still running.
    pub idle_gap: Option<Duration>,
    /// [`Container::age`](crate::Container::age).
    pub container_age: Duration,
    /// The error type, as Lambda shows it, of an invocation that failed.
    pub error: Option<String>,
    /// Whether it failed because Lambda's deadline came near.
    pub deadline_exceeded: bool,
    /// Calls that all caches together answered since the last of these events. Where several
    /// invocations run at a time, sums are right and one invocation's share is not known.
    pub cache_hits: u64,
    /// Calls that had to fetch, in the same time.
    pub cache_misses: u64,
    /// Calls answered with a value past its TTL, in the same time.
    pub cache_stale_hits: u64,
}

/// A cache was used.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Cache {
    /// The name of the function.
    pub name: &'static str,
    /// What it counted since it was last told of. `entries` are those that it keeps now.
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
            /// A report with these counters, and nothing else in it yet.
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

/// SHUTDOWN: everything is closed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Shutdown {
    /// [`Container::id`](crate::Container::id).
    pub container_id: String,
    /// [`Container::age`](crate::Container::age).
    pub uptime: Duration,
    /// How long closing took.
    pub duration: Duration,
    /// The resources that were not closed in time, by name.
    pub unclosed: Vec<&'static str>,
}

/// Takes events.
///
/// It is called on the thread on which the event happened, on several at a time where invocations
/// run so. Of an invocation it hears after the response and before the next event is asked for, when
/// the invocation's span is over. No lock is held meanwhile, so that it may ask
/// [`container`](crate::container()). A panic in it is logged once and harms nothing.
///
/// An `Arc`, a `Box` or a `&'static` of a sink is one, too: who keeps a clone of the `Arc` can look
/// at what the sink has gathered.
pub trait Sink: Send + Sync + 'static {
    /// Takes one event.
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

/// A sink that is never called but with its panics caught.
struct Guarded<S: ?Sized> {
    has_panicked: AtomicBool,
    sink: S,
}

impl<S> Guarded<S> {
    const fn new(sink: S) -> Self {
        Self { has_panicked: AtomicBool::new(false), sink }
    }
}

impl Guarded<dyn Sink> {
    fn tell(&self, event: &Event) {
        let Err(panic) = catch(|| self.sink.record(event)) else {
            return;
        };
        if !self.has_panicked.swap(true, Relaxed) {
            // It may be the log that panics.
            let log = || tracing::error!(%panic, "a metrics sink panicked; this is logged once");
            let _ = catch(log);
        }
    }
}

static BUILT_IN: &[&Guarded<dyn Sink>] = &[
    #[cfg(feature = "metrics")]
    &facade::SINK,
    &log::SINK,
];

static INSTALLED: ArcSwapOption<Vec<Arc<Guarded<dyn Sink>>>> = ArcSwapOption::const_empty();

/// Tells a sink, beside all others, what happens from now on: of INIT if it is installed before
/// `run()`, and of every invocation that begins after this. Each call adds one, for good.
pub fn install(sink: impl Sink) {
    let sink: Arc<Guarded<dyn Sink>> = Arc::new(Guarded::new(sink));
    INSTALLED.rcu(|before| {
        let mut all = before.as_deref().cloned().unwrap_or_default();
        all.push(Arc::clone(&sink));
        Some(Arc::new(all))
    });
}

/// Whether an event that the log has at this level is of use to anybody.
pub(crate) fn wanted(level: tracing::Level) -> bool {
    cfg!(feature = "metrics") || INSTALLED.load().is_some() || log::takes(level)
}

/// Tells all sinks.
pub(crate) fn emit(event: &Event) {
    BUILT_IN.iter().for_each(|sink| sink.tell(event));
    if let Some(installed) = INSTALLED.load_full() {
        installed.iter().for_each(|sink| sink.tell(event));
    }
}

/// As CloudWatch and the log have it.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}
