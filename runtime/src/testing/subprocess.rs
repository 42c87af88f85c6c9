//! A process of its own for each cold container: statics outside of rewarm's reach are fresh there,
//! too. The test's binary is run once more, for that test alone, and told which answers are wanted;
//! it stops when it has them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::stdio::say;

/// What one cold container is put through.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Way {
    /// Which of the events, in what order.
    pub(super) events: Vec<usize>,
    pub(super) at_once: bool,
}

/// What came of it.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct RunOutcome {
    pub(super) answers: Vec<Value>,
    /// The files that were left behind.
    pub(super) left: Vec<String>,
}

/// What a process is told.
#[derive(Debug, Deserialize, Serialize)]
struct Wanted {
    /// How each assertion before the one that is meant has failed, if it has: a test that expects
    /// that gets there in no other way.
    before: Vec<Option<String>>,
    way: Way,
}

const WANTED: &str = "REWARM_TESTING_WANTED";
const MARK: &str = "rewarm-testing-answer ";

/// How each assertion of each test has failed, if it has.
static FAILED: Mutex<BTreeMap<String, Vec<Option<String>>>> = Mutex::new(BTreeMap::new());

/// One assertion of a test.
pub(super) struct Assertion {
    test: Option<String>,
    number: usize,
    /// Whether the next cold container gets a process of its own.
    apart: bool,
}

/// What is to be done about an assertion.
pub(super) enum Task {
    /// To assert.
    Assert,
    /// To give the answers that another process wants.
    Answer(Way),
    /// To come to the one that is meant.
    Pass,
}

impl Assertion {
    pub(super) fn begin() -> Self {
        let test = test();
        let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = failed.entry(test.clone().unwrap_or_default()).or_default();
        mine.push(None);
        Self { test, number: mine.len() - 1, apart: true }
    }

    /// # Panics
    /// In a process that wants to come past an assertion that has failed: in the same way.
    pub(super) fn task(&self) -> Task {
        let wanted = std::env::var(WANTED).ok();
        let Some(wanted) = wanted.and_then(|wanted| serde_json::from_str::<Wanted>(&wanted).ok())
        else {
            return Task::Assert;
        };
        match wanted.before.get(self.number) {
            Some(Some(text)) => panic!("{text}"),
            Some(None) => Task::Pass,
            None => Task::Answer(wanted.way),
        }
    }

    /// Asks a process for what comes of a way. `None` if there can be none; that is said once.
    pub(super) fn ask(&mut self, way: Way) -> Result<RunOutcome, Way> {
        if !self.apart {
            return Err(way);
        }
        let wanted = Wanted { before: self.before(), way };
        let why = match self.run(&wanted) {
            Ok(outcome) if outcome.answers.len() == wanted.way.events.len() => return Ok(outcome),
            Ok(_) => "it has other events",
            Err(why) => why,
        };
        self.apart = false;
        say(format_args!(
            "warning: assert_reuse_safe in {}: a cold container has no process of its own: {why}. \
             What a container keeps in statics or in /tmp may stay unseen",
            self.test.as_deref().unwrap_or("a test"),
        ));
        Err(wanted.way)
    }

    fn before(&self) -> Vec<Option<String>> {
        let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = failed.get(self.test.as_deref().unwrap_or_default());
        mine.map(|mine| mine[..self.number].to_vec()).unwrap_or_default()
    }

    fn run(&self, wanted: &Wanted) -> Result<RunOutcome, &'static str> {
        /// What one leaves in `/tmp` until it ends is not to be another's.
        static TURN: Mutex<()> = Mutex::new(());
        let test = self.test.as_deref().ok_or("the test's name is not known on this thread")?;
        let program = std::env::current_exe().map_err(|_| "the test's binary is not known")?;
        let wanted = serde_json::to_string(wanted).map_err(|_| "it cannot be told what to do")?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let output = Command::new(program)
            .args([test, "--exact", "--include-ignored", "--nocapture"])
            .env(WANTED, wanted)
            .output()
            .map_err(|_| "it cannot be started")?;
        drop(turn);
        let text = String::from_utf8_lossy(&output.stdout);
        let answer = text.lines().find_map(|line| line.strip_prefix(MARK));
        answer.and_then(|answer| serde_json::from_str(answer).ok()).ok_or("it gave no answer")
    }

    /// # Panics
    /// Always, with this text.
    pub(super) fn fail(&self, text: String) -> ! {
        let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = failed.entry(self.test.clone().unwrap_or_default()).or_default();
        if let Some(mine) = mine.get_mut(self.number) {
            *mine = Some(text.clone());
        }
        drop(failed);
        panic!("{text}");
    }
}

/// Gives the answers to the process that wants them.
pub(super) fn answer(outcome: &RunOutcome) -> ! {
    println!("\n{MARK}{}", serde_json::to_string(outcome).unwrap_or_default());
    std::process::exit(0)
}

/// The name of the test that this is: the only one that is run, or else that of its thread. With
/// one test thread, in a task on a thread of tokio's and in a documentation test it is not known.
fn test() -> Option<String> {
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
