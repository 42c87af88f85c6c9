//! Events and responses.

use super::*;

#[tokio::test]
async fn events_come_from_stdin() {
    let lines = "{\"do\": \"answer\", \"id\": 1}\n\n  \n{\"do\": \"answer\", \"id\": 2}\r\n\
                 {\"do\": \"answer\", \"id\": 3}";
    let run = Run::of(local(FAULTS).input(lines)).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3]);
    assert_eq!(run.all("cold"), [true, false, false]);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm"]);
    run.assert_says("\ninit  ");
    run.assert_says("3 invocations, 0 failed");

    let run = Run::of(local(FAULTS).input(lines).args(["--repeat", "2"])).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3, 1, 2, 3]);

    let run = Run::of(local(FAULTS)).await;
    run.assert_code(0);
    assert_eq!(run.responses.len(), 0);
    run.assert_says("0 invocations, 0 failed");
}

#[tokio::test]
async fn events_come_from_the_command_line_and_from_a_file() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("events.jsonl");
    std::fs::write(&file, "{\"do\":\"answer\",\"id\":2}\n\n{\"do\":\"answer\",\"id\":3}\n")
        .unwrap();
    let run = Run::of(
        local(FAULTS)
            .args(["--event", "{\"do\":\"answer\",\"id\":1}", "--events"])
            .arg(&file)
            .arg("--repeat=2")
            .input("ignored: there are events on the command line"),
    )
    .await;
    run.assert_code(0);
    assert_eq!(run.all("id"), [1, 2, 3, 1, 2, 3]);
    assert_eq!(run.temperatures().len(), 6);
}

#[tokio::test]
async fn a_response_comes_before_the_next_event() {
    for concurrency in ["1", "2"] {
        let args = ["--concurrency", concurrency];
        let mut run = rewarm_tests::Local::spawn_with(FAULTS, &args, &[]);
        for id in 1..=3 {
            let response = run.invoke(json!({ "do": "answer", "id": id })).await.unwrap();
            assert_eq!((&response["id"], &response["invocation"]), (&json!(id), &json!(id)));
        }
    }
}

#[tokio::test]
async fn an_event_that_is_not_utf_8_is_invalid() {
    let mut lines = b"{\"do\": \"\xff\xfe\"}\n".to_vec();
    lines.extend(b"\xff\n{\"do\": \"answer\", \"id\": 5}\n");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.jsonl");
    std::fs::write(&file, &lines).unwrap();
    for function in [local(FAULTS).input(lines), local(FAULTS).arg("--events").arg(&file)] {
        let run = Run::of(function).await;
        run.assert_code(1);
        let types = ["InvalidEvent".into(), "InvalidEvent".into(), Value::Null];
        assert_eq!(run.all("errorType"), types.iter().collect::<Vec<_>>());
        assert_eq!(run.responses[2]["id"], 5);
    }
}

#[tokio::test]
async fn an_empty_event_on_the_command_line_is_an_event() {
    let run = Run::of(local(FAULTS).args(["--event", ""])).await;
    run.assert_code(1);
    assert_eq!(run.all("errorType"), ["InvalidEvent"]);
    run.assert_says("1 invocation, 1 failed");
}

#[tokio::test]
async fn deferred_work_is_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let event = json!({ "do": "defer", "address": address }).to_string();
    let run = Run::of(local(FAULTS).args(["--event", &event]));
    let (run, connection) = tokio::join!(run, async { drop(listener.accept().await) });
    run.assert_code(0);
    let () = connection;
}

#[tokio::test]
async fn the_quickstart_runs_without_lambda() {
    let run = Run::of(
        local(env!("CARGO_BIN_EXE_quickstart"))
            .arg("--event={\"sku\": \"tea\"}")
            .args(["--repeat", "3"]),
    )
    .await;
    run.assert_code(0);
    let receipt = json!({ "sku": "tea", "total_cents": 540 });
    assert_eq!(run.responses, [receipt.clone(), receipt.clone(), receipt]);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm"]);
}

#[tokio::test]
async fn stdout_has_responses_only() {
    let api = RuntimeApi::start().await;
    let events = r#"{"do": "quiet"}"#;
    let function = Function::builder(env!("CARGO_BIN_EXE_shop"))
        .outside_lambda()
        .args(["--event", events, "--repeat", "20", "--idle", "1m"])
        .spawn(&api);
    assert_eq!(function.wait().await.code(), Some(0));
    assert!(emf_lines(&function.stdout()).is_empty());
    let lines = emf_lines(&function.stderr());
    assert_eq!(emf_sums(&lines)["Invocations"], 20.0);
    assert_eq!(lines[0].metrics[0].dimensions[0].1, "shop", "the name of the handler");
    assert_eq!(lines[0].members["request_id"], "local-1");
    let gap = lines[1].members["IdleGap"].as_f64().unwrap();
    assert!((60_000.0..61_000.0).contains(&gap), "{gap}");
    let reports = function.stderr().iter().filter(|line| line.contains("uptime_s=")).count();
    assert!(reports >= 2, "{:?}", function.stderr());
}

#[tokio::test]
async fn a_function_runs_under_its_layers() {
    let events = "{}\n{\"do\": \"fail\"}";
    let run = Run::of(local(env!("CARGO_BIN_EXE_layers")).input(events)).await;
    run.assert_code(1);
    assert_eq!(run.responses[0]["greeting"], "hello");
    run.assert_says("resource=\"layers\"");
    run.assert_says("2 invocations, 1 failed");
}
