//! Turns of the tests of one process. A simulated container resets every resource and cache of the
//! process, so no other test may use one meanwhile.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static STATICS: RwLock<()> = RwLock::const_new(());

/// The turn of a test that simulates containers: no other test runs.
pub async fn simulation() -> RwLockWriteGuard<'static, ()> {
    STATICS.write().await
}

/// The turn of a test that calls functions outside any container: no container is simulated.
pub async fn outside_containers() -> RwLockReadGuard<'static, ()> {
    STATICS.read().await
}

/// [`outside_containers`] for a test without a runtime.
pub fn outside_containers_blocking() -> RwLockReadGuard<'static, ()> {
    STATICS.blocking_read()
}
