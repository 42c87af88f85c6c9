//! A program without a handler is not audited.

use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

pub fn count() -> u64 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn main() {
    count();
}
