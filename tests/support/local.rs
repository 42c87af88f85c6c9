//! A function under the local runner, invoked sequentially. `--idle` simulates the time between two
//! invocations.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::TIMEOUT;

/// A function that reads events from stdin, killed when dropped.
#[derive(Debug)]
pub struct Local {
    _process: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Arc<Mutex<Vec<String>>>,
}

impl Local {
    /// Starts `program` with exactly this environment and this idle gap between two events.
    pub fn spawn(program: impl AsRef<Path>, idle: &str, environment: &[(&str, &str)]) -> Local {
        Self::spawn_with(program, &["--idle", idle], environment)
    }

    /// Starts `program` with exactly these arguments and this environment.
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
        let response = tokio::time::timeout(TIMEOUT, async {
            self.stdin.write_all(format!("{event}\n").as_bytes()).await.ok()?;
            self.stdout.next_line().await.ok()?
        });
        let Ok(Some(line)) = response.await else {
            panic!("no response to {event}\n{}", self.stderr().join("\n"));
        };
        let response: Value = serde_json::from_str(&line).expect("a response in JSON");
        match response.get("errorType") {
            None => Ok(response),
            Some(_) => Err(response),
        }
    }

    /// The lines printed to standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
