//! A server of AWS Lambda's Runtime API, and of the part of the Extensions API that a runtime uses.
//! Tests enqueue invocations and await their outcomes. The server refuses and records violations of
//! the protocol.

mod invocation;
mod server;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::process::Process;
use state::{Poll, Shared, Stage, State};

pub use invocation::{ErrorReport, Extension, Invocation, Outcome, PollFault, PostFault};

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
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
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

    /// Waits until a runtime is idle: no event is queued, and a request waits for the next one.
    pub async fn wait_for_next(&self) {
        self.wait_for_pollers(1).await;
    }

    /// Waits until no event is queued and at least `count` requests wait for the next one, as with
    /// a runtime that handles `count` concurrent invocations.
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

    /// The number of requests to `/invocation/next`.
    pub fn polls(&self) -> usize {
        self.shared.state.borrow().polls
    }

    /// Makes `count` polls of `/invocation/next` fail by closing their connections without a
    /// response. Waiting polls fail first.
    pub fn drop_polls(&self, count: usize) {
        self.shared.modify(|state| state.polls_to_drop += count);
    }

    /// Waits until a runtime has reported a failed initialization, and returns the first report.
    pub async fn wait_for_init_error(&self) -> ErrorReport {
        self.shared
            .wait_until("a report to /init/error", |state| state.init_errors.first().cloned())
            .await
    }

    /// The failures of initialization reported so far.
    pub fn init_errors(&self) -> Vec<ErrorReport> {
        self.shared.state.borrow().init_errors.clone()
    }

    /// Waits until a runtime is ready for its snapshot: a request waits at `/restore/next`.
    pub async fn wait_for_restore_next(&self) {
        self.shared
            .wait_until("a poll of /restore/next", |state| {
                (state.count_waiting(Poll::Restore) > 0).then_some(())
            })
            .await;
    }

    /// Answers all requests to `/restore/next`, waiting and future ones, as after a restore from a
    /// snapshot.
    pub fn restore(&self) {
        self.shared.modify(|state| state.is_restored = true);
    }

    /// The failures of restores reported so far.
    pub fn restore_errors(&self) -> Vec<ErrorReport> {
        self.shared.state.borrow().restore_errors.clone()
    }

    /// The extensions registered so far.
    pub fn extensions(&self) -> Vec<Extension> {
        self.shared.state.borrow().extensions.clone()
    }

    /// The violations of the protocol so far: responses to unknown or completed invocations,
    /// malformed or unknown requests, requests cut short.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state.borrow().violations.clone()
    }

    /// Registers a process, whose output a failed wait shows. The caller calls the returned function
    /// when the process has exited.
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

/// An invocation under way.
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

    /// True once a runtime has received the event.
    pub fn is_delivered(&self) -> bool {
        let state = self.shared.state.borrow();
        !matches!(state.stages.get(&self.request_id), Some(Stage::Queued))
    }

    /// True once the invocation has ended.
    pub fn is_answered(&self) -> bool {
        let state = self.shared.state.borrow();
        matches!(state.stages.get(&self.request_id), Some(Stage::Answered(_)))
    }

    /// Waits until a runtime has received the event.
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
