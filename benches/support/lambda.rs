//! AWS Lambda's side of a function, as fast as it can be made: a thread for each connection, no
//! checks. Events are handed out only when they are asked for, so that functions can take turns.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cargo::cargo_program;
use rustix::process::{Pid, Signal, kill_process};

/// A function's process and the Runtime API that it talks to.
pub struct Function {
    process: Child,
    shared: Arc<Shared>,
    started: Instant,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    event: String,
    /// How many events may still be handed out.
    left: u64,
    handed_out: u64,
    answered: u64,
    errors: u64,
    last_answer: Option<Instant>,
    first_next: Option<Instant>,
}

/// How a process is started.
pub struct Launch {
    /// The program, with what it is run by.
    pub command: Vec<String>,
    /// Beyond what Lambda sets.
    pub env: Vec<(&'static str, String)>,
    /// The number of concurrent invocations.
    pub concurrency: usize,
}

impl Launch {
    /// A program that was built beside this one.
    pub fn program(name: &str) -> Self {
        let command = vec![program(name).to_string_lossy().into_owned()];
        Self { command, env: Vec::new(), concurrency: 1 }
    }

    /// The same under callgrind, which writes its counts to the standard error.
    pub fn under_callgrind(mut self) -> Self {
        let callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        self.command.splice(0..0, callgrind.map(str::to_owned));
        self
    }

    /// Sets the number of concurrent invocations.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: &'static str, value: impl ToString) -> Self {
        self.env.push((name, value.to_string()));
        self
    }

    /// Starts it.
    pub fn start(&self) -> Function {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.expect("a connection"), Arc::clone(&server));
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if self.concurrency > 1 {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", self.concurrency.to_string());
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let started = Instant::now();
        let process = command.spawn().expect("the function's program");
        Function { process, shared, started }
    }
}

impl Function {
    /// The time from its start until it asked for its first event.
    pub fn ready(&self) -> Duration {
        let state = self.wait(|state| state.first_next.is_some());
        state.first_next.map_or(Duration::ZERO, |first| first - self.started)
    }

    /// Sends this many events, and returns the time until the last response has arrived.
    pub fn invoke(&self, event: &str, times: u64) -> Duration {
        let mut state = self.lock();
        event.clone_into(&mut state.event);
        state.left = times;
        let all = state.answered + times;
        let start = Instant::now();
        self.shared.changed.notify_all();
        drop(state);
        let state = self.wait(|state| state.answered >= all);
        assert_eq!(state.errors, 0, "no invocation fails");
        state.last_answer.map_or(Duration::ZERO, |last| last - start)
    }

    /// CPU time that it has spent.
    pub fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.process.id());
        let tasks = std::fs::read_dir(tasks).expect("the process is alive");
        let nanos = |task: PathBuf| {
            let text = std::fs::read_to_string(task.join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        };
        let tasks = tasks.filter_map(|task| nanos(task.ok()?.path()));
        Duration::from_nanos(tasks.sum())
    }

    /// A field of `/proc/PID/status`, in KiB.
    pub fn memory(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let text = std::fs::read_to_string(path).expect("the process is alive");
        let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        let number = line.trim_start_matches(':').split_whitespace().next();
        number.and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Ends it; what it has written to the standard error.
    pub fn stop(mut self) -> String {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process"), Signal::TERM).expect("it is ours");
        let mut text = String::new();
        if let Some(mut stderr) = self.process.stderr.take() {
            let _ = stderr.read_to_string(&mut text);
        }
        self.process.wait().expect("it is ours");
        text
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while !done(&state) {
            let wait = self.shared.changed.wait_timeout(state, Duration::from_secs(1));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
            assert!(stat.is_ok_and(|stat| !stat.contains(") Z ")), "the function is alive");
        }
        state
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        line.clear();
        if !matches!(reader.read_line(&mut line), Ok(1..)) {
            return;
        }
        let (next, error) = (line.starts_with("GET"), line.contains("/error"));
        let mut length = 0;
        loop {
            line.clear();
            if !matches!(reader.read_line(&mut line), Ok(1..)) {
                return;
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            }
        }
        body.resize(length, 0);
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let response = if next {
            hand_out(shared)
        } else {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.answered += 1;
            state.errors += u64::from(error);
            state.last_answer = Some(Instant::now());
            shared.changed.notify_all();
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
        };
        if reader.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

fn hand_out(shared: &Shared) -> String {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.first_next.is_none() {
        state.first_next = Some(Instant::now());
        shared.changed.notify_all();
    }
    let mut state = shared
        .changed
        .wait_while(state, |state| state.left == 0)
        .unwrap_or_else(PoisonError::into_inner);
    state.left -= 1;
    state.handed_out += 1;
    let deadline = std::time::UNIX_EPOCH.elapsed().unwrap_or_default() + Duration::from_secs(60);
    format!(
        "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{:012x}\r\n\
         lambda-runtime-deadline-ms: {}\r\nlambda-runtime-invoked-function-arn: \
         arn:aws:lambda:eu-central-1:123456789012:function:bench\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{}",
        state.handed_out,
        deadline.as_millis(),
        state.event.len(),
        state.event,
    )
}

/// Builds the programs of a package of `functions/`, by itself: so it has the features that it asks
/// for, and no other.
pub fn build(package: &str) {
    let status = Command::new(cargo_program())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--release", "--package", package])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "{package} can be built");
}

/// A program that [`build`] made.
pub fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program");
    let target = here.ancestors().nth(2).expect("target/PROFILE/PROGRAM");
    target.join("release").join(name)
}

/// What callgrind counted.
pub fn collected(stderr: &str) -> Option<f64> {
    let line = stderr.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}
