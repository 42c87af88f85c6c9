//! The client of the Runtime API: polls events, and sends responses, streams and errors.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! A request whose connection breaks is sent once more, on a new connection. A response that the API
//! refuses is not: the API has ended the invocation as failed by then.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use lambda_runtime_api_client::body::sender::Sender;
use lambda_runtime_api_client::{PooledClient, body::Body, build_request};
use serde::Serialize;

use super::environment::Environment;
use crate::base::erased::BoxFuture;
use crate::base::panic::{Panic, catch, catch_async, drop_caught, log_caught};
use crate::error::{BoxError, chain};
use crate::invocation::error::InvocationError;
use crate::invocation::response::{Json, Stream, StreamBody};

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// A client of the Runtime API, and of the Extensions API at the same address.
pub(super) struct RuntimeApi {
    endpoint: Uri,
    connections: usize,
    client: ArcSwap<PooledClient>,
}

/// An invocation that the API has sent, to which exactly one response or error goes.
pub(super) struct Target {
    pub(super) request_id: String,
    /// Tells the API's newer versions which attempt at an invocation a response belongs to.
    pub(super) invocation_id: Option<HeaderValue>,
}

impl Target {
    /// A request to `response` or `error`.
    fn request(
        &self,
        kind: &str,
        headers: &[(&'static str, &'static str)],
        body: Body,
    ) -> Result<Request<Body>, BoxError> {
        let path = ["/2018-06-01/runtime/invocation/", &self.request_id, "/", kind].concat();
        let mut request = request(Method::POST, path.try_into()?, headers, body)?;
        if let Some(id) = &self.invocation_id {
            request.headers_mut().insert(INVOCATION_ID, id.clone());
        }
        Ok(request)
    }
}

impl RuntimeApi {
    pub(super) fn new(environment: &Environment) -> Self {
        let (endpoint, connections) = (environment.api.clone(), environment.concurrency as usize);
        let client = ArcSwap::from_pointee(new_client(&endpoint, connections));
        Self { endpoint, connections, client }
    }

    /// Drops all connections that are not in use.
    fn reset_client(&self) {
        let client = Arc::new(new_client(&self.endpoint, self.connections));
        drop_caught(self.client.swap(client), "a client of the Runtime API");
    }

    /// Sends a request.
    ///
    /// The client writes to the log and has spans of its own. A panic of the subscriber there is a
    /// failure of the request, and may have poisoned the locks of the client.
    async fn call<T>(
        &self,
        begin: impl FnOnce(&PooledClient) -> BoxFuture<'static, Result<T, BoxError>> + Send,
    ) -> Result<T, BoxError> {
        let done = match catch(|| begin(&self.client.load())) {
            Ok(mut request) => {
                let done = catch_async(&mut request).await;
                drop_caught(request, "a request");
                done
            }
            Err(panic) => Err(panic),
        };
        done.unwrap_or_else(|panic| {
            self.reset_client();
            Err(panic.into_error())
        })
    }

    /// Polls the next event. The API responds when there is one.
    ///
    /// # Errors
    /// If there is no connection, or the status is that of an error.
    pub(super) async fn next(&self) -> Result<Response<Body>, BoxError> {
        let path = Uri::from_static("/2018-06-01/runtime/invocation/next");
        let request = request(Method::GET, path, &[], Body::empty())?;
        let response = self.call(|client| client.call(request)).await?;
        accepted(response.map(Body::new)).await
    }

    /// Reads the rest of a response.
    ///
    /// # Errors
    /// If it breaks off.
    pub(super) async fn read(body: Body) -> Result<Bytes, BoxError> {
        let body = catch_async(Body::collect(body)).await.map_err(Panic::into_error)?;
        Ok(body?.to_bytes())
    }

    /// Sends the response to an invocation.
    ///
    /// # Errors
    /// If the API refuses it, or the connection breaks twice.
    pub(super) async fn respond(&self, target: &Target, response: Json) -> Result<(), BoxError> {
        let body = Bytes::from(String::from(Box::<str>::from(response)));
        self.send(|| target.request("response", &[], body.clone().into())).await
    }

    /// Sends the error of an invocation.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub(super) async fn fail(
        &self,
        target: &Target,
        error: &InvocationError,
    ) -> Result<(), BoxError> {
        let body = Bytes::from(serde_json::to_vec(error)?);
        let headers = [(ERROR_TYPE, "unhandled")];
        self.send(|| target.request("error", &headers, body.clone().into())).await
    }

    /// Sends a streamed response to an invocation, and returns when its body has ended and the API
    /// has accepted it. An error of the body is sent as trailers. A dropped future leaves a body
    /// that the client can tell from a complete one, if `is_begun` is true by then; else nothing was
    /// sent.
    ///
    /// In a box, so that a function that streams nothing is linked without it.
    ///
    /// # Errors
    /// As [`respond`](Self::respond), but nothing is sent twice.
    pub(super) fn stream<'a>(
        &'a self,
        target: &'a Target,
        response: Stream,
        is_begun: &'a AtomicBool,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let mut prelude = response.metadata_prelude;
            let octets = HeaderValue::from_static("application/octet-stream");
            prelude.headers.entry(CONTENT_TYPE).or_insert(octets);
            let prelude = serde_json::to_vec(&prelude)?;

            let headers = [
                ("content-type", "application/vnd.awslambda.http-integration-response"),
                ("lambda-runtime-function-response-mode", "streaming"),
                ("transfer-encoding", "chunked"),
                ("trailer", ERROR_TYPE),
                ("trailer", ERROR_BODY),
            ];
            let (sender, body) = Body::channel();
            let request = target.request("response", &headers, body)?;
            let responding = pin!(self.call(|client| client.call(request)));
            let writing =
                pin!(write(AbortOnDrop(Some(sender)), prelude, response.stream, is_begun));
            match select(writing, responding).await {
                Either::Left((written, responding)) => {
                    accepted(responding.await?.map(Body::new)).await?;
                    written?;
                }
                Either::Right((response, writing)) => {
                    let _response = accepted(response?.map(Body::new)).await?;
                    // `cargo lambda watch` responds before it has read the body.
                    writing.await?;
                }
            }
            Ok(())
        })
    }

    /// Reports that INIT (`init`) or the restore of a snapshot (`restore`) has failed.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub(super) async fn fail_phase(
        &self,
        phase: &str,
        category: &'static str,
        error: &impl Serialize,
    ) -> Result<(), BoxError> {
        let path: Uri = format!("/2018-06-01/runtime/{phase}/error").try_into()?;
        let body = Bytes::from(serde_json::to_vec(error)?);
        let headers = [(ERROR_TYPE, category)];
        self.send(|| request(Method::POST, path.clone(), &headers, body.clone().into())).await
    }

    /// Waits until Lambda has restored a snapshot of this container.
    ///
    /// # Errors
    /// If there is no connection, or the status is that of an error.
    pub(super) async fn restore(&self) -> Result<(), BoxError> {
        let path = Uri::from_static("/2018-06-01/runtime/restore/next");
        let request = request(Method::GET, path, &[], Body::empty())?;
        let response = self.call(|client| client.call(request)).await?;
        accepted(response.map(Body::new)).await?;
        // No connection survives a snapshot.
        self.reset_client();
        Ok(())
    }

    /// Registers an internal extension that wants no events, and returns the poll of its first
    /// event, which never comes. INIT ends when that poll has begun.
    ///
    /// # Errors
    /// If there is no Extensions API, as under some emulators.
    #[cfg(all(unix, feature = "graceful-shutdown"))]
    pub(super) async fn register_extension(
        &self,
        name: &'static str,
    ) -> Result<impl Future<Output = Result<(), BoxError>> + Send + use<>, BoxError> {
        let path = Uri::from_static("/2020-01-01/extension/register");
        let headers = [("lambda-extension-name", name)];
        let body = Body::from(r#"{"events":[]}"#);
        let register = request(Method::POST, path, &headers, body)?;
        let response = self.call(|client| client.call(register)).await?;
        const IDENTIFIER: &str = "lambda-extension-identifier";
        let Some(identifier) = response.headers().get(IDENTIFIER).cloned() else {
            return Err(Refused::by(response.map(Body::new)).await.into());
        };
        let path = Uri::from_static("/2020-01-01/extension/event/next");
        let mut poll = request(Method::GET, path, &[], Body::empty())?;
        poll.headers_mut().insert(IDENTIFIER, identifier);
        let poll = catch(|| self.client.load().call(poll)).map_err(Panic::into_error)?;
        Ok(async { poll.await.map(drop) })
    }

    /// Sends a request, and a second one if the connection breaks.
    async fn send(
        &self,
        request: impl Fn() -> Result<Request<Body>, BoxError>,
    ) -> Result<(), BoxError> {
        let first = request()?;
        let response = match self.call(|client| client.call(first)).await {
            Ok(response) => response,
            Err(error) => {
                let error = chain(&*error);
                log_caught(|| tracing::debug!(error, "the connection broke; sending it again"));
                let second = request()?;
                self.call(|client| client.call(second)).await?
            }
        };
        match response.status().is_success() {
            true => Ok(()),
            false => accepted(response.map(Body::new)).await.map(drop),
        }
    }
}

fn new_client(endpoint: &Uri, connections: usize) -> PooledClient {
    PooledClient::builder().with_endpoint(endpoint.clone()).with_pool_size(connections).build()
}

/// Creates a request. The names of the headers are in lower case.
fn request(
    method: Method,
    path: Uri,
    headers: &[(&'static str, &'static str)],
    body: Body,
) -> Result<Request<Body>, BoxError> {
    let mut request = build_request().method(method).uri(path).body(body)?;
    for (name, value) in headers {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

async fn accepted(response: Response<Body>) -> Result<Response<Body>, BoxError> {
    match response.status().is_success() {
        true => Ok(response),
        false => Err(Refused::by(response).await.into()),
    }
}

/// A status that is an error, with the API's explanation.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    explanation: String,
}

impl Refused {
    async fn by(response: Response<Body>) -> Self {
        const MAX: usize = 2000;
        let (parts, mut body) = response.into_parts();
        let mut explanation = Vec::new();
        while let Some(Ok(chunk)) = body.next().await {
            explanation.extend_from_slice(&chunk);
            if explanation.len() > MAX {
                explanation.truncate(MAX);
                break;
            }
        }
        let explanation = String::from_utf8_lossy(&explanation).trim().to_owned();
        Self { status: parts.status, explanation }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Runtime API responded with {}", self.status)?;
        match self.explanation.as_str() {
            "" => Ok(()),
            explanation => write!(f, ": {explanation}"),
        }
    }
}

impl std::error::Error for Refused {}

/// A body that is cut off, and not ended, when it is dropped.
struct AbortOnDrop(Option<Sender>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            sender.abort();
        }
    }
}

/// Writes a streamed body. `cargo lambda watch` wants the prelude and the separator in frames of
/// their own.
async fn write(
    mut sender: AbortOnDrop,
    prelude: Vec<u8>,
    mut body: StreamBody,
    is_begun: &AtomicBool,
) -> Result<(), BoxError> {
    let Some(frames) = &mut sender.0 else {
        return Ok(());
    };
    frames.send_data(prelude.into()).await?;
    frames.send_data(Bytes::from_static(&[0; 8])).await?;
    // The channel has room for one frame: the connection has taken the first.
    is_begun.store(true, Relaxed);
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => frames.send_data(chunk).await?,
            // The body ends after an error.
            Err(error) => frames.send_trailers(trailers(&error)).await?,
        }
    }
    // Ends the body.
    drop(sender.0.take());
    Ok(())
}

fn trailers(error: &InvocationError) -> HeaderMap {
    let body = BASE64_STANDARD.encode(serde_json::to_vec(error).unwrap_or_default());
    let all = [(ERROR_TYPE, error.error_type.as_str()), (ERROR_BODY, &body)];
    all.into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
        .collect()
}
