//! Several invocations at a time, as on Lambda Managed Instances, by a real process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use rewarm_tests::{Function, FunctionBuilder, Invocation, RuntimeApi};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// `streams`, eight at a time.
fn eight(run: &str) -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_streams"))
        .env("RUN", run)
        .env("GREETING", "Hello")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "8")
}

#[tokio::test]
async fn a_runtime_api_that_is_gone_is_asked_a_few_times_and_ends_the_process() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
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
    let asked = asked.load(SeqCst);
    assert!((8..=8 * 6).contains(&asked), "asked {asked} times");
    function.wait_for_output("the next event cannot be had").await;
    function.wait_for_output("the Runtime API cannot be used any more").await;
    gone.abort();
}

#[tokio::test]
async fn polls_that_fail_now_and_then_are_made_up_for() {
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
async fn context_deadline_and_deferred_work_are_those_of_their_invocation() {
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
        let answer = pending.outcome().await.json();
        assert_eq!(answer["request_id"], json!(id));
        let remaining = answer["remaining_s"].as_u64().unwrap();
        assert!((100 * n + 70..=100 * (n + 1)).contains(&remaining), "{remaining} s for {id}");
    }
    // What each has deferred says whose it is.
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
async fn one_that_is_cancelled_leaves_the_others_alone() {
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
