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
