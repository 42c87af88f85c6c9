//! State in a crate that only asks for its audit, which has tests compare its statics.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

rewarm::audit!();

// The audit does not know the width of a pointer, so that only a test sees the static.
#[cfg(target_pointer_width = "64")]
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Counts.
pub fn count() {
    CALLS.fetch_add(1, SeqCst);
}
