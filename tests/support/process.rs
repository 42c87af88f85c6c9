//! The functions under test as processes: [`Function`] runs a program with Lambda's environment,
//! collects its output and kills it in the end.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{RuntimeApi, TIMEOUT, emf_lines};

/// The time limit of reading the pipes of an exited process. A child of the process may hold them
/// open.
const PIPES_LINGER: Duration = Duration::from_secs(1);

/// The variables that Lambda sets for every function, besides the address of the Runtime API.
const ENVIRONMENT: [(&str, &str); 13] = [
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_FUNCTION_NAME", "test"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]00000000000000000000000000000000"),
    ("AWS_REGION", "eu-central-1"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("_HANDLER", "bootstrap"),
];

/// A running function, killed when dropped.
#[derive(Debug)]
pub struct Function {
    process: Arc<Process>,
    supervisor: JoinHandle<()>,
}

impl Function {
    /// Starts `program` with the environment of Lambda and `api` as its Runtime API.
    pub fn spawn(api: &RuntimeApi, program: impl AsRef<Path>) -> Function {
        Function::builder(program).spawn(api)
    }

    /// A function that is not started yet, with the environment of Lambda.
    pub fn builder(program: impl AsRef<Path>) -> FunctionBuilder {
        let path = env::var_os("PATH").map(|path| ("PATH".into(), path));
        let lambda = ENVIRONMENT.map(|(key, value)| (key.into(), value.into()));
        FunctionBuilder {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: path.into_iter().chain(lambda).collect(),
            is_lambda: true,
            input: None,
        }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// The lines printed to standard output so far.
    pub fn stdout(&self) -> Vec<String> {
        self.process.record.borrow().stdout.clone()
    }

    /// The lines printed to standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.process.record.borrow().stderr.clone()
    }

    /// Waits until a line that contains `text` has been printed, and returns it.
    pub async fn wait_for_output(&self, text: &str) -> String {
        let line_with = |record: &Record| {
            let mut lines = record.stdout.iter().chain(&record.stderr);
            lines.find(|line| line.contains(text)).cloned()
        };
        let awaited = format!("a line with {text:?}");
        self.wait_until(&awaited, line_with).await
    }

    /// The exit status of the process if it has exited.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.process.exit_status()
    }

    /// Waits until the process has exited and all its output has been read.
    pub async fn wait(&self) -> ExitStatus {
        self.wait_until("the process's exit", |record| record.exit).await
    }

    /// Sends the process a signal: `"TERM"`, `"STOP"`, `"CONT"`, `"KILL"`…
    pub fn signal(&self, name: &str) {
        // The id of an exited process may belong to another one.
        assert!(
            self.exit_status().is_none(),
            "no process to send {name} to\n{}",
            self.process.describe()
        );
        let kill = std::process::Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .output()
            .expect("run the kill command");
        assert!(
            kill.status.success(),
            "signal {name} could not be sent: {}\n{}",
            String::from_utf8_lossy(&kill.stderr),
            self.process.describe(),
        );
    }

    /// The resident memory of the process in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let kibibytes = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        });
        match kibibytes {
            Some(kibibytes) => kibibytes * 1024,
            None => panic!("no memory to measure\n{}", self.process.describe()),
        }
    }

    /// Waits until `check` returns a value for the record of the process.
    ///
    /// Panics if the process exits before or after [`TIMEOUT`].
    async fn wait_until<T>(&self, awaited: &str, check: impl Fn(&Record) -> Option<T>) -> T {
        let mut record = self.process.record.subscribe();
        let is_over = |record: &Record| check(record).is_some() || record.exit.is_some();
        let found = match tokio::time::timeout(TIMEOUT, record.wait_for(is_over)).await {
            Ok(Ok(record)) => check(&record),
            Ok(Err(_)) | Err(_) => None,
        };
        found.unwrap_or_else(|| panic!("waited for {awaited}\n{}", self.process.describe()))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // The supervisor owns the child, which is killed when dropped.
        self.supervisor.abort();
        if !std::thread::panicking() {
            // In every test, the metrics on stdout have to follow the rules of CloudWatch.
            let record = self.process.record.borrow();
            emf_lines(&record.stdout);
            emf_lines(&record.stderr);
        }
    }
}

/// A [`Function`] that is not started yet.
#[derive(Clone, Debug)]
pub struct FunctionBuilder {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    is_lambda: bool,
    input: Option<Vec<u8>>,
}

impl FunctionBuilder {
    /// Adds a command line argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds command line arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments.extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable, in place of Lambda's if it has one of that name.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the standard input, which is empty by default.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Removes the variables of Lambda, as on a developer's machine.
    pub fn outside_lambda(mut self) -> Self {
        let lambda = |key: &OsStr| ENVIRONMENT.iter().any(|(name, _)| *name == key);
        self.environment.retain(|(key, _)| !lambda(key));
        self.is_lambda = false;
        self
    }

    /// Starts the process, with `api` as its Runtime API.
    pub fn spawn(self, api: &RuntimeApi) -> Function {
        let address = self.is_lambda.then(|| ("AWS_LAMBDA_RUNTIME_API", api.address()));
        let stdin = match self.input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        };
        let mut child = Command::new(&self.program)
            .args(self.arguments)
            .env_clear()
            .envs(address)
            .envs(self.environment)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", self.program.display()));
        if let (Some(input), Some(mut stdin)) = (self.input, child.stdin.take()) {
            // A process may exit before it has read everything, which breaks the pipe.
            tokio::spawn(async move { stdin.write_all(&input).await });
        }
        let process = Arc::new(Process {
            program: self.program,
            pid: child.id().expect("the id of a new process"),
            record: watch::Sender::default(),
        });
        let announce_exit = api.attach(Arc::clone(&process));
        let supervised = Arc::clone(&process);
        let supervisor = tokio::spawn(async move {
            supervised.supervise(child).await;
            announce_exit();
        });
        Function { process, supervisor }
    }
}

/// A process, shared with the Runtime API, whose failures show its output.
#[derive(Debug)]
pub(crate) struct Process {
    program: PathBuf,
    pid: u32,
    record: watch::Sender<Record>,
}

/// The output of a process so far, and its exit.
#[derive(Debug, Default)]
struct Record {
    stdout: Vec<String>,
    stderr: Vec<String>,
    exit: Option<ExitStatus>,
}

impl Process {
    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        self.record.borrow().exit
    }

    /// The state and output of the process, for a panic's message.
    pub(crate) fn describe(&self) -> String {
        let record = self.record.borrow();
        let state = match record.exit {
            Some(status) => status.to_string(),
            None => "running".to_owned(),
        };
        let mut text = format!("{} (pid {}): {state}", self.program.display(), self.pid);
        for (name, lines) in [("stdout", &record.stdout), ("stderr", &record.stderr)] {
            let _ = write!(text, "\n--- {name}: {} lines", lines.len());
            for line in lines {
                let _ = write!(text, "\n{line}");
            }
        }
        text
    }

    /// Reads what the process prints until it has exited.
    async fn supervise(&self, mut child: Child) {
        let stdout = child.stdout.take().expect("a piped stdout");
        let stderr = child.stderr.take().expect("a piped stderr");
        let mut reading = pin!(async {
            tokio::join!(
                self.read_lines(stdout, |record| &mut record.stdout),
                self.read_lines(stderr, |record| &mut record.stderr),
            )
        });
        let mut is_read = false;
        let exit = loop {
            tokio::select! {
                exit = child.wait() => break exit.expect("the exit status of a child"),
                _ = &mut reading, if !is_read => is_read = true,
            }
        };
        if !is_read {
            let _ = tokio::time::timeout(PIPES_LINGER, reading).await;
        }
        self.record.send_modify(|record| record.exit = Some(exit));
    }

    async fn read_lines(
        &self,
        pipe: impl AsyncRead + Unpin,
        target: fn(&mut Record) -> &mut Vec<String>,
    ) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            self.record.send_modify(|record| target(record).push(text.into_owned()));
            line.clear();
        }
    }
}
