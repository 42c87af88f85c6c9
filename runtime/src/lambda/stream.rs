//! Sends an answer that is streamed. lambda_runtime would write the error of a body that breaks off
//! into the body, and Lambda would take the answer for a whole one; this sends it as the trailers
//! that the Runtime API has for it:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use lambda_runtime::LambdaInvocation;
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::{Body, sender::Sender};

use super::api;
use crate::base::erased::BoxFuture;
use crate::error::BoxError;
use crate::invocation::error::InvocationError;
use crate::invocation::response::{Stream, StreamBody};

/// Its connections are made after a snapshot was restored: before that there is no answer.
static CLIENT: LazyLock<PooledClient> = LazyLock::new(|| PooledClient::builder().build());

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// Sends the answer to an invocation, and returns when its body is sent or has broken off.
/// In a box, so that a function that streams nothing is linked without it.
pub(super) fn send(
    answer: Stream,
    invocation: LambdaInvocation,
) -> BoxFuture<'static, Result<(), BoxError>> {
    Box::pin(sent(answer, invocation))
}

async fn sent(answer: Stream, invocation: LambdaInvocation) -> Result<(), BoxError> {
    let mut prelude = answer.metadata_prelude;
    let octets = HeaderValue::from_static("application/octet-stream");
    prelude.headers.entry(CONTENT_TYPE).or_insert(octets);
    let mut start = serde_json::to_vec(&prelude)?;
    start.extend_from_slice(&[0; 8]);

    let id = &invocation.context.request_id;
    let path = format!("/2018-06-01/runtime/invocation/{id}/response");
    let headers = [
        ("content-type", "application/vnd.awslambda.http-integration-response"),
        ("lambda-runtime-function-response-mode", "streaming"),
        ("transfer-encoding", "chunked"),
        ("trailer", ERROR_TYPE),
        ("trailer", ERROR_BODY),
    ];
    let (sender, body) = Body::channel();
    let mut request = api::request(Method::POST, &path, &headers, body)?;
    if let Some(id) = invocation.parts.headers.get(INVOCATION_ID) {
        request.headers_mut().insert(INVOCATION_ID, id.clone());
    }
    let response = CLIENT.call(request);
    let sending = std::pin::pin!(write(sender, start.into(), answer.stream));
    let response = match select(sending, response).await {
        Either::Left(((), response)) => response.await?,
        // Nobody reads on.
        Either::Right((response, _)) => response?,
    };
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the Runtime API answers {status}").into()),
    }
}

/// Writes the body until it ends, or nobody wants it any more.
async fn write(mut sender: Sender, start: Bytes, mut body: StreamBody) {
    let mut next = Some(Ok(start));
    while let Some(chunk) = next {
        let sent = match chunk {
            Ok(chunk) => sender.send_data(chunk).await,
            Err(error) => sender.send_trailers(trailers(&error)).await,
        };
        if sent.is_err() {
            return;
        }
        next = body.next().await;
    }
}

fn trailers(error: &InvocationError) -> HeaderMap {
    let body = BASE64_STANDARD.encode(serde_json::to_vec(error).unwrap_or_default());
    let value = |text: &str| HeaderValue::from_str(text).ok();
    let all = [(ERROR_TYPE, value(&error.error_type)), (ERROR_BODY, value(&body))];
    let all = all.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value?)));
    all.collect()
}
