//! Processes under the local runner: one file per subject.

mod errors;
mod events;
mod options;
#[cfg(target_os = "linux")]
mod terminal;

use std::path::Path;
use std::process::ExitStatus;

use rewarm_tests::{Function, FunctionBuilder, RuntimeApi, emf_lines, emf_sums};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const FAULTS: &str = env!("CARGO_BIN_EXE_faults");

/// A function outside Lambda, not started.
fn local(program: impl AsRef<Path>) -> FunctionBuilder {
    Function::builder(program).outside_lambda()
}

/// A completed run.
struct Run {
    status: ExitStatus,
    /// The lines of stdout.
    responses: Vec<Value>,
    /// The lines of stderr.
    timeline: Vec<String>,
}

impl Run {
    async fn of(function: FunctionBuilder) -> Self {
        let api = RuntimeApi::start().await;
        let function = function.spawn(&api);
        let status = function.wait().await;
        let timeline = function.stderr();
        let parse = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|error| {
                panic!(
                    "stdout has a line that is not JSON ({error}): {line}\n{}",
                    timeline.join("\n")
                )
            })
        };
        Self { status, responses: function.stdout().iter().map(parse).collect(), timeline }
    }

    #[track_caller]
    fn assert_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}", self.timeline.join("\n"));
    }

    #[track_caller]
    fn assert_says(&self, text: &str) {
        let timeline = self.timeline.join("\n");
        assert!(timeline.contains(text), "{text:?} is not in\n{timeline}");
    }

    /// `cold` or `warm` for each invocation, in the order of their ends.
    fn temperatures(&self) -> Vec<&str> {
        let words = self.timeline.iter().filter_map(|line| line.split(' ').next());
        words.filter(|word| ["cold", "warm"].contains(word)).collect()
    }

    /// A member of all responses.
    fn all(&self, member: &str) -> Vec<&Value> {
        self.responses.iter().map(|response| &response[member]).collect()
    }
}
