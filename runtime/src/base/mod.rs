//! The parts that are independent of resources, caches and invocations: time, randomness, panics,
//! type erasure, single flight, counters, output and the process.

pub(crate) mod clock;
pub(crate) mod counters;
pub(crate) mod duration;
pub(crate) mod erased;
pub(crate) mod executor;
pub(crate) mod limit;
pub(crate) mod logging;
pub(crate) mod panic;
pub(crate) mod random;
#[cfg(all(unix, feature = "graceful-shutdown"))]
pub(crate) mod signals;
pub(crate) mod single_flight;
pub(crate) mod span;
pub(crate) mod stdio;
