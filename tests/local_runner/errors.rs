//! Failed invocations and resources.

use super::*;

#[tokio::test]
async fn a_run_continues_after_a_failed_invocation_and_fails() {
    let lines = "{\"do\": \"panic\", \"id\": 3}\nnot JSON\n{\"do\": \"fail\", \"id\": 4}\n\
                 {\"do\": \"confuse\"}\n{\"do\": \"answer\", \"id\": 5}\n";
    let run = Run::of(local(FAULTS).input(lines)).await;
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
    assert_eq!(run.responses[2]["errorMessage"], message);
    assert_eq!(run.responses[4]["id"], 5);
    assert_eq!(run.temperatures(), ["cold", "warm", "warm", "warm", "warm"]);
    run.assert_says("5 invocations, 4 failed");
    run.assert_says(message);
}

#[tokio::test]
async fn a_run_fails_without_its_resources() {
    let run =
        Run::of(local(FAULTS).env("FAIL", "settings").arg("--event={\"do\": \"answer\"}")).await;
    run.assert_code(1);
    assert!(run.responses.is_empty());
    let causes = "cannot connect: the host is unreachable: the port is closed";
    let errors: Vec<_> = run.timeline.iter().filter(|line| line.starts_with("error: ")).collect();
    let error = "error: resource `ledger` is unavailable: resource `settings` is unavailable";
    assert_eq!(errors, [&format!("{error}: {causes}")], "a cause is not repeated");
}
