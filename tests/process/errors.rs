//! Errors of events, handlers and responses.

use super::*;

#[tokio::test]
async fn an_error_shows_its_type_and_its_causes() {
    let (api, _function) = faults().await;
    let error = error_of(&api, json!({ "do": "fail", "id": 3 })).await;
    let message = "cannot pay order 3: the bank is closed: it is night";
    assert_error(&error, "Refused", message);
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn a_panic_is_an_error_with_its_message_and_location() {
    let (api, _function) = faults().await;
    for (deed, message) in [("panic", "order 3 is cursed"), ("panic-in-fetch", "this has no price")]
    {
        let error = error_of(&api, json!({ "do": deed, "id": 3 })).await;
        let line = line_of(&message.replace('3', "{}"));
        let location = format!("bin/faults.rs:{line}");
        assert_error_with(&error, "Panic", &[message, &location]);
    }
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn an_invalid_event_is_an_error_with_the_path_of_the_mistake() {
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
async fn a_response_that_does_not_serialize_fails_only_its_invocation() {
    let (api, _function) = faults().await;
    let error = error_of(&api, json!({ "do": "confuse" })).await;
    let message = "the response cannot be serialized as JSON: key must be a string";
    assert_error(&error, "InvalidAnswer", message);
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn a_destructor_that_panics_at_the_deadline_ends_no_process() {
    let (api, function) = faults().await;
    for deed in ["hang-with-bomb", "defer-hang-with-bomb"] {
        let event = Invocation::json(json!({ "do": deed })).deadline(Duration::from_millis(500));
        let outcome = api.invoke_raw(event).await;
        match deed {
            "hang-with-bomb" => assert_eq!(outcome.error().error_type, "DeadlineExceeded"),
            _ => assert_eq!(outcome.json()["id"], 0),
        }
        assert_lives_on(&api).await;
    }
    function.wait_for_output("panic while dropping cancelled work").await;
}

#[tokio::test]
async fn a_tracing_subscriber_that_panics_is_an_error_of_its_invocation() {
    for concurrency in [1, 4] {
        let api = RuntimeApi::start().await;
        let _function = Function::builder(env!("CARGO_BIN_EXE_panicking_subscriber"))
            .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string())
            .spawn(&api);
        for number in 1..=6 {
            // The deferred work of the last invocation is done.
            api.wait_for_pollers(concurrency).await;
            let outcome = api.invoke(json!(number)).await;
            match number % 2 {
                1 => {
                    let message = format!("the subscriber panics at span {number}");
                    assert_error_with(outcome.error(), "Panic", &[&message]);
                }
                _ => assert_eq!(outcome.json(), json!([number, 1]), "one is in flight"),
            }
        }
        assert_no_violations(&api);
    }
}

#[tokio::test]
async fn a_tracing_subscriber_that_always_panics_cuts_nothing_off() {
    for concurrency in [1, 4] {
        let api = RuntimeApi::start().await;
        let _function = Function::builder(env!("CARGO_BIN_EXE_panicking_subscriber"))
            .env("PANICS", "borders")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string())
            .spawn(&api);
        for number in 1..=4 {
            // The deferred work of the last invocation is done.
            api.wait_for_pollers(concurrency).await;
            assert_eq!(api.invoke(json!(number)).await.json(), json!([number, 1]));
            let outcome = api.invoke(json!("panic")).await;
            assert_error_with(outcome.error(), "Panic", &["a panic within a span"]);
            let outcome = api.invoke_raw(Invocation::raw("{")).await;
            assert_eq!(outcome.error().error_type, "InvalidEvent");
        }
        assert_no_violations(&api);
    }
}

#[tokio::test]
async fn a_tracing_subscriber_that_panics_keeps_neither_the_error_of_init_nor_close_from_lambda() {
    for panics in ["borders", "filter"] {
        let api = RuntimeApi::start().await;
        let function = Function::builder(env!("CARGO_BIN_EXE_panicking_subscriber"))
            .env("PANICS", panics)
            .env("FAIL_INIT", "1")
            .spawn(&api);
        assert_eq!(function.wait().await.code(), Some(1));
        let error = api.wait_for_init_error().await;
        assert_error_with(&error, "ResourceUnavailable", &["the other region is down"]);
        assert_eq!(function.stdout(), ["closed"]);
        assert_no_violations(&api);
    }
}

#[tokio::test]
async fn a_tracing_subscriber_whose_filter_panics_ends_neither_function_nor_local_runner() {
    let api = RuntimeApi::start().await;
    let function =
        || Function::builder(env!("CARGO_BIN_EXE_panicking_subscriber")).env("PANICS", "filter");
    let in_lambda = function().spawn(&api);
    for number in 1..=2 {
        assert_eq!(api.invoke(json!(number)).await.json(), json!([number, 1]));
    }
    in_lambda.signal("TERM");
    assert_eq!(in_lambda.wait().await.code(), Some(0));
    assert_eq!(in_lambda.stdout(), ["closed"]);
    let local = function().outside_lambda().arg("--event=7").spawn(&api);
    assert_eq!(local.wait().await.code(), Some(0));
    assert_eq!(local.stdout(), ["[7,1]", "closed"]);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_tracing_subscriber_that_panics_in_the_client_of_the_runtime_api_costs_one_request() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(env!("CARGO_BIN_EXE_panicking_subscriber"))
        .env("PANICS", "client")
        .spawn(&api);
    for number in 1..=4 {
        assert_eq!(api.invoke(json!(number)).await.json(), json!([number, 1]));
    }
    assert_no_violations(&api);
    let has_panicked = |line: &String| line.contains("the subscriber panics in the client");
    assert!(function.stderr().iter().any(has_panicked));
}
