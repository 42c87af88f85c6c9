//! Real processes against a real Runtime API: the quickstart as it would be deployed, and a function
//! whose events say how it fails.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::time::Duration;

use rewarm_tests::{ErrorReport, Function, FunctionBuilder, Invocation, RuntimeApi, build_binary};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const FAULTS: &str = env!("CARGO_BIN_EXE_faults");

/// The quickstart with LTO and without symbols. The first caller builds it.
fn quickstart() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        build_binary(&["--release", "--package=rewarm-examples", "--example=quickstart"])
    })
}

/// A started `faults` and its Runtime API.
async fn faults() -> (RuntimeApi, Function) {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, FAULTS);
    (api, function)
}

/// The error of `faults` for an event.
async fn error_of(api: &RuntimeApi, event: Value) -> ErrorReport {
    api.invoke(event).await.error().clone()
}

/// An event still succeeds, and with the resources of before.
async fn assert_lives_on(api: &RuntimeApi) {
    let answer = api.invoke(json!({ "do": "answer", "id": 7 })).await.json();
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["builds"], 4, "resources were rebuilt: {answer}");
    assert_no_violations(api);
}

fn assert_no_violations(api: &RuntimeApi) {
    let violations = api.violations();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// The number of the line of `faults` that contains `text`.
fn line_of(text: &str) -> usize {
    let source = include_str!("bin/faults.rs");
    let line = source.lines().position(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("{text:?} is not in bin/faults.rs")) + 1
}

/// An error as Lambda shows it.
#[track_caller]
fn assert_error(error: &ErrorReport, error_type: &str, error_message: &str) {
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        (error_type, error_message)
    );
}

/// The same, where the message need only contain some parts.
#[track_caller]
fn assert_error_with(error: &ErrorReport, error_type: &str, parts: &[&str]) {
    assert_eq!(error.error_type, error_type, "{}", error.error_message);
    for part in parts {
        assert!(error.error_message.contains(part), "{part:?} is not in {:?}", error.error_message);
    }
}

// The quickstart, as deployed.

#[tokio::test]
async fn the_release_build_serves_events() {
    let api = RuntimeApi::start().await;
    let _function = Function::spawn(&api, quickstart());
    for quantity in [1, 2, 3] {
        let receipt = api.invoke(json!({ "sku": "tea", "quantity": quantity })).await;
        assert_eq!(receipt.json(), json!({ "sku": "tea", "total_cents": 540 * quantity }));
    }
    let error = error_of(&api, json!({ "sku": "car" })).await;
    assert_error(&error, "Error", "there is no product \"car\"");
    let error = error_of(&api, json!({ "sku": 1 })).await;
    assert_error_with(&error, "InvalidEvent", &["`sku`", "expected a string"]);
    let receipt = api.invoke(json!({ "sku": "pot" })).await;
    assert_eq!(receipt.json()["total_cents"], 3480);
    assert!(api.extensions().is_empty(), "{:?}", api.extensions());
    assert_no_violations(&api);
}

#[tokio::test]
async fn the_release_build_reports_a_failed_init() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(quickstart())
        .env("DATABASE_URL", "sqlite:///nowhere/to/be/found.db")
        .spawn(&api);
    let error = api.wait_for_init_error().await;
    let parts = ["resource `db` is unavailable", "unable to open database file"];
    assert_error_with(&error, "ResourceUnavailable", &parts);
    assert_eq!(function.wait().await.code(), Some(1));
    assert_eq!(api.init_errors().len(), 1);
    assert_eq!(api.polls(), 0, "an event was asked for after INIT failed");
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_failing_cached_resource_fails_init_too() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(quickstart()).env("TAX_PERCENT", "much").spawn(&api);
    let error = api.wait_for_init_error().await;
    let message = "resource `db` is unavailable: resource `settings` is unavailable: invalid digit \
                   found in string";
    assert_error_with(&error, "ResourceUnavailable", &[message]);
    assert_eq!(function.wait().await.code(), Some(1));
}

#[tokio::test]
async fn the_release_build_runs_without_lambda() {
    let run =
        Local::run(local(quickstart()).arg("--event={\"sku\": \"tea\"}").args(["--repeat", "3"]))
            .await;
    run.assert_code(0);
    let receipt = json!({ "sku": "tea", "total_cents": 540 });
    assert_eq!(run.answers, [receipt.clone(), receipt.clone(), receipt]);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm"]);
}

#[test]
fn a_build_without_the_feature_has_nothing_of_the_simulated_containers() {
    // The clock that stands still, by its symbol.
    let symbol = b"5clock6Manual";
    let has_it = |program: &Path| {
        let bytes = std::fs::read(program).unwrap();
        bytes.windows(symbol.len()).any(|window| window == symbol)
    };
    assert!(has_it(FAULTS.as_ref()), "built with the feature `testing`");
    let plain = build_binary(&["--package=rewarm-examples", "--example=quickstart"]);
    assert!(!has_it(&plain), "built without it");
}

// Invocations, good and bad.

#[tokio::test]
async fn the_first_invocation_is_cold_and_the_rest_are_warm() {
    let (api, _function) = faults().await;
    for number in 1..=3 {
        let event = Invocation::json(json!({ "do": "answer", "id": number }))
            .request_id(format!("request-{number}"));
        let answer = api.invoke_raw(event).await.json();
        let expected = json!({
            "id": number,
            "invocation": number,
            "cold": number == 1,
            "request_id": format!("request-{number}"),
            "builds": 4,
            "loads": 1,
        });
        assert_eq!(answer, expected);
    }
    api.wait_for_next().await;
    assert_eq!(api.polls(), 4);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_container_that_nobody_waited_for_is_not_cold() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(FAULTS)
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
        .spawn(&api);
    let answer = api.invoke(json!({ "do": "answer" })).await.json();
    assert_eq!(answer["cold"], false);
}

#[tokio::test]
async fn an_error_shows_its_type_and_its_causes() {
    let (api, _function) = faults().await;
    let error = error_of(&api, json!({ "do": "fail", "id": 3 })).await;
    let message = "cannot pay order 3: the bank is closed: it is night";
    assert_error(&error, "Refused", message);
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn a_panic_is_an_error_with_its_message_and_place() {
    let (api, _function) = faults().await;
    for (deed, message) in
        [("panic", "order 3 is cursed"), ("panic-in-fetch", "nobody can pay for this")]
    {
        let error = error_of(&api, json!({ "do": deed, "id": 3 })).await;
        let line = line_of(&message.replace('3', "{}"));
        let place = format!("bin/faults.rs:{line}");
        assert_error_with(&error, "Panic", &[message, &place]);
    }
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn a_bad_event_is_told_where_it_is_wrong() {
    let (api, _function) = faults().await;
    let lines = json!([{ "quantity": 1 }, { "quantity": "two" }]);
    let error = error_of(&api, json!({ "do": "answer", "lines": lines })).await;
    let parts = ["`lines[1].quantity`", "string \"two\"", "u32"];
    assert_error_with(&error, "InvalidEvent", &parts);

    let error = error_of(&api, json!({ "do": "dance" })).await;
    assert_error_with(&error, "InvalidEvent", &["`do`", "`dance`"]);
    let error = error_of(&api, json!({})).await;
    assert_error_with(&error, "InvalidEvent", &["missing field `do`"]);
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn an_event_that_is_not_json_is_an_invalid_event() {
    let (api, _function) = faults().await;
    for (bytes, fault) in [
        (&b"{\"do\": "[..], "EOF"),
        (b"", "EOF"),
        (b"answer me", "expected value"),
        (b"{\"do\": \"answer\"} and more", "trailing characters"),
        (b"{\"do\": \"\xff\xfe\"}", "invalid unicode"),
        (b"\0\0\0\0", "expected value"),
    ] {
        let outcome = api.invoke_raw(Invocation::raw(bytes)).await;
        assert_error_with(outcome.error(), "InvalidEvent", &[fault]);
    }
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_an_error_of_its_invocation_only() {
    let (api, _function) = faults().await;
    let error = error_of(&api, json!({ "do": "confuse" })).await;
    let message = "the answer cannot be written as JSON: key must be a string";
    assert_error(&error, "InvalidAnswer", message);
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn a_handler_without_its_resource_is_not_called() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(FAULTS).env("FAIL", "mirror").spawn(&api);
    let message = "resource `mirror` is unavailable: cannot connect: the host is unreachable: the \
                   port is closed";
    for deed in ["answer", "panic"] {
        let error = error_of(&api, json!({ "do": deed })).await;
        assert_error(&error, "ResourceUnavailable", message);
    }
    assert!(api.init_errors().is_empty(), "{:?}", api.init_errors());
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_static_that_cannot_be_built_ends_the_invocation() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(FAULTS).env("FAIL", "LICENCE").spawn(&api);
    let error = error_of(&api, json!({ "do": "licence" })).await;
    let message = "resource `LICENCE` is unavailable: cannot connect: the host is unreachable: the \
                   port is closed";
    assert_error(&error, "ResourceUnavailable", message);
    assert_lives_on(&api).await;
    drop(function);

    let (api, _function) = faults().await;
    let answer = api.invoke(json!({ "do": "licence" })).await.json();
    assert_eq!(answer["builds"], 5, "the lazy static is built when it is used");
}

#[tokio::test]
async fn a_handler_is_cancelled_before_the_deadline() {
    let (api, _function) = faults().await;
    for (event, deadline) in [("hang", 300), ("meet", 300), ("hang", 100)] {
        let event = Invocation::json(json!({ "do": event }));
        let outcome = api.invoke_raw(event.deadline(Duration::from_millis(deadline))).await;
        let message = "the handler was cancelled 250ms before Lambda's deadline";
        assert_error(outcome.error(), "DeadlineExceeded", message);
    }
    assert_lives_on(&api).await;
}

// INIT.

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
    assert_eq!(api.polls(), 0, "an event was asked for after INIT failed");
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
        let place = format!("bin/faults.rs:{}", line_of("{resource} fell over"));
        assert_error_with(&error, "ResourceUnavailable", &[&name, &message, &place]);
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
async fn outside_of_lambda_a_missing_variable_is_named() {
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

/// The process ends with one readable line that contains `text`, and not by a panic.
async fn assert_refused(function: &Function, text: &str) {
    let code = function.wait().await.code();
    let stderr = function.stderr();
    assert!(
        matches!(&stderr[..], [line] if line.contains(text)),
        "{text:?} is not the message: {stderr:?}"
    );
    assert_eq!(code, Some(1), "{stderr:?}");
}

// After the response.

#[tokio::test]
async fn deferred_work_runs_between_the_response_and_the_next_event() {
    let (api, _function) = faults().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let event = json!({ "do": "defer", "address": address, "id": 1 });
    // The response is there although the deferred work cannot end yet.
    assert_eq!(api.invoke(event).await.json()["id"], 1);
    let (connection, _) = listener.accept().await.unwrap();
    let next = api.send(json!({ "do": "answer", "id": 2 }));
    assert_eq!(api.polls(), 1, "the next event was asked for too early");
    assert!(!next.is_delivered());
    drop(connection);
    assert_eq!(next.outcome().await.json()["id"], 2);
    assert_no_violations(&api);
}

#[tokio::test]
async fn deferred_work_neither_fails_nor_blocks_its_container() {
    let (api, function) = faults().await;
    let outcome = api.invoke(json!({ "do": "defer-panic", "id": 1 })).await;
    assert_eq!(outcome.json()["id"], 1);
    function.wait_for_output("deferred work failed").await;
    let event = Invocation::json(json!({ "do": "defer-hang", "id": 2 }));
    let outcome = api.invoke_raw(event.deadline(Duration::from_secs(1))).await;
    assert_eq!(outcome.json()["id"], 2);
    function.wait_for_output("deferred work was dropped").await;
    assert_lives_on(&api).await;
}

// Several at the same time.

#[tokio::test]
async fn concurrent_invocations_are_each_answered_once_and_rightly() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(FAULTS)
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "8")
        .env("RUST_BACKTRACE", "0")
        .spawn(&api);
    let deeds = ["answer", "fail", "panic", "dance", "confuse", "answer"];
    let mut pending = Vec::new();
    for id in 0..400 {
        let (deed, deadline) = match id % 40 {
            0..8 => ("meet", 30_000),
            8 => ("hang", 300),
            n => (deeds[n % deeds.len()], 30_000),
        };
        let event = Invocation::json(json!({ "do": deed, "id": id }))
            .deadline(Duration::from_millis(deadline));
        pending.push((id, deed, api.send(event)));
    }
    let mut cold = 0;
    for (id, deed, pending) in pending {
        let request_id = pending.request_id().to_owned();
        let outcome = pending.outcome().await;
        let part = match deed {
            "answer" | "meet" => {
                let answer = outcome.json();
                assert_eq!(
                    (answer["id"].as_u64(), answer["request_id"].as_str()),
                    (Some(id as u64), Some(request_id.as_str()))
                );
                assert_eq!((&answer["builds"], &answer["loads"]), (&json!(4), &json!(1)));
                cold += usize::from(answer["cold"] == true);
                continue;
            }
            "fail" => ("Refused", format!("cannot pay order {id}: ")),
            "panic" => ("Panic", format!("order {id} is cursed, at ")),
            "dance" => ("InvalidEvent", "unknown variant `dance`".to_owned()),
            "confuse" => ("InvalidAnswer", "key must be a string".to_owned()),
            "hang" => ("DeadlineExceeded", "was cancelled".to_owned()),
            other => unreachable!("{other}"),
        };
        assert_error_with(outcome.error(), part.0, &[&part.1]);
    }
    assert_eq!(cold, 1, "one invocation is the first");
    api.wait_for_pollers(8).await;
    assert_eq!(api.polls(), 408);
    let event = json!({ "do": "answer" });
    assert_eq!(api.invoke(event).await.json()["invocation"], 401);
    assert_no_violations(&api);
}

// Without Lambda.

fn local(program: impl AsRef<Path>) -> FunctionBuilder {
    Function::builder(program).outside_lambda()
}

/// What a local run came to.
struct Local {
    status: ExitStatus,
    /// The lines of stdout.
    answers: Vec<Value>,
    /// The lines of stderr.
    timeline: Vec<String>,
}

impl Local {
    async fn run(function: FunctionBuilder) -> Self {
        let api = RuntimeApi::start().await;
        let function = function.spawn(&api);
        let status = function.wait().await;
        let timeline = function.stderr();
        let parse = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|error| {
                panic!(
                    "stdout has a line that is not JSON ({error}): {line}\n{}",
                    timeline.join("\n")
                )
            })
        };
        Self { status, answers: function.stdout().iter().map(parse).collect(), timeline }
    }

    #[track_caller]
    fn assert_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}", self.timeline.join("\n"));
    }

    #[track_caller]
    fn assert_says(&self, text: &str) {
        let timeline = self.timeline.join("\n");
        assert!(timeline.contains(text), "{text:?} is not in\n{timeline}");
    }

    /// `cold` or `warm` of each invocation, in the order in which they ended.
    fn temperatures(&self) -> Vec<&str> {
        let words = self.timeline.iter().filter_map(|line| line.split(' ').next());
        words.filter(|word| ["cold", "warm"].contains(word)).collect()
    }

    /// A member of all answers.
    fn all(&self, member: &str) -> Vec<&Value> {
        self.answers.iter().map(|answer| &answer[member]).collect()
    }
}

#[tokio::test]
async fn events_come_from_stdin() {
    let lines = "{\"do\": \"answer\", \"id\": 1}\n\n  \n{\"do\": \"answer\", \"id\": 2}\r\n\
                 {\"do\": \"answer\", \"id\": 3}";
    let run = Local::run(local(FAULTS).input(lines)).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3]);
    assert_eq!(run.all("cold"), [true, false, false]);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm"]);
    run.assert_says("\ninit  ");
    run.assert_says("3 invocations, 0 failed");

    let run = Local::run(local(FAULTS).input(lines).args(["--repeat", "2"])).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3, 1, 2, 3]);

    let run = Local::run(local(FAULTS)).await;
    run.assert_code(0);
    assert_eq!(run.answers.len(), 0);
    run.assert_says("0 invocations, 0 failed");
}

#[tokio::test]
async fn events_come_from_the_command_line_and_from_a_file() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("events.jsonl");
    std::fs::write(&file, "{\"do\":\"answer\",\"id\":2}\n\n{\"do\":\"answer\",\"id\":3}\n")
        .unwrap();
    let run = Local::run(
        local(FAULTS)
            .args(["--event", "{\"do\":\"answer\",\"id\":1}", "--events"])
            .arg(&file)
            .arg("--repeat=2")
            .input("what is given is all there is"),
    )
    .await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3, 1, 2, 3]);
    assert_eq!(run.temperatures().len(), 6);
}

#[tokio::test]
async fn time_that_passes_between_invocations_ages_what_is_cached() {
    let events = ["--event={\"do\": \"answer\"}", "--repeat=3"];
    let run = Local::run(local(FAULTS).args(events)).await;
    assert_eq!(run.all("loads"), [1, 1, 1]);
    let run = Local::run(local(FAULTS).args(events).arg("--idle=4m")).await;
    assert_eq!(run.all("loads"), [1, 1, 2]);
    let run = Local::run(local(FAULTS).args(events).arg("--idle=10m")).await;
    assert_eq!(run.all("loads"), [1, 2, 3]);
    assert_eq!(run.all("builds"), [4, 4, 4], "resources have no ttl");
    run.assert_code(0);
}

#[tokio::test]
async fn concurrent_answers_come_in_the_order_of_their_events() {
    // Eight have to meet, and the last to come is the first to know.
    let events: String =
        (0..32).map(|id| format!("{{\"do\": \"meet\", \"id\": {id}}}\n")).collect();
    let run = Local::run(local(FAULTS).input(events).arg("--concurrency=8")).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), (0..32).collect::<Vec<_>>());
    assert_eq!(run.temperatures().len(), 32);
    assert_eq!(run.temperatures().iter().filter(|t| **t == "cold").count(), 1);
}

#[tokio::test]
async fn an_event_is_answered_before_the_next_is_there() {
    for concurrency in ["1", "2"] {
        let args = ["--concurrency", concurrency];
        let mut run = rewarm_tests::Local::spawn_with(FAULTS, &args, &[]);
        for id in 1..=3 {
            let answer = run.invoke(json!({ "do": "answer", "id": id })).await.unwrap();
            assert_eq!((&answer["id"], &answer["invocation"]), (&json!(id), &json!(id)));
        }
    }
}

#[tokio::test]
async fn handlers_that_block_their_threads_run_at_the_same_time() {
    let events: String =
        (0..8).map(|id| format!("{{\"do\": \"block\", \"id\": {id}}}\n")).collect();
    let run = Local::run(local(FAULTS).input(events).arg("--concurrency=4")).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_container_is_reported_whatever_is_logged() {
    let events = ["--event={\"do\": \"answer\"}", "--event={\"do\": \"fail\"}", "--repeat=2"];
    let run = Local::run(local(FAULTS).args(events).arg("--report").env("RUST_LOG", "off")).await;
    run.assert_code(1);
    for line in
        ["  invocations           4", "  errors                2", "  error rate        50.0%"]
    {
        run.assert_says(&format!("\n{line}\n"));
    }
    let run = Local::run(local(FAULTS).args(events)).await;
    assert!(!run.timeline.join("\n").contains("error rate"), "nobody asked");
}

#[tokio::test]
async fn an_event_that_is_not_a_text_is_an_invalid_event() {
    let mut lines = b"{\"do\": \"\xff\xfe\"}\n".to_vec();
    lines.extend(b"\xff\n{\"do\": \"answer\", \"id\": 5}\n");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.jsonl");
    std::fs::write(&file, &lines).unwrap();
    for function in [local(FAULTS).input(lines), local(FAULTS).arg("--events").arg(&file)] {
        let run = Local::run(function).await;
        run.assert_code(1);
        let types = ["InvalidEvent".into(), "InvalidEvent".into(), Value::Null];
        assert_eq!(run.all("errorType"), types.iter().collect::<Vec<_>>());
        assert_eq!(run.answers[2]["id"], 5);
    }
}

#[tokio::test]
async fn an_empty_event_on_the_command_line_is_an_event() {
    let run = Local::run(local(FAULTS).args(["--event", ""])).await;
    run.assert_code(1);
    assert_eq!(run.all("errorType"), ["InvalidEvent"]);
    run.assert_says("1 invocation, 1 failed");
}

#[tokio::test]
async fn a_failed_invocation_makes_a_failed_run_that_goes_on() {
    let lines = "{\"do\": \"panic\", \"id\": 3}\nnot JSON\n{\"do\": \"fail\", \"id\": 4}\n\
                 {\"do\": \"confuse\"}\n{\"do\": \"answer\", \"id\": 5}\n";
    let run = Local::run(local(FAULTS).input(lines)).await;
    run.assert_code(1);
    let null = Value::Null;
    let types = run.all("errorType");
    assert_eq!(
        types,
        ["Panic", "InvalidEvent", "Refused", "InvalidAnswer"]
            .map(Value::from)
            .iter()
            .chain([&null])
            .collect::<Vec<_>>()
    );
    let message = "cannot pay order 4: the bank is closed: it is night";
    assert_eq!(run.answers[2]["errorMessage"], message);
    assert_eq!(run.answers[4]["id"], 5);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm", "warm", "warm"]);
    run.assert_says("5 invocations, 4 failed");
    run.assert_says(message);
}

#[tokio::test]
async fn deferred_work_is_done_without_lambda_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let event = json!({ "do": "defer", "address": address }).to_string();
    let run = Local::run(local(FAULTS).args(["--event", &event]));
    let (run, connection) = tokio::join!(run, async { drop(listener.accept().await) });
    run.assert_code(0);
    let () = connection;
}

#[tokio::test]
async fn without_its_resources_a_local_run_fails() {
    let run =
        Local::run(local(FAULTS).env("FAIL", "settings").arg("--event={\"do\": \"answer\"}")).await;
    run.assert_code(1);
    assert!(run.answers.is_empty());
    let causes = "cannot connect: the host is unreachable: the port is closed";
    run.assert_says(&format!("error: resource `settings` is unavailable: {causes}"));
    run.assert_says("error: resource `ledger` is unavailable: resource `settings`");
}

#[tokio::test]
async fn a_wrong_command_line_is_refused_with_help() {
    for (argument, message) in [
        ("--evnt={}", "--evnt"),
        ("--idle=10min", "min"),
        ("--repeat=often", "--repeat: cannot parse argument \"often\""),
        ("--concurrency=0", "the least is 1"),
        ("--events=/nowhere/events.jsonl", "/nowhere/events.jsonl: "),
    ] {
        let run = Local::run(local(FAULTS).arg(argument)).await;
        run.assert_code(2);
        assert!(run.answers.is_empty());
        run.assert_says(message);
        run.assert_says("help: --help lists what can be given");
    }
}
