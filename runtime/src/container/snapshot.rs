//! The container's record as plain data: what a snapshot has, and what metrics tell.

use std::time::Duration;

use serde::Serialize;

use crate::base::counters::Stats;
use crate::container::counters::{Counters, each_counter};
use crate::resource::RegistryEntry;

/// The way in which a container was started: `AWS_LAMBDA_INITIALIZATION_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
#[non_exhaustive]
pub enum Start {
    /// On demand: the caller of the first event waited for INIT.
    OnDemand,
    /// By provisioned concurrency, ahead of its events.
    Provisioned,
    /// From a snapshot of SnapStart.
    SnapStart,
    /// On a Lambda Managed Instance.
    ManagedInstances,
    /// Outside Lambda.
    Local,
}

impl From<Start> for &'static str {
    /// The name in metrics and logs.
    fn from(start: Start) -> Self {
        match start {
            Start::OnDemand => "on-demand",
            Start::Provisioned => "provisioned",
            Start::SnapStart => "snap-start",
            Start::ManagedInstances => "managed-instances",
            Start::Local => "local",
        }
    }
}

macro_rules! define {
    ($($(#[$doc:meta])+ $name:ident)+) => {
        /// A container at one moment.
        #[derive(Clone, Debug, Serialize)]
        #[non_exhaustive]
        pub struct ContainerSnapshot {
            /// See [`Container::id`](crate::Container::id).
            pub id: String,
            /// See [`Container::start`](crate::Container::start).
            pub start: Start,
            /// See [`Container::age`](crate::Container::age).
            pub age: Duration,
            $($(#[$doc])+ pub $name: u64,)+
            /// See [`Container::error_rate`](crate::Container::error_rate).
            pub error_rate: f64,
            /// See [`Container::last_invocation`](crate::Container::last_invocation).
            pub last_invocation: Option<Duration>,
            /// See [`Container::idle_gap`](crate::Container::idle_gap).
            pub idle_gap: Option<Duration>,
            /// See [`Container::is_cold_start`](crate::Container::is_cold_start), for the
            /// invocation that takes the snapshot. Outside an invocation, for the one that began
            /// last; `false` before the first, and after a restore.
            pub is_cold_start: bool,
            /// See [`Container::resources`](crate::Container::resources).
            pub resources: Vec<ResourceSnapshot>,
            /// See [`Container::caches`](crate::Container::caches).
            pub caches: Vec<CacheSnapshot>,
        }

        impl ContainerSnapshot {
            /// A snapshot with these counters, and nothing else in it yet.
            pub(crate) fn of(counters: Counters) -> Self {
                Self {
                    id: String::new(),
                    start: Start::Local,
                    age: Duration::ZERO,
                    $($name: counters.$name,)+
                    error_rate: counters.error_rate(),
                    last_invocation: None,
                    idle_gap: None,
                    is_cold_start: false,
                    resources: Vec::new(),
                    caches: Vec::new(),
                }
            }
        }
    };
}
each_counter!(define);

/// One `#[init]` at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ResourceSnapshot {
    /// The name under which it was declared.
    pub name: &'static str,
    /// One more than the deepest resource it is built from; 0 if it needs none.
    pub depth: usize,
    /// The number of times that it was built.
    pub generation: u64,
    /// The duration of its last successful attempt.
    pub build_time: Option<Duration>,
}

impl ResourceSnapshot {
    pub(crate) fn of(entry: &dyn RegistryEntry) -> Self {
        Self {
            name: entry.name(),
            depth: entry.depth(),
            generation: entry.generation(),
            build_time: entry.build_time(),
        }
    }
}

/// One `#[cached]` at one moment.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CacheSnapshot {
    /// The function's name.
    pub name: &'static str,
    /// The statistics of the cache.
    #[serde(flatten)]
    pub stats: Stats,
}

impl CacheSnapshot {
    pub(crate) fn of(entry: &dyn RegistryEntry) -> Option<Self> {
        Some(Self { name: entry.name(), stats: entry.stats()? })
    }
}
