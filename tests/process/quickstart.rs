//! The quickstart, as `cargo build` builds it and as it is deployed.

use super::*;

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");

/// The quickstart, and with `REWARM_ALL` also its release build, with LTO and without symbols. The
/// first caller builds it.
fn builds() -> Vec<&'static Path> {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    let release = || {
        RELEASE.get_or_init(|| {
            build_binary(&["--release", "--package=rewarm-examples", "--example=quickstart"])
        })
    };
    let mut builds = vec![Path::new(QUICKSTART)];
    if runs_all("only the same with a release build, which takes minutes") {
        builds.push(release());
    }
    builds
}

#[tokio::test]
async fn it_serves_events() {
    for quickstart in builds() {
        let api = RuntimeApi::start().await;
        let _function = Function::spawn(&api, quickstart);
        for quantity in [1, 2, 3] {
            let receipt = api.invoke(json!({ "sku": "tea", "quantity": quantity })).await;
            assert_eq!(receipt.json(), json!({ "sku": "tea", "total_cents": 540 * quantity }));
        }
        let error = error_of(&api, json!({ "sku": "car" })).await;
        assert_error(&error, "Error", "there is no product \"car\"");
        let error = error_of(&api, json!({ "sku": 1 })).await;
        assert_error_with(&error, "InvalidEvent", &["`sku`", "expected a string"]);
        let receipt = api.invoke(json!({ "sku": "pot" })).await;
        assert_eq!(receipt.json()["total_cents"], 3480);
        assert!(api.extensions().is_empty(), "{:?}", api.extensions());
        assert_no_violations(&api);
    }
}

#[tokio::test]
async fn it_reports_a_failed_init() {
    for quickstart in builds() {
        let api = RuntimeApi::start().await;
        let function = Function::builder(quickstart)
            .env("DATABASE_URL", "sqlite:///nowhere/to/be/found.db")
            .spawn(&api);
        let error = api.wait_for_init_error().await;
        let parts = ["resource `db` is unavailable", "unable to open database file"];
        assert_error_with(&error, "ResourceUnavailable", &parts);
        assert_eq!(function.wait().await.code(), Some(1));
        assert_eq!(api.init_errors().len(), 1);
        assert_eq!(api.polls(), 0, "the next event was polled after INIT failed");
        assert_no_violations(&api);
    }
}

#[tokio::test]
async fn a_failing_cached_resource_fails_init_too() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(QUICKSTART).env("TAX_PERCENT", "much").spawn(&api);
    let error = api.wait_for_init_error().await;
    let message = "resource `db` is unavailable: resource `settings` is unavailable: invalid digit \
                   found in string";
    assert_error_with(&error, "ResourceUnavailable", &[message]);
    assert_eq!(function.wait().await.code(), Some(1));
}

#[test]
fn a_build_without_testing_has_no_simulated_containers() {
    if !runs_all("it builds an example without the feature `testing`") {
        return;
    }
    // The symbol of the simulated clock.
    let symbol = b"5clock6Manual";
    let has_it = |program: &Path| {
        let bytes = std::fs::read(program).unwrap();
        bytes.windows(symbol.len()).any(|window| window == symbol)
    };
    assert!(has_it(FAULTS.as_ref()), "built with the feature `testing`");
    let plain = build_binary(&["--package=rewarm-examples", "--example=quickstart"]);
    assert!(!has_it(&plain), "built without it");
}
