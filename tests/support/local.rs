//! A function under its local runner, one event at a time: the time that passes between two of them
//! is what `--idle` says, so that an hour of a container's life takes as long as its invocations.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::TIMEOUT;

/// A function that waits for its next event on stdin, killed when dropped.
#[derive(Debug)]
pub struct Local {
    _process: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Arc<Mutex<Vec<String>>>,
}

impl Local {
    /// Starts `program` with no environment but this, and this idle gap before each event but the
    /// first.
    pub fn spawn(program: impl AsRef<Path>, idle: &str, environment: &[(&str, &str)]) -> Local {
        Self::spawn_with(program, &["--idle", idle], environment)
    }

    /// The same with other arguments.
    pub fn spawn_with(
        program: impl AsRef<Path>,
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Local {
        let program = program.as_ref();
        let mut process = Command::new(program)
            .args(args)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
        let stdin = process.stdin.take().expect("a piped stdin");
        let stdout = BufReader::new(process.stdout.take().expect("a piped stdout")).lines();
        let mut pipe = BufReader::new(process.stderr.take().expect("a piped stderr")).lines();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&stderr);
        tokio::spawn(async move {
            while let Ok(Some(line)) = pipe.next_line().await {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Local { _process: process, stdin, stdout, stderr }
    }

    /// Invokes the function. An error is the object with `errorType` and `errorMessage`.
    pub async fn invoke(&mut self, event: Value) -> Result<Value, Value> {
        let answer = tokio::time::timeout(TIMEOUT, async {
            self.stdin.write_all(format!("{event}\n").as_bytes()).await.ok()?;
            self.stdout.next_line().await.ok()?
        });
        let Ok(Some(line)) = answer.await else {
            panic!("no answer to {event}\n{}", self.stderr().join("\n"));
        };
        let answer: Value = serde_json::from_str(&line).expect("an answer in JSON");
        match answer.get("errorType") {
            None => Ok(answer),
            Some(_) => Err(answer),
        }
    }

    /// The lines printed to standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
