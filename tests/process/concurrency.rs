//! Concurrent invocations, as on Lambda Managed Instances.

use super::*;

/// `streams` with eight concurrent invocations.
fn eight(run: &str) -> FunctionBuilder {
    Function::builder(STREAMS)
        .env("RUN", run)
        .env("GREETING", "Hello")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "8")
}

#[tokio::test]
async fn concurrent_invocations_each_have_their_own_outcome() {
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
                let response = outcome.json();
                assert_eq!(
                    (response["id"].as_u64(), response["request_id"].as_str()),
                    (Some(id as u64), Some(request_id.as_str()))
                );
                assert_eq!((&response["builds"], &response["loads"]), (&json!(4), &json!(1)));
                cold += usize::from(response["cold"] == true);
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

#[tokio::test]
async fn a_process_ends_after_repeated_failed_polls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let polls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polls);
    let gone = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            drop(connection);
        }
    });
    let unused = RuntimeApi::start().await;
    let start = Instant::now();
    let function = eight("pieces").env("AWS_LAMBDA_RUNTIME_API", address).spawn(&unused);
    assert_eq!(function.wait().await.code(), Some(1));
    assert!(start.elapsed() > Duration::from_millis(500), "it gave up at once");
    let polls = polls.load(SeqCst);
    // A loop that has lost the API polls on until the slowest has.
    assert!((8 * 8..=8 * 16).contains(&polls), "{polls} polls");
    function.wait_for_output("failed to poll the next event").await;
    function.wait_for_output("the Runtime API is gone").await;
    gone.abort();
}

#[tokio::test]
async fn failed_polls_are_repeated() {
    let api = RuntimeApi::start().await;
    let _function = eight("pieces").spawn(&api);
    api.wait_for_pollers(8).await;
    for round in 1..=3 {
        api.drop_polls(8);
        api.wait_for_pollers(8).await;
        let polls = api.polls();
        assert!(polls <= 8 + round * 16 + round, "{polls} polls after {round} failures of each");
        api.invoke(json!({ "pieces": 1 })).await.bytes();
    }
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

#[tokio::test]
async fn a_loop_that_lost_the_api_comes_back_while_another_handles_an_event() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(FAULTS).env("AWS_LAMBDA_MAX_CONCURRENCY", "2").spawn(&api);
    api.wait_for_pollers(2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    api.invoke(json!({ "do": "defer", "address": address })).await.json();
    let (deferred, _) = listener.accept().await.unwrap();
    // After so many failures a loop alone would have ended the process.
    api.drop_polls(8);
    api.wait_for_pollers(1).await;
    drop(deferred);
    api.wait_for_pollers(2).await;
    assert_lives_on(&api).await;
}

#[tokio::test]
async fn each_invocation_has_its_own_context_deadline_and_deferred_work() {
    let api = RuntimeApi::start().await;
    let _function = eight("apart").spawn(&api);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut ids = BTreeSet::new();
    let mut pending = Vec::new();
    for n in 0..8_u64 {
        let id = format!("request-{n}");
        let event = Invocation::json(json!({ "address": address })).request_id(&id);
        pending.push((n, api.send(event.deadline(Duration::from_secs(100 * (n + 1))))));
        ids.insert(id);
    }
    for (n, pending) in pending {
        let id = pending.request_id().to_owned();
        let response = pending.outcome().await.json();
        assert_eq!(response["request_id"], json!(id));
        let remaining = response["remaining_s"].as_u64().unwrap();
        assert!((100 * n + 70..=100 * (n + 1)).contains(&remaining), "{remaining} s for {id}");
    }
    // The deferred work of each sends its request id.
    let mut deferred = BTreeSet::new();
    for _ in 0..8 {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut id = String::new();
        connection.read_to_string(&mut id).await.unwrap();
        assert!(deferred.insert(id));
    }
    assert_eq!(deferred, ids);
    api.wait_for_pollers(8).await;
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

#[tokio::test]
async fn a_cancelled_invocation_does_not_affect_the_others() {
    let api = RuntimeApi::start().await;
    let _function = eight("apart").spawn(&api);
    let hangs = Invocation::json(json!({ "hang": true })).deadline(Duration::from_millis(400));
    let hangs = api.send(hangs);
    hangs.delivered().await;
    let others: Vec<_> = (0..8).map(|_| api.send(json!({}))).collect();
    assert_eq!(hangs.outcome().await.error().error_type, "DeadlineExceeded");
    for other in others {
        assert!(other.outcome().await.json()["remaining_s"].as_u64() > Some(15));
    }
}
