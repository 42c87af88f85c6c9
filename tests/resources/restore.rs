//! `restore`: a SnapStart restore checks, rebuilds or keeps a resource.

use super::pool::notes;
use super::*;

#[tokio::test]
async fn a_restore_checks_or_rebuilds_resources_that_await() {
    let _turn = simulation().await;
    pool::reset();
    let mut c = pool::app::container().await;
    let before = c.snapshot();
    notes();
    c.restore().await.unwrap();
    let after = c.snapshot();
    assert_ne!(before.id, after.id);
    let generations = |snapshot: &rewarm::ContainerSnapshot| -> Vec<(&str, u64)> {
        ["primary", "repository"].map(|name| (name, generation(&snapshot.resources, name))).to_vec()
    };
    assert_eq!(generations(&before), [("primary", 1), ("repository", 1)]);
    assert_eq!(generations(&after), [("primary", 1), ("repository", 2)]);
    let seen = notes();
    assert!(seen[0].starts_with("check "), "{seen:?}");
    assert!(seen[1].starts_with("repository on "), "{seen:?}");
    c.invoke(0).await.unwrap();

    pool::ALIVE.store(false, SeqCst);
    pool::BUILDS.store(false, SeqCst);
    c.restore()
        .await
        .expect("`primary` has `retry_after`, and `repository` fails only because of it");
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(error.error_message.ends_with("`primary` is unavailable: no route to host"), "{error}");
}
