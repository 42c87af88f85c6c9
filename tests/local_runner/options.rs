//! `--idle`, `--concurrency`, `--report`, and invalid options.

use super::*;

#[tokio::test]
async fn idle_time_expires_cached_values() {
    let events = ["--event={\"do\": \"answer\"}", "--repeat=3"];
    let run = Run::of(local(FAULTS).args(events)).await;
    assert_eq!(run.all("loads"), [1, 1, 1]);
    let run = Run::of(local(FAULTS).args(events).arg("--idle=4m")).await;
    assert_eq!(run.all("loads"), [1, 1, 2]);
    let run = Run::of(local(FAULTS).args(events).arg("--idle=10m")).await;
    assert_eq!(run.all("loads"), [1, 2, 3]);
    assert_eq!(run.all("builds"), [4, 4, 4], "resources have no ttl");
    run.assert_code(0);
}

#[tokio::test]
async fn concurrent_responses_come_in_the_order_of_their_events() {
    // Eight invocations wait for each other. The last one to arrive is the first to continue.
    let events: String =
        (0..32).map(|id| format!("{{\"do\": \"meet\", \"id\": {id}}}\n")).collect();
    let run = Run::of(local(FAULTS).input(events).arg("--concurrency=8")).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), (0..32).collect::<Vec<_>>());
    assert_eq!(run.temperatures().len(), 32);
    assert_eq!(run.temperatures().iter().filter(|t| **t == "cold").count(), 1);
}

#[tokio::test]
async fn handlers_that_block_their_threads_run_concurrently() {
    let events: String =
        (0..8).map(|id| format!("{{\"do\": \"block\", \"id\": {id}}}\n")).collect();
    let run = Run::of(local(FAULTS).input(events).arg("--concurrency=4")).await;
    run.assert_code(0);
    assert_eq!(run.all("id"), (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn report_does_not_depend_on_the_log() {
    let events = ["--event={\"do\": \"answer\"}", "--event={\"do\": \"fail\"}", "--repeat=2"];
    let run = Run::of(local(FAULTS).args(events).arg("--report").env("RUST_LOG", "off")).await;
    run.assert_code(1);
    for line in
        ["  invocations           4", "  errors                2", "  error rate        50.0%"]
    {
        run.assert_says(&format!("\n{line}\n"));
    }
    let run = Run::of(local(FAULTS).args(events)).await;
    assert!(!run.timeline.join("\n").contains("error rate"), "no `--report`");
}

#[tokio::test]
async fn an_invalid_command_line_fails_with_help() {
    for (argument, message) in [
        ("--evnt={}", "--evnt"),
        ("--idle=10min", "min"),
        ("--repeat=often", "--repeat: cannot parse argument \"often\""),
        ("--concurrency=0", "--concurrency must be at least 1"),
        ("--events=/nowhere/events.jsonl", "/nowhere/events.jsonl: "),
    ] {
        let run = Run::of(local(FAULTS).arg(argument)).await;
        run.assert_code(2);
        assert!(run.responses.is_empty());
        run.assert_says(message);
        run.assert_says("help: --help lists the options");
    }
}
