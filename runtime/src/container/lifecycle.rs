//! The phases of a container: INIT, a SnapStart restore, and SHUTDOWN.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::base::clock::CLOCK;
use crate::base::erased::{BoxFuture, spawn};
use crate::base::panic::log_caught;
use crate::base::random;
use crate::container::snapshot::ResourceSnapshot;
use crate::container::{container, in_order};
use crate::error::{ResourceError, without_causes};
use crate::metrics::{self, Event, Init, Shutdown};
use crate::resource::{
    EntryKind, HandlerNeeds, Needed, RegistryEntry, mark_dependents_stale, needed, registry,
};

/// INIT: builds every resource that the handler needs and that is not lazy, concurrently.
///
/// A resource that is still being built when the `budget` is spent is carried into the first
/// invocation.
///
/// # Errors
/// The errors of all required resources that could not be built.
pub(crate) async fn init(
    handler: HandlerNeeds,
    budget: Option<Duration>,
) -> Result<(), Vec<ResourceError>> {
    let Needed { needed, others } = needed(&handler);
    others.iter().for_each(|entry| entry.leave_out_of_init());
    let eager = |kind| needed.iter().copied().filter(move |entry| entry.kind() == kind);
    // Those that wait start first, so that the others compute while their I/O is under way.
    let entries = eager(EntryKind::Async).chain(eager(EntryKind::Blocking)).collect();
    ensure_ready(entries, budget, false).await
}

/// Continues after a SnapStart restore as a new container: drops expired values, and checks or
/// rebuilds what does not survive a snapshot.
///
/// # Errors
/// The errors of all required resources that could not be made ready.
pub(crate) async fn restore() -> Result<(), Vec<ResourceError>> {
    random::reseed();
    let now = CLOCK.sync();
    container().restored();
    registry().for_each(|entry| entry.purge(now));
    mark_dependents_stale(registry().filter(|entry| entry.restored()).collect(), false);
    ensure_ready(registry().filter(|entry| entry.is_stale()).collect(), None, true).await
}

/// Makes all entries ready, concurrently. The future is large and rare, hence in a box.
fn ensure_ready(
    entries: Vec<&'static dyn RegistryEntry>,
    budget: Option<Duration>,
    restore: bool,
) -> BoxFuture<'static, Result<(), Vec<ResourceError>>> {
    Box::pin(async move {
        let start = Instant::now();
        let ready =
            |entry: &'static dyn RegistryEntry| async move { (entry, entry.ensure_ready().await) };
        let mut building: FuturesUnordered<_> = entries.iter().map(|entry| ready(*entry)).collect();
        let mut waiting = entries;
        let end = budget.and_then(|budget| start.checked_add(budget));
        let (mut built, mut failed, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let next = match end {
                None => building.next().await,
                Some(end) => match timeout_at(end, building.next()).await {
                    Ok(next) => next,
                    Err(_) => {
                        let resources = names(&waiting).join(", ");
                        log_caught(|| {
                            tracing::warn!(
                                resources,
                                "still being built; carried into the first invocation"
                            );
                        });
                        break;
                    }
                },
            };
            let Some((entry, result)) = next else {
                break;
            };
            waiting.retain(|other| !std::ptr::addr_eq(*other, entry));
            match result {
                // Written at once: Lambda may end INIT before the others are done.
                Ok(()) => {
                    log_caught(|| tracing::debug!(resource = entry.name(), "ready"));
                    built.push(ResourceSnapshot::of(entry));
                }
                Err(error) => {
                    failed.push(entry.name());
                    // A recoverable resource, and one that is built from it, fails its users until
                    // it can be built. Each failure is logged where it happens.
                    if !error.is_recoverable() {
                        // Sorted, so that Lambda shows equal failures as equal.
                        let before = |other: &ResourceError| other.resource() < error.resource();
                        failures.insert(failures.partition_point(before), error);
                    }
                }
            }
        }
        if !waiting.is_empty() {
            drop(spawn(async move {
                while let Some((entry, result)) = building.next().await {
                    if result.is_ok() {
                        metrics::log::ready(&ResourceSnapshot::of(entry), "init");
                    }
                }
            }));
        }
        let duration = start.elapsed();
        let (container_id, start) = container().init_done(duration);
        metrics::emit(&Event::Init(Init {
            container_id,
            start,
            restore,
            duration,
            resources: built,
            failed,
            carried: names(&waiting),
        }));
        if failures.is_empty() { Ok(()) } else { Err(without_causes(failures)) }
    })
}

fn names(entries: &[&dyn RegistryEntry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.name()).collect()
}

/// True if a resource has a `close` hook.
#[cfg(all(unix, feature = "graceful-shutdown"))]
pub(crate) fn has_close() -> bool {
    registry().any(|entry| entry.has_close())
}

/// SHUTDOWN: closes everything, dependents before what they are built from. Each depth has its share
/// of the time that is left, so that a hook that hangs does not stop the others.
///
/// This happens once: a second call waits for the first and returns false. Both SIGTERM and the end
/// of the loop end the process, and neither may do so while hooks run.
pub(crate) fn shutdown() -> BoxFuture<'static, bool> {
    static RUNNING: Mutex<()> = Mutex::const_new(());
    Box::pin(async {
        let _running = RUNNING.lock().await;
        if !container().begin_shutdown() {
            return false;
        }
        let entries = dependents_first();
        let depths: Vec<_> = entries.chunk_by(|a, b| a.depth() == b.depth()).collect();
        let start = Instant::now();
        let end = start + SHUTDOWN_BUDGET;
        let mut unclosed = Vec::new();
        for (n, level) in depths.iter().enumerate() {
            let left = end.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(depths.len() - n).unwrap_or(u32::MAX);
            unclosed.extend(close(level, share).await);
        }
        // Attempts that were under way may have built more meanwhile.
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let late: Vec<_> =
                entries.iter().copied().filter(|entry| entry.has_retired()).collect();
            if late.is_empty() || left.is_zero() {
                break;
            }
            unclosed.extend(close(&late, left).await);
        }
        let (container_id, uptime) = (container().id(), container().age());
        let duration = start.elapsed();
        metrics::emit(&Event::Shutdown(Shutdown { container_id, uptime, duration, unclosed }));
        true
    })
}

/// Closes all values of these entries. Returns the names of those that are not closed in time.
async fn close(entries: &[&'static dyn RegistryEntry], limit: Duration) -> Vec<&'static str> {
    let closing = join_all(entries.iter().filter_map(|entry| entry.close()));
    if tokio::time::timeout(limit, closing).await.is_ok() {
        return Vec::new();
    }
    let names = names(entries);
    let resources = names.join(", ");
    log_caught(|| tracing::warn!(resources, "not closed in time"));
    names
}

/// Returns the entries with a `close` hook in the order in which they are closed.
fn dependents_first() -> Vec<&'static dyn RegistryEntry> {
    in_order().into_iter().rev().filter(|entry| entry.has_close()).collect()
}

/// Lambda kills the process 500 ms after SIGTERM where an internal extension is registered.
const SHUTDOWN_BUDGET: Duration = Duration::from_millis(300);

/// Returns the names of the resources that are being built now.
pub(crate) fn building() -> Vec<&'static str> {
    let building: Vec<_> = registry().filter(|entry| entry.is_building()).collect();
    names(&building)
}

/// True if a replaced generation waits to be closed.
pub(crate) fn has_retired() -> bool {
    registry().any(|entry| entry.has_retired())
}

/// Closes the replaced generations that are not in use any more.
pub(crate) async fn close_retired() {
    for entry in dependents_first() {
        if let Some(closing) = entry.close_retired() {
            closing.await;
        }
    }
}
