//! SnapStart: waits at the snapshot, and continues as a new container in each restore.
//! <https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html>

use super::api::RuntimeApi;
use super::phase_error::PhaseError;
use crate::base::clock::CLOCK;
use crate::container::lifecycle;
use crate::error::chain;

/// Lets Lambda take the snapshot, and returns when this container has been restored from it.
///
/// # Errors
/// If the container cannot be restored. Lambda has received the error.
pub(super) async fn snapshot_and_restore(api: &RuntimeApi) -> Result<(), ()> {
    // The restored container compares its clocks with these.
    CLOCK.sync();
    if let Err(error) = api.restore().await {
        PhaseError::new("RestoreFailed", chain(&*error)).report(api, "init").await;
        return Err(());
    }
    if let Err(failures) = lifecycle::restore().await {
        PhaseError::of(&failures).report(api, "restore").await;
        return Err(());
    }
    Ok(())
}
