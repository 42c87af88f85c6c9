//! What the other modules stand on, and what knows nothing of Lambda: time, randomness, panics, type
//! erasure, single flight, counters and output.

pub(crate) mod clock;
pub(crate) mod counters;
pub(crate) mod duration;
pub(crate) mod erased;
pub(crate) mod panic;
pub(crate) mod random;
pub(crate) mod single_flight;
pub(crate) mod stdio;
