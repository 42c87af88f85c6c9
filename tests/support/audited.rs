//! State in a crate without an attribute of rewarm, which has its statics compared.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

rewarm::private::audited!();

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Counts.
pub fn count() {
    CALLS.fetch_add(1, SeqCst);
}
