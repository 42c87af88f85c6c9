//! The endpoints of the Runtime API and of the Extensions API.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::state::{Event, Poll, Reply, Shared, State, accepted};
use crate::http::{Request, Response, read_request, write_cut_off, write_response};

const FUNCTION_ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:test";

/// Accepts connections. They end with the server.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("accept a connection");
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A client may break its connection. Violations until then are recorded.
                    let _ = shared.serve_connection(stream).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Shared {
    /// Serves the requests of a connection until it is closed.
    async fn serve_connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        loop {
            // The client writes the chunks of a body one by one, and waits for the acknowledgement of
            // each: a late one would cost 40 ms.
            #[cfg(target_os = "linux")]
            stream.get_ref().set_quickack(true)?;
            let request = match read_request(&mut stream).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let violation = format!("malformed request: {error}");
                    let response = self.modify(|state| {
                        state.cut_short(&violation);
                        state.refuse(400, "InvalidRequestFormat", violation)
                    });
                    return write_response(&mut stream, &response, false).await;
                }
            };
            let keep_alive = request.keep_alive;
            let is_long_poll = request.method == "GET";
            let reply = tokio::select! {
                biased;
                // An event must not go to a runtime that has disconnected.
                () = closed(&mut stream), if is_long_poll => return Ok(()),
                reply = self.respond(request) => reply,
            };
            match reply {
                Reply::Send(response) => {
                    write_response(&mut stream, &response, keep_alive).await?;
                }
                Reply::SendAndClose(response) => {
                    return write_response(&mut stream, &response, true).await;
                }
                Reply::Deliver(event) if event.invocation.is_cut_off => {
                    return write_cut_off(&mut stream, &event.response()).await;
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

    /// Handles a request: at once, or a long poll as soon as there is something to send.
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
                return self.modify(|state| state.answer(id, request, false));
            }
            ("POST", ["2018-06-01", "runtime", "invocation", id, "error"]) => {
                return self.modify(|state| state.answer(id, request, true));
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

    /// Waits until a long poll of a runtime has a reply.
    async fn poll(&self, poll: Poll) -> Reply {
        /// Removes a poll from the waiting ones, with or without a reply.
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
}

impl Event {
    /// The response that delivers the event now.
    fn response(&self) -> Response {
        let deadline = SystemTime::now() + self.invocation.deadline;
        let deadline = deadline.duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let mut headers = self.invocation.headers.clone();
        for (name, value) in [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", &self.request_id),
            ("Lambda-Runtime-Deadline-Ms", &deadline.as_millis().to_string()),
            ("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN),
        ] {
            if headers.get(name).is_none() {
                headers.push(name, value);
            }
        }
        Response { status: 200, headers, body: self.invocation.body.clone() }
    }
}

/// Waits until the peer closes the connection. Never returns if the peer sends anything before.
async fn closed(stream: &mut (impl AsyncBufRead + Unpin)) {
    match stream.fill_buf().await {
        Ok([]) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}
