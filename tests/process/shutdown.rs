//! SHUTDOWN and `close`.

use super::*;

#[tokio::test]
async fn sigterm_closes_dependents_first() {
    let api = RuntimeApi::start().await;
    let function = phases().spawn(&api);
    api.wait_for_next().await;
    assert_eq!(api.extensions().len(), 1, "so that Lambda sends SIGTERM");
    api.invoke(json!({})).await.json();
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let lines = function.stdout();
    let line_of = |text: &str| {
        lines
            .iter()
            .position(|line| line.contains(text))
            .unwrap_or_else(|| panic!("{text} in {lines:?}"))
    };
    assert!(line_of("closing top") < line_of("closed base 1"));
    assert!(line_of("closed base 1") < line_of("invocations=1"), "then the last report");
}

#[tokio::test]
async fn a_close_that_hangs_does_not_stop_the_others() {
    let api = RuntimeApi::start().await;
    let function = phases().env("HANG_CLOSE", "1").spawn(&api);
    api.wait_for_next().await;
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let output = function.stdout().join("\n");
    assert!(output.contains("closed base 1"), "{output}");
    assert!(output.contains("not closed in time"), "{output}");
}

#[tokio::test]
async fn an_init_that_fails_closes_what_it_built() {
    let api = RuntimeApi::start().await;
    let function = phases().env("SLOW_MS", "0").env("BREAK_INIT", "1").spawn(&api);
    assert_eq!(function.wait().await.code(), Some(1));
    let error = api.wait_for_init_error().await;
    assert!(error.error_message.contains("the other region is down"), "{}", error.error_message);
    let lines = function.stdout();
    let closed = lines.iter().filter(|line| line.contains("closed base 1")).count();
    assert_eq!(closed, 1, "{lines:?}");
}

#[tokio::test]
async fn hooks_run_once_if_sigterm_comes_with_the_end_of_the_api() {
    for _ in 0..5 {
        let api = RuntimeApi::start().await;
        let function = phases().spawn(&api);
        api.wait_for_next().await;
        drop(api);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        if function.exit_status().is_none() {
            function.signal("TERM");
        }
        function.wait().await;
        let lines = function.stdout();
        let closed = lines.iter().filter(|line| line.contains("closed base 1")).count();
        assert_eq!(closed, 1, "{lines:?}");
    }
}

#[test]
fn the_local_runner_closes_resources_when_it_is_interrupted() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let mut function = Command::new(env!("CARGO_BIN_EXE_phases"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(function.stdout.take().unwrap()).lines().map(Result::unwrap);
    // INIT is done when `slow` is.
    assert_eq!(lines.next().unwrap(), "slow is ready");
    std::thread::sleep(Duration::from_millis(200));
    let pid = function.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(lines.collect::<Vec<_>>(), ["closing top", "closed base 1"]);
    assert_eq!(function.wait().unwrap().code(), Some(130));
}

#[tokio::test]
async fn the_local_runner_closes_resources_when_it_is_interrupted_in_init() {
    let unused = RuntimeApi::start().await;
    let function = phases()
        .outside_lambda()
        .arg("--event=null")
        .env("SLOW_MS", "60000")
        .env("RUST_LOG", "rewarm=debug")
        .spawn(&unused);
    let ready = function.wait_for_output("resource=\"top\"").await;
    assert!(ready.contains("ready"), "{ready}");
    function.signal("INT");
    assert_eq!(function.wait().await.code(), Some(130));
    assert_eq!(function.stdout(), ["closing top", "closed base 1"]);
}

#[test]
fn the_local_runner_closes_resources_when_the_reader_of_its_responses_is_gone() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    let mut function = Command::new(env!("CARGO_BIN_EXE_phases"))
        .env("CLOSE_TO_STDERR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(function.stdout.take());
    let _ = function.stdin.take().unwrap().write_all(b"null\nnull\nnull\n");
    let mut log = String::new();
    function.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(log.matches("closed base 1").count(), 1, "{log}");
    assert_eq!(function.wait().unwrap().code(), Some(1));
}
