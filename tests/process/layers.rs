//! A service under the layers and in the runtime of a user.

use super::*;

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
