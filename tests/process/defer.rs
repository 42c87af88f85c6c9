//! `defer`: work between the response and the next event.

use super::*;

#[tokio::test]
async fn deferred_work_runs_between_the_response_and_the_next_event() {
    let (api, _function) = faults().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let event = json!({ "do": "defer", "address": address, "id": 1 });
    // The response arrives although the deferred work cannot end yet.
    assert_eq!(api.invoke(event).await.json()["id"], 1);
    let (connection, _) = listener.accept().await.unwrap();
    let next = api.send(json!({ "do": "answer", "id": 2 }));
    assert_eq!(api.polls(), 1, "the next event was polled too early");
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
