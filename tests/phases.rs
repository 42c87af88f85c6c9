//! INIT, restore and SHUTDOWN of a real process.

use std::time::Duration;

use rewarm_tests::{Function, FunctionBuilder, Invocation, RuntimeApi};
use serde_json::json;

fn phases() -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_phases"))
}

#[tokio::test]
async fn what_is_slow_is_carried_into_the_first_invocation() {
    let api = RuntimeApi::start().await;
    let function = phases().env("SLOW_MS", "1500").env("REWARM_INIT_BUDGET", "100ms").spawn(&api);
    api.wait_for_next().await;
    let output = function.stdout().join("\n");
    assert!(output.contains("still building; carried into the first invocation"), "{output}");
    assert!(!output.contains("slow is ready"), "{output}");
    assert_eq!(api.invoke(json!({})).await.json(), json!([1, 10, 1500, 1]));
    let built = function.stdout().iter().filter(|line| line.contains("slow is ready")).count();
    assert_eq!(built, 1, "the attempt goes on; it is not made again");
    let line = function.wait_for_output("resource=\"slow\"").await;
    assert!(line.contains("generation=1"), "as INIT would have logged it: {line}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_none() {
    let api = RuntimeApi::start().await;
    let _function = phases().spawn(&api);
    api.wait_for_next().await;
    let event = Invocation::json(json!({})).deadline(Duration::ZERO);
    assert_eq!(api.invoke_raw(event).await.json(), json!([1, 10, 0, 1]));
}

#[tokio::test]
async fn a_wrong_init_budget_is_an_error() {
    let api = RuntimeApi::start().await;
    let function = phases().env("REWARM_INIT_BUDGET", "soon").spawn(&api);
    assert_eq!(function.wait().await.code(), Some(1));
    let output = function.stdout().join("\n");
    assert!(output.contains("REWARM_INIT_BUDGET"), "{output}");
    assert_eq!(api.init_errors().len(), 1, "Lambda is told");
}

#[tokio::test]
async fn a_restore_rebuilds_what_awaited() {
    let api = RuntimeApi::start().await;
    let _function = phases().env("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start").spawn(&api);
    api.wait_for_restore_next().await;
    api.restore();
    assert_eq!(api.invoke(json!({})).await.json(), json!([2, 20, 0, 1]));
    assert!(api.restore_errors().is_empty());
}

#[tokio::test]
async fn a_failed_restore_is_posted() {
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

#[tokio::test]
async fn sigterm_closes_dependents_first() {
    let api = RuntimeApi::start().await;
    let function = phases().spawn(&api);
    api.wait_for_next().await;
    assert_eq!(api.extensions().len(), 1, "so that Lambda sends SIGTERM");
    api.invoke(json!({})).await.json();
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let lines = function.stdout();
    let place = |text: &str| {
        lines
            .iter()
            .position(|line| line.contains(text))
            .unwrap_or_else(|| panic!("{text} in {lines:?}"))
    };
    assert!(place("closing top") < place("closed base 1"));
    assert!(place("closed base 1") < place("invocations=1"), "then the last report");
}

#[tokio::test]
async fn a_close_that_hangs_does_not_stop_the_others() {
    let api = RuntimeApi::start().await;
    let function = phases().env("HANG_CLOSE", "1").spawn(&api);
    api.wait_for_next().await;
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let output = function.stdout().join("\n");
    assert!(output.contains("closed base 1"), "{output}");
    assert!(output.contains("not closed in time"), "{output}");
}
