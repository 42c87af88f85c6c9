//! Simulated containers from INIT to SHUTDOWN: cold starts, snapshots, events for sinks, spans, reuse.
//!
//! INIT builds every resource of this crate that is not `lazy`: only `depot` of `events` is not lazy.

mod cold_start;
mod containers;
mod events;
mod init;
mod reuse;
mod snapshot;
mod spans;
#[cfg(target_os = "linux")]
mod statics;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rewarm::testing::assert_reuse_safe;
use rewarm::{Error, cached, handler, init};
use rewarm_tests::turns::simulation;
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::span;

const SECOND: Duration = Duration::from_secs(1);
