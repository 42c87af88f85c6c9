//! INIT: its budget, its log and its failures.

use super::*;

#[tokio::test]
async fn a_slow_resource_is_built_on_in_the_first_invocation() {
    let api = RuntimeApi::start().await;
    let function = phases().env("SLOW_MS", "1500").env("REWARM_INIT_BUDGET", "100ms").spawn(&api);
    api.wait_for_next().await;
    let output = function.stdout().join("\n");
    assert!(output.contains("still being built; carried into the first invocation"), "{output}");
    assert!(!output.contains("slow is ready"), "{output}");
    assert_eq!(api.invoke(json!({})).await.json(), json!([1, 10, 1500, 1]));
    let built = function.stdout().iter().filter(|line| line.contains("slow is ready")).count();
    assert_eq!(built, 1, "the attempt continues, there is no second one");
    let line = function.wait_for_output("resource=\"slow\"").await;
    assert!(line.contains("generation=1"), "as INIT would have logged it: {line}");
}

#[tokio::test]
async fn an_invalid_init_budget_fails_init() {
    let api = RuntimeApi::start().await;
    let function = phases().env("REWARM_INIT_BUDGET", "soon").spawn(&api);
    assert_eq!(function.wait().await.code(), Some(1));
    let output = function.stdout().join("\n");
    assert!(output.contains("REWARM_INIT_BUDGET"), "{output}");
    assert_eq!(api.init_errors().len(), 1, "reported to Lambda");
}

#[tokio::test]
async fn a_failed_init_reports_every_resource() {
    let api = RuntimeApi::start().await;
    let function =
        Function::builder(FAULTS).env("FAIL", "settings,MEETING,mirror,LICENCE").spawn(&api);
    let error = api.wait_for_init_error().await;
    let causes = "cannot connect: the host is unreachable: the port is closed";
    let parts = [
        &format!("resource `settings` is unavailable: {causes}"),
        &format!("resource `ledger` is unavailable: resource `settings` is unavailable: {causes}"),
        &format!("resource `MEETING` is unavailable: {causes}"),
    ];
    assert_error_with(&error, "ResourceUnavailable", &parts.map(String::as_str));
    for unneeded in ["mirror", "LICENCE"] {
        assert!(
            !error.error_message.contains(unneeded),
            "INIT does not need {unneeded}: {}",
            error.error_message
        );
    }
    assert_eq!(error.function_error_type.as_deref(), Some("Runtime.InitError"));
    assert_eq!(function.wait().await.code(), Some(1));
    assert_eq!(api.init_errors().len(), 1);
    assert_eq!(api.polls(), 0, "the next event was polled after INIT failed");
    let log = function.stdout().join("\n");
    assert!(log.contains("INIT failed"), "not in the log:\n{log}");
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_panic_in_init_is_a_failure_with_its_message() {
    for resource in ["ledger", "MEETING"] {
        let api = RuntimeApi::start().await;
        let function = Function::builder(FAULTS).env("PANIC", resource).spawn(&api);
        let error = api.wait_for_init_error().await;
        let name = format!("resource `{resource}` is unavailable: panicked: ");
        let message = format!("{resource} fell over");
        let location = format!("bin/faults.rs:{}", line_of("{resource} fell over"));
        assert_error_with(&error, "ResourceUnavailable", &[&name, &message, &location]);
        assert_eq!(function.wait().await.code(), Some(1));
        assert_eq!(api.init_errors().len(), 1);
    }
}

#[tokio::test]
async fn init_logs_a_line_for_each_resource() {
    let (api, function) = faults().await;
    api.wait_for_next().await;
    for resource in ["settings", "ledger", "mirror", "MEETING"] {
        let line = function.wait_for_output(&format!("resource=\"{resource}\"")).await;
        for field in ["ms=", "depth=", "generation=1"] {
            assert!(line.contains(field), "{field} is not in {line}");
        }
    }
}

#[tokio::test]
async fn a_missing_variable_of_lambda_is_named() {
    let names = [
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    ];
    for missing in names {
        let api = RuntimeApi::start().await;
        let function = names
            .iter()
            .filter(|name| **name != missing)
            .fold(Function::builder(FAULTS).outside_lambda(), |f, name| f.env(name, "128"))
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .spawn(&api);
        assert_refused(&function, missing).await;
    }
    let api = RuntimeApi::start().await;
    let function =
        Function::builder(FAULTS).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "plenty").spawn(&api);
    assert_refused(&function, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE is \"plenty\"").await;
}

/// Asserts that the process ends with one line that contains `text`, and not with a panic.
async fn assert_refused(function: &Function, text: &str) {
    let code = function.wait().await.code();
    let stderr = function.stderr();
    assert!(
        matches!(&stderr[..], [line] if line.contains(text)),
        "{text:?} is not the message: {stderr:?}"
    );
    assert_eq!(code, Some(1), "{stderr:?}");
}

#[tokio::test]
async fn an_async_main_fails_init_with_what_to_write() {
    let api = RuntimeApi::start().await;
    let function = phases().env("ASYNC_MAIN", "1").spawn(&api);
    let error = api.wait_for_init_error().await;
    let parts = ["inside a tokio runtime", "fn main() -> ExitCode", "`#[init]`"];
    assert_error_with(&error, "InvalidMain", &parts);
    assert_eq!(function.wait().await.code(), Some(1));
    let output = [function.stdout(), function.stderr()].concat().join("\n");
    assert!(!output.contains("panicked"), "{output}");
    assert!(output.contains("inside a tokio runtime"), "{output}");
}
