//! Takes the resources of a signature, for as long as the body runs.

use futures_util::future::try_join_all;

use super::graph::View;
use super::spec::{Call, Hold};
use super::{PendingValue, ResourceSet};
use crate::base::erased::{BoxFuture, Erased};
use crate::error::{BoxError, ResourceError};

/// Waits for all resources of a set, concurrently. They are of one view: if a resource is rebuilt
/// meanwhile, they are taken again, so that no caller has a new generation beside a dependent of the
/// old one.
///
/// # Errors
/// The error of the first resource that fails.
#[inline]
pub async fn hold<S: ResourceSet>() -> Result<S::Refs, ResourceError> {
    let mut view = View::new();
    loop {
        let held = match S::ready() {
            Ok(held) => held,
            Err(ready) => {
                let values = all(S::wait(&ready)).await?;
                S::hold(ready, values)
            }
        };
        if view.is_whole() {
            return Ok(held);
        }
    }
}

/// The same for a caller that does not await.
///
/// # Errors
/// The error of the first resource that fails, or that awaits and is not ready.
pub fn hold_now<S: ResourceSet>() -> Result<S::Refs, ResourceError> {
    let mut view = View::new();
    loop {
        let held = match S::ready() {
            Ok(held) => held,
            Err(ready) => {
                let values = S::wait_blocking(&ready)?;
                S::hold(ready, values)
            }
        };
        if view.is_whole() {
            return Ok(held);
        }
    }
}

/// Takes the resources of a plain initialiser. Returns its call with them.
pub fn with_resources<S: ResourceSet>(
    hold: Hold,
    build: fn(S::Refs) -> Result<Erased, BoxError>,
) -> BoxFuture<'static, Result<Call, ResourceError>> {
    Box::pin(async move {
        let held = match hold {
            Hold::Await => self::hold::<S>().await?,
            Hold::Now => hold_now::<S>()?,
        };
        let call: Call = Box::new(move || build(held));
        Ok(call)
    })
}

/// Waits for all concurrently, until the first error.
#[cold]
fn all(waiting: Vec<PendingValue>) -> BoxFuture<'static, Result<Vec<Erased>, ResourceError>> {
    Box::pin(try_join_all(waiting))
}
