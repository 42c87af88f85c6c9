//! The state of the Runtime API, and the waits for a change of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::invocation::{
    ErrorReport, Extension, FUNCTION_ERROR_TYPE, Invocation, Outcome, PollFault, PostFault,
};
use crate::TIMEOUT;
use crate::http::{Headers, Request, Response};
use crate::process::Process;

/// The time limit for a response after the last process has exited.
const GRACE: Duration = Duration::from_secs(1);

/// The state of a server, shared by the test and the connections of runtimes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) state: watch::Sender<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Events that no runtime has received yet.
    pub(super) queue: VecDeque<Event>,
    /// All invocations by request id.
    pub(super) stages: HashMap<String, Stage>,
    /// The waiting long polls by number.
    pub(super) waiting: BTreeMap<usize, Poll>,
    pub(super) polls: usize,
    pub(super) polls_to_drop: usize,
    pub(super) is_restored: bool,
    pub(super) init_errors: Vec<ErrorReport>,
    pub(super) restore_errors: Vec<ErrorReport>,
    pub(super) extensions: Vec<Extension>,
    pub(super) violations: Vec<String>,
    pub(super) processes: Vec<Arc<Process>>,
    /// The last number given to an invocation or a long poll.
    pub(super) last_number: usize,
}

/// An invocation in the queue.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) invocation: Invocation,
}

/// The stage of an invocation.
#[derive(Debug)]
pub(super) enum Stage {
    Queued,
    Delivered(Delivery),
    Answered(Arc<Outcome>),
}

/// A delivered event.
#[derive(Debug)]
pub(super) struct Delivery {
    at: Instant,
    post_faults: VecDeque<PostFault>,
    /// The path and the body of a post whose connection was closed.
    lost: Option<(String, Vec<u8>)>,
}

/// An endpoint at which runtimes wait for the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    Invocation,
    Restore,
}

/// The reaction to a request.
pub(super) enum Reply {
    Send(Response),
    /// Sends a response and closes the connection, which the response does not announce.
    SendAndClose(Response),
    /// Sends an event, which goes back to the queue if that fails.
    Deliver(Event),
    /// Closes the connection.
    Drop,
}

impl State {
    pub(super) fn next_number(&mut self) -> usize {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn count_waiting(&self, poll: Poll) -> usize {
        self.waiting.values().filter(|p| **p == poll).count()
    }

    /// Puts an invocation into the queue and returns its request id.
    pub(super) fn enqueue(&mut self, invocation: Invocation) -> String {
        let number = self.next_number();
        let request_id = match &invocation.request_id {
            Some(request_id) => request_id.clone(),
            None => format!("00000000-0000-4000-8000-{number:012x}"),
        };
        // A retried invocation has the id of the failed one.
        assert!(
            matches!(self.stages.get(&request_id), None | Some(Stage::Answered(_))),
            "invocation {request_id} is still under way"
        );
        self.stages.insert(request_id.clone(), Stage::Queued);
        self.queue.push_back(Event { request_id: request_id.clone(), invocation });
        request_id
    }

    /// Returns the reply to the long poll of that number if there is one now.
    pub(super) fn answer_poll(&mut self, number: usize, poll: Poll) -> Option<Reply> {
        let reply = match poll {
            Poll::Invocation if self.polls_to_drop > 0 => {
                self.polls_to_drop -= 1;
                Reply::Drop
            }
            Poll::Invocation => {
                let fault = self.queue.front_mut()?.invocation.poll_faults.pop();
                match fault {
                    Some(PollFault::Close) => Reply::Drop,
                    Some(PollFault::Status(status)) => Reply::Send(Response::empty(status)),
                    Some(PollFault::NoRequestId) => Reply::Send(json_response(200, &json!({}))),
                    None => self.deliver()?,
                }
            }
            Poll::Restore if self.is_restored => Reply::Send(json_response(200, &json!({}))),
            Poll::Restore => return None,
        };
        self.waiting.remove(&number);
        Some(reply)
    }

    fn deliver(&mut self) -> Option<Reply> {
        let event = self.queue.pop_front()?;
        let post_faults = event.invocation.post_faults.iter().copied().collect();
        let delivery = Delivery { at: Instant::now(), post_faults, lost: None };
        self.stages.insert(event.request_id.clone(), Stage::Delivered(delivery));
        Some(Reply::Deliver(event))
    }

    /// Puts an event that did not reach its runtime back into the queue.
    pub(super) fn take_back(&mut self, event: Event) {
        self.stages.insert(event.request_id.clone(), Stage::Queued);
        self.queue.push_front(event);
    }

    /// Ends an invocation with the response or error in `request`.
    pub(super) fn answer(&mut self, request_id: &str, request: Request, is_error: bool) -> Reply {
        let problem = match self.stages.get_mut(request_id) {
            Some(Stage::Delivered(delivery)) => {
                let fault = delivery.post_faults.pop_front();
                let post = (request.path.clone(), request.body.clone());
                let is_other = delivery.lost.as_ref().is_some_and(|lost| *lost != post);
                let is_streamed =
                    request.headers.get("lambda-runtime-function-response-mode").is_some();
                if fault == Some(PostFault::Close) && delivery.lost.is_none() && !is_streamed {
                    delivery.lost = Some(post);
                    return Reply::Drop;
                }
                let delivered = delivery.at;
                if is_other {
                    let violation = format!("{} is not what was sent before", request.path);
                    self.violations.push(violation);
                }
                let headers = request.headers.clone();
                let trailers = request.trailers.clone();
                let result =
                    if is_error { Err(self.error_report(request)) } else { Ok(request.body) };
                let answered = Instant::now();
                let outcome = Outcome { result, delivered, answered, headers, trailers };
                self.stages.insert(request_id.to_owned(), Stage::Answered(Arc::new(outcome)));
                return match fault {
                    None => Reply::Send(accepted()),
                    Some(PostFault::Close) => Reply::Drop,
                    Some(PostFault::Refuse(status)) => Reply::Send(Response::empty(status)),
                    Some(PostFault::AcceptAndClose) => Reply::SendAndClose(accepted()),
                };
            }
            Some(Stage::Answered(_)) => "which has been answered already",
            Some(Stage::Queued) => "which has not been delivered",
            None => "which is unknown",
        };
        Reply::Send(self.refuse(
            400,
            "InvalidRequestID",
            format!("{} answers invocation {request_id}, {problem}", request.path),
        ))
    }

    /// Ends the invocation whose response was cut short, if the path in `error` is that of one.
    pub(super) fn cut_short(&mut self, error: &str) {
        let mut segments = error.split('/').skip_while(|segment| *segment != "invocation");
        let Some(request_id) = segments.nth(1) else {
            return;
        };
        if let Some(Stage::Delivered(delivery)) = self.stages.get(request_id) {
            let report = ErrorReport {
                error_type: "(cut short)".to_owned(),
                error_message: error.to_owned(),
                function_error_type: None,
                headers: Headers::default(),
                json: Value::Null,
            };
            let outcome = Outcome {
                result: Err(report),
                delivered: delivery.at,
                answered: Instant::now(),
                headers: Headers::default(),
                trailers: Headers::default(),
            };
            self.stages.insert(request_id.to_owned(), Stage::Answered(Arc::new(outcome)));
        }
    }

    /// The error that a request reports.
    pub(super) fn error_report(&mut self, request: Request) -> ErrorReport {
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

    pub(super) fn register_extension(&mut self, request: &Request) -> Response {
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

    /// True if the request has the identifier of a registered extension.
    pub(super) fn is_from_extension(&self, request: &Request) -> bool {
        let identifier = request.headers.get("lambda-extension-identifier");
        (1..=self.extensions.len()).any(|n| identifier == Some(&extension_identifier(n)))
    }

    /// Records a violation and returns the response that reports it.
    pub(super) fn refuse(&mut self, status: u16, error_type: &str, violation: String) -> Response {
        let body = json!({ "errorType": error_type, "errorMessage": violation });
        self.violations.push(violation);
        json_response(status, &body)
    }
}

impl Shared {
    /// Changes the state and wakes all waiting tasks.
    pub(super) fn modify<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut result = None;
        self.state.send_modify(|state| result = Some(change(state)));
        result.expect("the result of a change made")
    }

    /// Waits until `check` returns a value.
    ///
    /// Panics after [`TIMEOUT`], or earlier if there were processes and all have exited.
    pub(super) async fn wait_until<T>(
        &self,
        awaited: &str,
        check: impl Fn(&State) -> Option<T>,
    ) -> T {
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
}

/// The reply to a response or an error report.
pub(super) fn accepted() -> Response {
    json_response(202, &json!({ "status": "OK" }))
}

pub(super) fn json_response(status: u16, body: &Value) -> Response {
    let mut headers = Headers::default();
    headers.push("Content-Type", "application/json");
    Response { status, headers, body: body.to_string().into_bytes() }
}

/// The identifier of the extension with that number.
fn extension_identifier(number: usize) -> String {
    format!("00000000-0000-4000-9000-{number:012x}")
}
