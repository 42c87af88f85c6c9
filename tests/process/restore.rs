//! SnapStart restores.

use super::*;

#[tokio::test]
async fn a_restore_rebuilds_resources_that_await() {
    let api = RuntimeApi::start().await;
    let _function = phases().env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start").spawn(&api);
    api.wait_for_restore_next().await;
    api.restore();
    assert_eq!(api.invoke(json!({})).await.json(), json!([2, 20, 0, 1]));
    assert!(api.restore_errors().is_empty());
}

#[tokio::test]
async fn a_failed_restore_is_reported() {
    let api = RuntimeApi::start().await;
    let function = phases()
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
        .env("BREAK_RESTORE", "1")
        .spawn(&api);
    api.wait_for_restore_next().await;
    api.restore();
    assert_eq!(function.wait().await.code(), Some(1));
    let errors = api.restore_errors();
    assert_eq!(errors.len(), 1);
    let message = &errors[0].error_message;
    assert!(
        message.contains("resource `base` is unavailable: the snapshot's connection is dead"),
        "{message}"
    );
}
