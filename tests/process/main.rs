//! Processes under a Runtime API: one file per subject.

mod concurrency;
mod defer;
mod errors;
mod init;
mod invocations;
mod layers;
mod logs;
mod metrics;
mod quickstart;
mod random_faults;
mod restore;
mod runtime_api_faults;
mod shutdown;
mod soak;
mod streaming;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rewarm_tests::{
    EmfLine, ErrorReport, Function, FunctionBuilder, Invocation, Outcome, Pending, PollFault,
    PostFault, Random, RuntimeApi, build_binary, emf_lines, emf_sums, is_set, runs_all,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const FAULTS: &str = env!("CARGO_BIN_EXE_faults");

const STREAMS: &str = env!("CARGO_BIN_EXE_streams");

/// `faults` and its Runtime API.
async fn faults() -> (RuntimeApi, Function) {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, FAULTS);
    (api, function)
}

/// `phases`, not started.
fn phases() -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_phases"))
}

/// The error of `faults` for an event.
async fn error_of(api: &RuntimeApi, event: Value) -> ErrorReport {
    api.invoke(event).await.error().clone()
}

/// Asserts that an event succeeds with the resources of INIT.
async fn assert_lives_on(api: &RuntimeApi) {
    let response = api.invoke(json!({ "do": "answer", "id": 7 })).await.json();
    assert_eq!(response["id"], 7);
    assert_eq!(response["builds"], 4, "resources were rebuilt: {response}");
    assert_no_violations(api);
}

fn assert_no_violations(api: &RuntimeApi) {
    let violations = api.violations();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// The number of the line of `faults` that contains `text`.
fn line_of(text: &str) -> usize {
    let source = include_str!("../bin/faults.rs");
    let line = source.lines().position(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("{text:?} is not in bin/faults.rs")) + 1
}

/// Asserts the type and the message of an error.
#[track_caller]
fn assert_error(error: &ErrorReport, error_type: &str, error_message: &str) {
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        (error_type, error_message)
    );
}

/// Asserts the type of an error and parts of its message.
#[track_caller]
fn assert_error_with(error: &ErrorReport, error_type: &str, parts: &[&str]) {
    assert_eq!(error.error_type, error_type, "{}", error.error_message);
    for part in parts {
        assert!(error.error_message.contains(part), "{part:?} is not in {:?}", error.error_message);
    }
}
