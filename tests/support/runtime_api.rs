//! AWS Lambda's side of a function: a server of the Runtime API and of as much of the Extensions API
//! as a runtime uses. Tests enqueue invocations and await their outcomes; whatever a runtime does
//! against the protocol is refused and recorded.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{
    TIMEOUT,
    http::{Headers, Request, Response, read_request, write_response},
    process::Process,
};

/// How long an answer may still be under way after the last process has exited.
const GRACE: Duration = Duration::from_secs(1);

const FUNCTION_ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:test";
const FUNCTION_ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// An event to be handled, with what Lambda tells a runtime about it.
#[derive(Clone, Debug)]
pub struct Invocation {
    body: Vec<u8>,
    deadline: Duration,
    request_id: Option<String>,
    headers: Headers,
}

impl Invocation {
    /// An invocation with that JSON as its event.
    pub fn json(event: impl Into<Value>) -> Invocation {
        Invocation::raw(event.into().to_string())
    }

    /// An invocation with these bytes as its event, JSON or not.
    pub fn raw(body: impl Into<Vec<u8>>) -> Invocation {
        Invocation {
            body: body.into(),
            deadline: Duration::from_secs(30),
            request_id: None,
            headers: Headers::default(),
        }
    }

    /// Sets how long after its delivery to a runtime the invocation's deadline is: 30 seconds unless
    /// told. The server does not enforce it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the request id, in place of a new one.
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// Sets the X-Ray trace id; there is none unless set.
    pub fn trace_id(self, trace_id: impl Into<String>) -> Self {
        self.header("Lambda-Runtime-Trace-Id", trace_id)
    }

    /// Adds a header, such as `Lambda-Runtime-Client-Context`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }
}

impl From<Value> for Invocation {
    fn from(event: Value) -> Invocation {
        Invocation::json(event)
    }
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The response's body, or the reported error.
    pub result: Result<Vec<u8>, ErrorReport>,
    /// When the runtime got the event.
    pub delivered: Instant,
    /// When the answer had arrived in whole.
    pub answered: Instant,
    /// The headers of the answer, such as `Content-Type` and
    /// `Lambda-Runtime-Function-Response-Mode`.
    pub headers: Headers,
    /// What followed the body of a streamed response.
    pub trailers: Headers,
}

impl Outcome {
    /// The response's body.
    ///
    /// Panics if there is an error instead.
    pub fn bytes(&self) -> &[u8] {
        match &self.result {
            Ok(body) => body,
            Err(error) => panic!("the invocation failed: {}", error.json),
        }
    }

    /// The response's body as JSON.
    ///
    /// Panics if it is not JSON or there is an error instead.
    pub fn json(&self) -> Value {
        let body = self.bytes();
        serde_json::from_slice(body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(body)))
    }

    /// The reported error.
    ///
    /// Panics if there is a response instead.
    pub fn error(&self) -> &ErrorReport {
        match &self.result {
            Ok(body) => panic!("no error but {:?}", String::from_utf8_lossy(body)),
            Err(error) => error,
        }
    }

    /// The error type that the trailers of a streamed response report, if they do.
    pub fn trailing_error_type(&self) -> Option<&str> {
        self.trailers.get(FUNCTION_ERROR_TYPE)
    }
}

/// An error as a runtime reports it: of an invocation, of the initialization or of a restore.
#[derive(Clone, Debug)]
pub struct ErrorReport {
    /// `errorType` of the body.
    pub error_type: String,
    /// `errorMessage` of the body.
    pub error_message: String,
    /// The header `Lambda-Runtime-Function-Error-Type`.
    pub function_error_type: Option<String>,
    /// All headers.
    pub headers: Headers,
    /// The whole body.
    pub json: Value,
}

/// A registered extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The events it asked for.
    pub events: Vec<String>,
}

/// A running server of the Runtime API, stopped when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Starts a server on a free port of the loopback interface.
    pub async fn start() -> RuntimeApi {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.expect("listen on a loopback port");
        let address = listener.local_addr().expect("the address listened on");
        let shared = Arc::new(Shared::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        RuntimeApi { address, shared, server }
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Enqueues an event and awaits its outcome.
    pub async fn invoke(&self, event: impl Into<Value>) -> Outcome {
        self.send(Invocation::json(event)).outcome().await
    }

    /// Enqueues an invocation and awaits its outcome.
    pub async fn invoke_raw(&self, invocation: Invocation) -> Outcome {
        self.send(invocation).outcome().await
    }

    /// Enqueues an invocation, or an event as `serde_json`'s `Value`, to await its outcome later.
    pub fn send(&self, invocation: impl Into<Invocation>) -> Pending {
        let invocation = invocation.into();
        let request_id = self.shared.modify(|state| state.enqueue(invocation));
        Pending { shared: Arc::clone(&self.shared), request_id }
    }

    /// Waits until a runtime is idle: no event is queued and somebody waits for the next one.
    pub async fn wait_for_next(&self) {
        self.wait_for_pollers(1).await;
    }

    /// Waits until no event is queued and at least `count` requests wait for the next one, as with
    /// a runtime that handles `count` invocations at a time.
    pub async fn wait_for_pollers(&self, count: usize) {
        let awaited = format!("{count} idle polls of /invocation/next");
        let is_idle = |state: &State| {
            let is_idle = state.queue.is_empty()
                && state.polls_to_drop == 0
                && state.count_waiting(Poll::Invocation) >= count;
            is_idle.then_some(())
        };
        self.shared.wait_until(&awaited, is_idle).await;
    }

    /// How many times `/invocation/next` has been requested.
    pub fn polls(&self) -> usize {
        self.shared.state.borrow().polls
    }

    /// Makes `count` polls of `/invocation/next` fail, those that wait now first, by closing their
    /// connections without an answer.
    pub fn drop_polls(&self, count: usize) {
        self.shared.modify(|state| state.polls_to_drop += count);
    }

    /// Waits until a runtime has reported that its initialization failed, and returns the first such
    /// report.
    pub async fn wait_for_init_error(&self) -> ErrorReport {
        self.shared
            .wait_until("a report to /init/error", |state| state.init_errors.first().cloned())
            .await
    }

    /// The failures of initialization reported so far.
    pub fn init_errors(&self) -> Vec<ErrorReport> {
        self.shared.state.borrow().init_errors.clone()
    }

    /// Waits until a runtime is ready for its snapshot: somebody waits at `/restore/next`.
    pub async fn wait_for_restore_next(&self) {
        self.shared
            .wait_until("a poll of /restore/next", |state| {
                (state.count_waiting(Poll::Restore) > 0).then_some(())
            })
            .await;
    }

    /// Lets the runtimes at `/restore/next`, and those that will come there, go on as if restored
    /// from a snapshot.
    pub fn restore(&self) {
        self.shared.modify(|state| state.is_restored = true);
    }

    /// The failures after a restore reported so far.
    pub fn restore_errors(&self) -> Vec<ErrorReport> {
        self.shared.state.borrow().restore_errors.clone()
    }

    /// The extensions registered so far.
    pub fn extensions(&self) -> Vec<Extension> {
        self.shared.state.borrow().extensions.clone()
    }

    /// What was done against the protocol so far, described one by one: answers to unknown or
    /// answered invocations, malformed or unknown requests, requests cut short.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state.borrow().violations.clone()
    }

    /// Makes a process known, to show its output if something is awaited in vain. What is returned
    /// is to be called when the process has exited.
    pub(crate) fn attach(&self, process: Arc<Process>) -> impl FnOnce() + Send + 'static {
        self.shared.modify(|state| state.processes.push(process));
        let shared = Arc::clone(&self.shared);
        move || shared.modify(|_| ())
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An invocation whose outcome is yet to be awaited.
#[derive(Debug)]
pub struct Pending {
    shared: Arc<Shared>,
    request_id: String,
}

impl Pending {
    /// The invocation's request id.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Whether a runtime has the event or has had it.
    pub fn is_delivered(&self) -> bool {
        let state = self.shared.state.borrow();
        !matches!(state.stages.get(&self.request_id), Some(Stage::Queued))
    }

    /// Whether the invocation has been answered.
    pub fn is_answered(&self) -> bool {
        let state = self.shared.state.borrow();
        matches!(state.stages.get(&self.request_id), Some(Stage::Answered(_)))
    }

    /// Waits until a runtime has the event.
    pub async fn delivered(&self) {
        let awaited = format!("the delivery of invocation {}", self.request_id);
        let is_delivered = |state: &State| match state.stages.get(&self.request_id) {
            Some(Stage::Queued) => None,
            _ => Some(()),
        };
        self.shared.wait_until(&awaited, is_delivered).await;
    }

    /// Awaits the outcome.
    pub async fn outcome(self) -> Outcome {
        let awaited = format!("the outcome of invocation {}", self.request_id);
        let outcome = |state: &State| match state.stages.get(&self.request_id) {
            Some(Stage::Answered(outcome)) => Some(Arc::clone(outcome)),
            _ => None,
        };
        let outcome = self.shared.wait_until(&awaited, outcome).await;
        Arc::unwrap_or_clone(outcome)
    }
}

/// The state of a server and what can be done with it, from the test's side and the runtime's.
#[derive(Debug, Default)]
struct Shared {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Events that no runtime has got yet.
    queue: VecDeque<Event>,
    /// All invocations by request id.
    stages: HashMap<String, Stage>,
    /// The long polls that wait, by numbers of their own.
    waiting: BTreeMap<usize, Poll>,
    polls: usize,
    polls_to_drop: usize,
    is_restored: bool,
    init_errors: Vec<ErrorReport>,
    restore_errors: Vec<ErrorReport>,
    extensions: Vec<Extension>,
    violations: Vec<String>,
    processes: Vec<Arc<Process>>,
    /// The last number given to an invocation or a long poll.
    last_number: usize,
}

/// An invocation in the queue.
#[derive(Debug)]
struct Event {
    request_id: String,
    invocation: Invocation,
}

/// What became of an invocation.
#[derive(Debug)]
enum Stage {
    Queued,
    Delivered(Instant),
    Answered(Arc<Outcome>),
}

/// The endpoints where runtimes wait for the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    Invocation,
    Restore,
}

/// What the server does about a request.
enum Reply {
    Send(Response),
    /// Hands out an event, which goes back to the queue if it cannot be sent.
    Deliver(Event),
    /// Closes the connection.
    Drop,
}

impl State {
    fn next_number(&mut self) -> usize {
        self.last_number += 1;
        self.last_number
    }

    fn count_waiting(&self, poll: Poll) -> usize {
        self.waiting.values().filter(|p| **p == poll).count()
    }

    /// Puts an invocation into the queue and returns its request id.
    fn enqueue(&mut self, invocation: Invocation) -> String {
        let number = self.next_number();
        let request_id = match &invocation.request_id {
            Some(request_id) => request_id.clone(),
            None => format!("00000000-0000-4000-8000-{number:012x}"),
        };
        // A retried invocation has the id of the one that failed.
        assert!(
            matches!(self.stages.get(&request_id), None | Some(Stage::Answered(_))),
            "invocation {request_id} is still under way"
        );
        self.stages.insert(request_id.clone(), Stage::Queued);
        self.queue.push_back(Event { request_id: request_id.clone(), invocation });
        request_id
    }

    /// What the long poll of that number gets now, if anything.
    fn answer_poll(&mut self, number: usize, poll: Poll) -> Option<Reply> {
        let reply = match poll {
            Poll::Invocation if self.polls_to_drop > 0 => {
                self.polls_to_drop -= 1;
                Reply::Drop
            }
            Poll::Invocation => {
                let event = self.queue.pop_front()?;
                let stage = Stage::Delivered(Instant::now());
                self.stages.insert(event.request_id.clone(), stage);
                Reply::Deliver(event)
            }
            Poll::Restore if self.is_restored => Reply::Send(json_response(200, &json!({}))),
            Poll::Restore => return None,
        };
        self.waiting.remove(&number);
        Some(reply)
    }

    /// Takes back an event that did not reach its runtime.
    fn take_back(&mut self, event: Event) {
        self.stages.insert(event.request_id.clone(), Stage::Queued);
        self.queue.push_front(event);
    }

    /// Ends an invocation with the response or error in `request`.
    fn answer(&mut self, request_id: &str, request: Request, is_error: bool) -> Response {
        let problem = match self.stages.get(request_id) {
            Some(Stage::Delivered(delivered)) => {
                let delivered = *delivered;
                let headers = request.headers.clone();
                let trailers = request.trailers.clone();
                let result =
                    if is_error { Err(self.error_report(request)) } else { Ok(request.body) };
                let outcome = Arc::new(Outcome {
                    result,
                    delivered,
                    answered: Instant::now(),
                    headers,
                    trailers,
                });
                self.stages.insert(request_id.to_owned(), Stage::Answered(outcome));
                return accepted();
            }
            Some(Stage::Answered(_)) => "which has been answered already",
            Some(Stage::Queued) => "which has not been delivered",
            None => "which is unknown",
        };
        self.refuse(
            400,
            "InvalidRequestID",
            format!("{} answers invocation {request_id}, {problem}", request.path),
        )
    }

    /// The error that a request reports.
    fn error_report(&mut self, request: Request) -> ErrorReport {
        let json: Value = serde_json::from_slice(&request.body).unwrap_or_else(|error| {
            let text = String::from_utf8_lossy(&request.body).into_owned();
            let violation = format!("{}: body is not JSON ({error}): {text}", request.path);
            self.violations.push(violation);
            Value::String(text)
        });
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        ErrorReport {
            error_type: text("errorType"),
            error_message: text("errorMessage"),
            function_error_type: request.headers.get(FUNCTION_ERROR_TYPE).map(str::to_owned),
            headers: request.headers,
            json,
        }
    }

    fn register_extension(&mut self, request: &Request) -> Response {
        /// The body of a registration.
        #[derive(Deserialize)]
        struct Registration {
            #[serde(default)]
            events: Vec<String>,
        }

        let name = request.headers.get("lambda-extension-name");
        let registration = serde_json::from_slice::<Registration>(&request.body);
        let (Some(name), Ok(registration)) = (name, registration) else {
            let body = String::from_utf8_lossy(&request.body);
            let violation = format!("registration of an extension named {name:?} with {body}");
            return self.refuse(400, "InvalidRequestFormat", violation);
        };
        self.extensions.push(Extension { name: name.to_owned(), events: registration.events });
        let mut response = json_response(
            200,
            &json!({
                "functionName": "test",
                "functionVersion": "$LATEST",
                "handler": "bootstrap",
            }),
        );
        let identifier = extension_identifier(self.extensions.len());
        response.headers.push("Lambda-Extension-Identifier", identifier);
        response
    }

    /// Whether the request bears the identifier of a registered extension.
    fn is_from_extension(&self, request: &Request) -> bool {
        let identifier = request.headers.get("lambda-extension-identifier");
        (1..=self.extensions.len()).any(|n| identifier == Some(&extension_identifier(n)))
    }

    /// Records a violation and returns the response that says so.
    fn refuse(&mut self, status: u16, error_type: &str, violation: String) -> Response {
        let body = json!({ "errorType": error_type, "errorMessage": violation });
        self.violations.push(violation);
        json_response(status, &body)
    }
}

impl Shared {
    /// Changes the state, which wakes all who wait for something.
    fn modify<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut result = None;
        self.state.send_modify(|state| result = Some(change(state)));
        result.expect("the result of a change made")
    }

    /// Waits until `check` finds what it looks for.
    ///
    /// Panics if that takes too long, or at once if there were processes and none is left.
    async fn wait_until<T>(&self, awaited: &str, check: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.state.subscribe();
        let timeout = tokio::time::sleep(TIMEOUT);
        tokio::pin!(timeout);
        let problem = loop {
            let none_left = {
                let state = changes.borrow_and_update();
                if let Some(found) = check(&state) {
                    return found;
                }
                let has_exited = |process: &Arc<Process>| process.exit_status().is_some();
                !state.processes.is_empty() && state.processes.iter().all(has_exited)
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = &mut timeout => break "in vain",
                () = tokio::time::sleep(GRACE), if none_left => break "but no process is left",
            }
        };
        let state = self.state.borrow();
        let processes: Vec<_> = state.processes.iter().map(|p| p.describe()).collect();
        let processes = match processes.as_slice() {
            [] => "no process was started".to_owned(),
            some => some.join("\n"),
        };
        let violations = match state.violations.as_slice() {
            [] => String::new(),
            some => format!("\nviolations of the protocol:\n{}", some.join("\n")),
        };
        panic!("waited for {awaited} {problem}\n{processes}{violations}");
    }

    /// Waits as a long poll of a runtime.
    async fn poll(&self, poll: Poll) -> Reply {
        /// Ends the wait of a poll, answered or given up.
        struct Waiting<'a>(&'a Shared, usize);

        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                let end_wait = |state: &mut State| state.waiting.remove(&self.1).is_some();
                self.0.state.send_if_modified(end_wait);
            }
        }

        let waiting = Waiting(
            self,
            self.modify(|state| {
                state.polls += usize::from(poll == Poll::Invocation);
                let number = state.next_number();
                state.waiting.insert(number, poll);
                number
            }),
        );
        let mut changes = self.state.subscribe();
        loop {
            changes.mark_unchanged();
            let mut reply = None;
            self.state.send_if_modified(|state| {
                reply = state.answer_poll(waiting.1, poll);
                reply.is_some()
            });
            match reply {
                Some(reply) => return reply,
                None => {
                    let _ = changes.changed().await;
                }
            }
        }
    }

    /// Decides what is done about a request, now or, for a long poll, when the time has come.
    async fn respond(&self, request: Request) -> Reply {
        let path = request.path.clone();
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let response = match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["2018-06-01", "runtime", "invocation", "next"]) => {
                return self.poll(Poll::Invocation).await;
            }
            ("GET", ["2018-06-01", "runtime", "restore", "next"]) => {
                return self.poll(Poll::Restore).await;
            }
            ("POST", ["2018-06-01", "runtime", "invocation", id, "response"]) => {
                self.modify(|state| state.answer(id, request, false))
            }
            ("POST", ["2018-06-01", "runtime", "invocation", id, "error"]) => {
                self.modify(|state| state.answer(id, request, true))
            }
            ("POST", ["2018-06-01", "runtime", "init", "error"]) => self.modify(|state| {
                let report = state.error_report(request);
                state.init_errors.push(report);
                accepted()
            }),
            ("POST", ["2018-06-01", "runtime", "restore", "error"]) => self.modify(|state| {
                let report = state.error_report(request);
                state.restore_errors.push(report);
                accepted()
            }),
            ("POST", ["2020-01-01", "extension", "register"]) => {
                self.modify(|state| state.register_extension(&request))
            }
            ("GET", ["2020-01-01", "extension", "event", "next"]) => {
                if self.state.borrow().is_from_extension(&request) {
                    return std::future::pending().await;
                }
                let violation = format!("{path} was requested by no registered extension");
                self.modify(|state| state.refuse(403, "InvalidExtensionIdentifier", violation))
            }
            (method, _) => {
                let violation = format!("{method} {path} is not known");
                self.modify(|state| state.refuse(404, "NotFound", violation))
            }
        };
        Reply::Send(response)
    }

    /// Serves the requests of a connection until it is closed.
    async fn serve_connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        loop {
            let request = match read_request(&mut stream).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let violation = format!("malformed request: {error}");
                    let response =
                        self.modify(|state| state.refuse(400, "InvalidRequestFormat", violation));
                    return write_response(&mut stream, &response, false).await;
                }
            };
            let keep_alive = request.keep_alive;
            let is_long_poll = request.method == "GET";
            let reply = tokio::select! {
                biased;
                // An event must not go to a runtime that is not there any more.
                () = closed(&mut stream), if is_long_poll => return Ok(()),
                reply = self.respond(request) => reply,
            };
            match reply {
                Reply::Send(response) => {
                    write_response(&mut stream, &response, keep_alive).await?;
                }
                Reply::Deliver(event) => {
                    let sent = write_response(&mut stream, &event.response(), keep_alive).await;
                    if sent.is_err() {
                        self.modify(|state| state.take_back(event));
                    }
                    sent?;
                }
                Reply::Drop => return Ok(()),
            }
            if !keep_alive {
                return Ok(());
            }
        }
    }
}

impl Event {
    /// The response that delivers the event now.
    fn response(&self) -> Response {
        let deadline = SystemTime::now() + self.invocation.deadline;
        let deadline = deadline.duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let mut headers = self.invocation.headers.clone();
        headers.push("Content-Type", "application/json");
        headers.push("Lambda-Runtime-Aws-Request-Id", &self.request_id);
        headers.push("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string());
        headers.push("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN);
        Response { status: 200, headers, body: self.invocation.body.clone() }
    }
}

/// Accepts connections for as long as the server lives, and takes them down with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("accept a connection");
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A connection that breaks is the client's business; what it had sent by then
                    // and was wrong is recorded.
                    let _ = shared.serve_connection(stream).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Waits until the peer has closed the connection, for ever if it sends anything before.
async fn closed(stream: &mut (impl AsyncBufRead + Unpin)) {
    match stream.fill_buf().await {
        Ok([]) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}

/// What Lambda replies to an answer or report.
fn accepted() -> Response {
    json_response(202, &json!({ "status": "OK" }))
}

fn json_response(status: u16, body: &Value) -> Response {
    let mut headers = Headers::default();
    headers.push("Content-Type", "application/json");
    Response { status, headers, body: body.to_string().into_bytes() }
}

/// The identifier of the extension that was registered as the `number`th.
fn extension_identifier(number: usize) -> String {
    format!("00000000-0000-4000-9000-{number:012x}")
}
