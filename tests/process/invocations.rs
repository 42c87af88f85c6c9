//! Invocations, their contexts and their cold starts.

use super::*;

#[tokio::test]
async fn the_first_invocation_is_cold_and_the_rest_are_warm() {
    let (api, _function) = faults().await;
    for number in 1..=3 {
        let event = Invocation::json(json!({ "do": "answer", "id": number }))
            .request_id(format!("request-{number}"));
        let response = api.invoke_raw(event).await.json();
        let expected = json!({
            "id": number,
            "invocation": number,
            "cold": number == 1,
            "request_id": format!("request-{number}"),
            "builds": 4,
            "loads": 1,
        });
        assert_eq!(response, expected);
    }
    api.wait_for_next().await;
    assert_eq!(api.polls(), 4);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_container_of_provisioned_concurrency_is_not_cold() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(FAULTS)
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
        .spawn(&api);
    let response = api.invoke(json!({ "do": "answer" })).await.json();
    assert_eq!(response["cold"], false);
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

#[tokio::test]
async fn a_handler_that_does_not_wait_succeeds_after_its_deadline() {
    let api = RuntimeApi::start().await;
    let _function = phases().spawn(&api);
    api.wait_for_next().await;
    let event = Invocation::json(json!({})).deadline(Duration::ZERO);
    assert_eq!(api.invoke_raw(event).await.json(), json!([1, 10, 0, 1]));
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
async fn a_static_that_fails_to_build_fails_the_invocation() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(FAULTS).env("FAIL", "LICENCE").spawn(&api);
    let error = error_of(&api, json!({ "do": "licence" })).await;
    let message = "resource `LICENCE` is unavailable: cannot connect: the host is unreachable: the \
                   port is closed";
    assert_error(&error, "ResourceUnavailable", message);
    assert_lives_on(&api).await;
    drop(function);

    let (api, _function) = faults().await;
    let response = api.invoke(json!({ "do": "licence" })).await.json();
    assert_eq!(response["builds"], 5, "the lazy static is built when it is used");
}
