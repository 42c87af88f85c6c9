//! The option `layer`, and a service under the layers and in the runtime of a user.

use super::*;

const LAYERS: &str = env!("CARGO_BIN_EXE_layers");

const LAYERED: &str = env!("CARGO_BIN_EXE_layered");

#[tokio::test]
async fn a_service_runs_under_layers_in_a_runtime_of_the_user() {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, LAYERED);
    for id in ["first", "second"] {
        let event = Invocation::json(json!({ "x": 1 })).request_id(id);
        let response = api.invoke_raw(event).await.json();
        assert_eq!(response, json!({ "event": { "x": 1 }, "request_id": id, "built": 1 }));
        function.wait_for_output(&format!("layer: {id}")).await;
    }
    let error = api.invoke(json!({ "do": "fail" })).await.error().clone();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "as you wish"));
    let error = api.invoke(json!({ "do": "sleep" })).await.error().clone();
    assert_eq!((&*error.error_type, &*error.error_message), ("Layer", "request timed out"));
    assert_eq!(api.invoke(json!(null)).await.json()["built"], 1);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_handler_runs_under_the_layers_of_its_option() {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, LAYERS);
    api.wait_for_next().await;
    function.wait_for_output("the layers are built").await;
    for id in ["first", "second"] {
        let response = api.invoke_raw(Invocation::json(json!({})).request_id(id)).await.json();
        assert_eq!(response, json!({ "greeting": "hello", "request_id": id }));
        function.wait_for_output(&format!("layer: {id}")).await;
    }
    let error = api.invoke(json!({ "do": "fail" })).await.error().clone();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "as you wish"));
    let error = api.invoke(json!({ "do": "panic" })).await.error().clone();
    assert_error_with(&error, "Panic", &["as you wish"]);
    let error = api.invoke(json!({ "do": "hang" })).await.error().clone();
    assert_eq!((&*error.error_type, &*error.error_message), ("Error", "request timed out"));
    let late = Invocation::json(json!({ "do": "hang" })).deadline(Duration::from_millis(400));
    let error = api.invoke_raw(late).await.error().clone();
    assert_error_with(&error, "DeadlineExceeded", &["cancelled 100ms before"]);
    assert_eq!(api.invoke(json!({})).await.json()["greeting"], "hello");
    let built = function.stdout().iter().filter(|line| line.contains("layers are built")).count();
    assert_eq!(built, 1);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_layer_defers_work_until_the_response_has_been_sent() {
    let api = RuntimeApi::start().await;
    let _function = Function::spawn(&api, LAYERS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let outcome = api.invoke(json!({ "address": address })).await;
    assert_eq!(outcome.json()["greeting"], "hello");
    tokio::time::timeout(Duration::from_secs(10), listener.accept()).await.unwrap().unwrap();
}

#[tokio::test]
async fn concurrent_invocations_share_the_limit_of_a_layer() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(LAYERS).env("AWS_LAMBDA_MAX_CONCURRENCY", "4").spawn(&api);
    let hangs = || Invocation::json(json!({ "do": "hang" })).deadline(Duration::from_millis(400));
    let hanging: Vec<_> = (0..4).map(|_| api.send(hangs())).collect();
    // Two of them hang in the handler, and two wait for the layer.
    for pending in hanging {
        assert_eq!(pending.outcome().await.error().error_type, "DeadlineExceeded");
    }
    assert_eq!(api.invoke(json!({})).await.json()["greeting"], "hello");
    assert_no_violations(&api);
}

#[tokio::test]
async fn layers_that_cannot_be_built_fail_init() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(LAYERS).env("BREAK", "1").spawn(&api);
    let error = api.wait_for_init_error().await;
    let parts = ["resource `layers` is unavailable", "no limit is configured"];
    assert_error_with(&error, "ResourceUnavailable", &parts);
    assert_eq!(function.wait().await.code(), Some(1));
}

#[tokio::test]
async fn layers_of_tower_http_stand_around_a_handler_of_requests() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(LAYERS).env("RUN", "page").spawn(&api);
    let event = include_str!("../handler/events/function_url.json");
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["headers"] = json!({ "accept-encoding": "gzip" });
    let response = api.invoke(event).await.json();
    assert_eq!(response["headers"]["server"], "shop");
    assert_eq!(response["headers"]["content-encoding"], "gzip");
    assert_eq!(response["isBase64Encoded"], true);
}
