//! Invocations, their outcomes, and error reports.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::Headers;

pub(super) const FUNCTION_ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// An event and the headers that Lambda sends with it.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub(super) body: Vec<u8>,
    pub(super) deadline: Duration,
    pub(super) request_id: Option<String>,
    pub(super) headers: Headers,
    pub(super) poll_faults: Vec<PollFault>,
    pub(super) post_faults: Vec<PostFault>,
    pub(super) is_cut_off: bool,
}

/// A poll of `/invocation/next` that delivers no event.
#[derive(Clone, Copy, Debug)]
pub enum PollFault {
    /// The connection is closed without a response.
    Close,
    /// The response has this status and no event.
    Status(u16),
    /// The response has no request id.
    NoRequestId,
}

/// A response or error of a runtime that the server does not accept as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostFault {
    /// The connection is closed without a response. The runtime may send the same once more, unless
    /// it streams; the second one ends the invocation, whether it is closed, too, or not.
    Close,
    /// The response has this status. The invocation has ended.
    Refuse(u16),
    /// It is accepted, and the connection is closed without an announcement.
    AcceptAndClose,
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
            poll_faults: Vec::new(),
            post_faults: Vec::new(),
            is_cut_off: false,
        }
    }

    /// Sets the time from delivery to the deadline: 30 seconds by default. The server does not
    /// enforce it.
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

    /// Sets the polls that fail before the event is delivered.
    pub fn poll_faults(mut self, faults: impl IntoIterator<Item = PollFault>) -> Self {
        self.poll_faults.extend(faults);
        self
    }

    /// Sets what happens to the runtime's first posts for this invocation.
    pub fn post_faults(mut self, faults: impl IntoIterator<Item = PostFault>) -> Self {
        self.post_faults.extend(faults);
        self
    }

    /// Lets the connection break in the middle of the event.
    pub fn cut_off(mut self) -> Self {
        self.is_cut_off = true;
        self
    }

    /// Adds a header, such as `Lambda-Runtime-Client-Context`. One that the server sends itself is
    /// sent so instead.
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

/// The end of an invocation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The response's body, or the reported error.
    pub result: Result<Vec<u8>, ErrorReport>,
    /// The time at which the runtime received the event.
    pub delivered: Instant,
    /// The time at which the response was complete.
    pub answered: Instant,
    /// The headers of the response, such as `Content-Type` and
    /// `Lambda-Runtime-Function-Response-Mode`.
    pub headers: Headers,
    /// The trailers of a streamed response.
    pub trailers: Headers,
}

impl Outcome {
    /// The response's body.
    ///
    /// # Panics
    /// If the invocation failed.
    pub fn bytes(&self) -> &[u8] {
        match &self.result {
            Ok(body) => body,
            Err(error) => panic!("the invocation failed: {}", error.json),
        }
    }

    /// The response's body as JSON.
    ///
    /// # Panics
    /// If the body is not JSON or the invocation failed.
    pub fn json(&self) -> Value {
        let body = self.bytes();
        serde_json::from_slice(body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(body)))
    }

    /// The reported error.
    ///
    /// # Panics
    /// If the invocation succeeded.
    pub fn error(&self) -> &ErrorReport {
        match &self.result {
            Ok(body) => panic!("no error but {:?}", String::from_utf8_lossy(body)),
            Err(error) => error,
        }
    }

    /// The error type in the trailers of a streamed response.
    pub fn trailing_error_type(&self) -> Option<&str> {
        self.trailers.get(FUNCTION_ERROR_TYPE)
    }
}

/// An error report of a runtime: for an invocation, the initialization or a restore.
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
    /// The events that it registered for.
    pub events: Vec<String>,
}
