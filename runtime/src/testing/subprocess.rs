//! Runs each cold container in a process of its own, so that all statics start fresh, those of
//! libraries included.
//!
//! The subprocess is the test's own binary, which runs the same test up to the assertion. There it
//! runs the [`Plan`] that an environment variable contains, writes the responses to stdout and
//! exits.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::statics::Change;
use crate::base::stdio::say;

/// The invocations of one cold container.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Plan {
    /// The indices of the events, in the order of their invocations.
    pub(super) events: Vec<usize>,
    /// True if all events are invoked concurrently.
    pub(super) concurrent: bool,
    /// True if the statics are compared. The events are then invoked a second time, after the
    /// responses: what the first invocation of an event builds, the second one finds.
    pub(super) statics: bool,
}

/// The result of a plan.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct PlanResult {
    /// The responses, in the order of the plan's events.
    pub(super) responses: Vec<Value>,
    /// The paths of the files that the container left.
    pub(super) files: Vec<String>,
    /// The statics that changed, or the reason why that is not known.
    pub(super) statics: Result<Vec<Change>, String>,
}

/// The job of a subprocess.
#[derive(Debug, Deserialize, Serialize)]
struct Job {
    /// The result of each assertion before this one: the message of its failure, if it failed. A
    /// test that expects a failure gets past it only if the assertion fails in the subprocess, too.
    before: Vec<Option<String>>,
    plan: Plan,
}

/// The environment variable with the job of a subprocess.
const JOB: &str = "REWARM_TESTING_JOB";
/// The beginning of the line with a subprocess's result.
const PREFIX: &str = "rewarm-testing-result ";

/// The results of all assertions of each test: the message of a failure, or `None`.
static RESULTS: Mutex<BTreeMap<String, Vec<Option<String>>>> = Mutex::new(BTreeMap::new());

/// One assertion of a test.
pub(super) struct Assertion {
    /// The name of the test, if it is known.
    test: Option<String>,
    /// The number of assertions of the test before this one.
    number: usize,
    /// False once a subprocess could not be run. Further containers then share this process.
    has_subprocesses: bool,
}

/// The part of an assertion that this process runs.
pub(super) enum Role {
    /// The whole assertion.
    Assert,
    /// One plan of it, for the process that asserts.
    Respond(Plan),
    /// Nothing: the job is a later assertion.
    Skip,
}

impl Assertion {
    pub(super) fn begin() -> Self {
        let test = test_name();
        let mut results = RESULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let results = results.entry(test.clone().unwrap_or_default()).or_default();
        results.push(None);
        Self { test, number: results.len() - 1, has_subprocesses: true }
    }

    /// Returns the role of this process.
    ///
    /// # Panics
    /// In a subprocess, if this assertion is before the one of its job and has failed: with the
    /// message of that failure.
    pub(super) fn role(&self) -> Role {
        let job = std::env::var(JOB).ok();
        let Some(job) = job.and_then(|job| serde_json::from_str::<Job>(&job).ok()) else {
            return Role::Assert;
        };
        match job.before.get(self.number) {
            Some(Some(message)) => panic!("{message}"),
            Some(None) => Role::Skip,
            None => Role::Respond(job.plan),
        }
    }

    /// Runs a plan in a subprocess.
    ///
    /// # Errors
    /// The plan, if no subprocess can run it. The first time, a warning names the cause.
    pub(super) fn run(&mut self, plan: Plan) -> Result<PlanResult, Plan> {
        if !self.has_subprocesses {
            return Err(plan);
        }
        let job = Job { before: self.before(), plan };
        let cause = match self.run_subprocess(&job) {
            Ok(result) if result.responses.len() == job.plan.events.len() => return Ok(result),
            Ok(_) => "the subprocess has other events",
            Err(cause) => cause,
        };
        self.has_subprocesses = false;
        self.say(
            "warning",
            format_args!(
                "cold containers share this process: {cause}. State in statics or in /tmp may not \
                 be detected"
            ),
        );
        Err(job.plan)
    }

    /// Writes a line about this assertion to stderr.
    pub(super) fn say(&self, level: &str, line: std::fmt::Arguments<'_>) {
        say(format_args!(
            "{level}: assert_reuse_safe in {}: {line}",
            self.test.as_deref().unwrap_or("a test"),
        ));
    }

    fn before(&self) -> Vec<Option<String>> {
        let results = RESULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let results = results.get(self.test.as_deref().unwrap_or_default());
        results.map(|results| results[..self.number].to_vec()).unwrap_or_default()
    }

    fn run_subprocess(&self, job: &Job) -> Result<PlanResult, &'static str> {
        /// One subprocess at a time: the files of one must not be found by another.
        static SEQUENTIAL: Mutex<()> = Mutex::new(());
        let test = self.test.as_deref().ok_or("the test's name is not known on this thread")?;
        let program = std::env::current_exe().map_err(|_| "the test's binary is not known")?;
        let job = serde_json::to_string(job).map_err(|_| "the job cannot be serialized")?;
        let sequential = SEQUENTIAL.lock().unwrap_or_else(PoisonError::into_inner);
        let output = Command::new(program)
            .args([test, "--exact", "--include-ignored", "--nocapture"])
            .env(JOB, job)
            .output()
            .map_err(|_| "the subprocess cannot be started")?;
        drop(sequential);
        let text = String::from_utf8_lossy(&output.stdout);
        let result = text.lines().find_map(|line| line.strip_prefix(PREFIX));
        let result = result.and_then(|result| serde_json::from_str(result).ok());
        result.ok_or("the subprocess wrote no responses")
    }

    /// Fails the assertion.
    ///
    /// # Panics
    /// Always, with this message.
    pub(super) fn fail(&self, message: String) -> ! {
        let mut results = RESULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let of_test = results.entry(self.test.clone().unwrap_or_default()).or_default();
        if let Some(result) = of_test.get_mut(self.number) {
            *result = Some(message.clone());
        }
        drop(results);
        panic!("{message}");
    }
}

/// Writes the result of a plan for the process that asserts, and exits.
pub(super) fn respond(result: &PlanResult) -> ! {
    println!("\n{PREFIX}{}", serde_json::to_string(result).unwrap_or_default());
    std::process::exit(0)
}

/// Returns the name of the current test: that of the command line if it runs a single test, or else
/// that of the thread. With one test thread, in a task on a thread of tokio's and in a
/// documentation test, the name is not known.
fn test_name() -> Option<String> {
    let mut args = std::env::args().skip(1).peekable();
    if std::env::args().any(|arg| arg == "--exact") {
        let mut names = args.by_ref().filter(|arg| !arg.starts_with('-'));
        if let (Some(name), None) = (names.next(), names.next()) {
            return Some(name);
        }
    }
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main" && !name.starts_with("tokio-"));
    name.map(str::to_owned)
}
