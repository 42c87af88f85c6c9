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
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use lambda_runtime::LambdaInvocation;
use lambda_runtime_api_client::body::{Body, sender::Sender};
use lambda_runtime_api_client::{PooledClient, build_request};

use crate::error::BoxError;
use crate::failure::InvocationError;
use crate::reply::{Stream, StreamBody};

/// Its connections are made after a snapshot was restored: before that there is no answer.
static CLIENT: LazyLock<PooledClient> = LazyLock::new(|| PooledClient::builder().build());

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// Sends the answer to an invocation, and returns when its body is sent or has broken off.
pub(super) async fn send(answer: Stream, invocation: LambdaInvocation) -> Result<(), BoxError> {
    let mut prelude = answer.metadata_prelude;
    let octets = HeaderValue::from_static("application/octet-stream");
    prelude.headers.entry(CONTENT_TYPE).or_insert(octets);
    let mut start = serde_json::to_vec(&prelude)?;
    start.extend_from_slice(&[0; 8]);

    let id = &invocation.context.request_id;
    let mut request = build_request()
        .method("POST")
        .uri(format!("/2018-06-01/runtime/invocation/{id}/response"))
        .header(CONTENT_TYPE, "application/vnd.awslambda.http-integration-response")
        .header("lambda-runtime-function-response-mode", "streaming")
        .header("transfer-encoding", "chunked")
        .header("trailer", ERROR_TYPE)
        .header("trailer", ERROR_BODY);
    if let Some(id) = invocation.parts.headers.get(INVOCATION_ID) {
        request = request.header(INVOCATION_ID, id);
    }
    let (sender, body) = Body::channel();
    let response = CLIENT.call(request.body(body)?);
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
