//! The lines of the log, as CloudWatch receives them.

use super::*;

/// `faults` with these variables, after an invocation that fails and one that panics.
async fn logged(variables: &[(&str, &str)]) -> Vec<String> {
    let api = RuntimeApi::start().await;
    let mut function = Function::builder(FAULTS);
    for (name, value) in variables {
        function = function.env(*name, *value);
    }
    let function = function.spawn(&api);
    let licence = api.invoke(json!({ "do": "licence" })).await;
    assert!(licence.json().is_object());
    for deed in ["fail", "panic"] {
        let error = error_of(&api, json!({ "do": deed, "id": 3 })).await;
        assert!(error.error_message.contains("order 3"));
    }
    function.signal("TERM");
    function.wait().await;
    [function.stdout(), function.stderr()].concat()
}

/// The lines that contain a text.
fn with<'a>(lines: &'a [String], text: &str) -> Vec<&'a String> {
    lines.iter().filter(|line| line.contains(text)).collect()
}

#[tokio::test]
async fn a_log_has_no_colours() {
    // `tracing-subscriber` has the feature `ansi` in this program.
    let lines = logged(&[]).await;
    assert!(!lines.is_empty());
    assert!(with(&lines, "\u{1b}").is_empty(), "{lines:#?}");
}

#[tokio::test]
async fn a_failed_invocation_logs_its_error_whatever_the_filter() {
    for (name, value) in [
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_LAMBDA_LOG_LEVEL", "ERROR"),
        ("AWS_LAMBDA_LOG_LEVEL", "FATAL"),
        ("RUST_LOG", "shop=debug"),
        ("RUST_LOG", "shop=debug,rewarm=warn"),
        ("RUST_LOG", "shop=debug,rewarm::cache=info"),
    ] {
        let lines = logged(&[(name, value)]).await;
        let failed = with(&lines, "invocation failed");
        let [refused, panic] = &failed[..] else {
            panic!("{name}={value} has {failed:#?}");
        };
        let text = "cannot pay order 3: the bank is closed: it is night";
        for part in ["ERROR", "requestId=", "Refused", text] {
            assert!(refused.contains(part), "{part:?} is missing: {refused}");
        }
        assert!(panic.contains("Panic") && panic.contains("order 3 is cursed, at "), "{panic}");
    }
}

#[tokio::test]
async fn levels_are_those_of_lambda() {
    for (level, has_warnings) in
        [("TRACE", true), ("WARN", true), ("ERROR", false), ("FATAL", false)]
    {
        let lines = logged(&[("AWS_LAMBDA_LOG_LEVEL", level)]).await;
        assert_eq!(with(&lines, "reading the licence").len(), usize::from(has_warnings), "{level}");
    }
}

#[tokio::test]
async fn a_resource_that_an_invocation_builds_logs_its_request_id() {
    let lines = logged(&[]).await;
    let built = with(&lines, "reading the licence");
    assert!(built.len() == 1 && built[0].contains("requestId="), "{built:?}");
}

#[tokio::test]
async fn every_line_of_a_json_log_is_json() {
    let lines = logged(&[("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("RUST_BACKTRACE", "1")]).await;
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")));
    let parsed: Vec<Value> = parsed.collect();
    let panic =
        parsed.iter().find(|line| line["target"] == "panic").expect("the line of the panic");
    assert_eq!(
        (&panic["level"], &panic["fields"]["message"]),
        (&json!("ERROR"), &json!("order 3 is cursed"))
    );
    let location = format!("tests/bin/faults.rs:{}", line_of("order {} is cursed"));
    assert!(panic["fields"]["location"].as_str().unwrap().starts_with(&location), "{panic}");
    let failed =
        parsed.iter().find(|line| line["fields"]["message"] == "invocation failed").unwrap();
    assert_eq!(failed["fields"]["error_type"], "Refused");
    assert!(failed["span"]["requestId"].is_string(), "{failed}");
}

#[tokio::test]
async fn a_panic_hook_of_the_program_is_still_called() {
    for format in ["text", "JSON"] {
        let lines = logged(&[("AWS_LAMBDA_LOG_FORMAT", format), ("HOOK", "1")]).await;
        assert_eq!(with(&lines, "\"my hook: order 3 is cursed\"").len(), 1, "{format}: {lines:#?}");
    }
}
