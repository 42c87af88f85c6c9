//! Streamed responses. The deadline guard, the panic guard and [`defer`](crate::defer) cover the
//! body as they cover the handler.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::Instant;

use crate::base::erased::BoxFuture;
use crate::base::limit::poll_until;
use crate::base::panic::{Panic, catch_async, drop_caught};
use crate::invocation::context::InvocationContext;
use crate::invocation::deadline::{DEFERRED, Guard};
use crate::invocation::error::{Convert, InvocationError};
use crate::invocation::outcome::record;
use crate::invocation::response::{AnyResponse, Response, Stream, StreamBody};
use crate::lambda::types::StreamResponse;

impl futures_util::Stream for StreamBody {
    type Item = Result<Bytes, InvocationError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// A response that can be streamed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be streamed",
    label = "not a `StreamResponse<S>` of a stream of bytes",
    note = "a streamed response is sent to Lambda in chunks of bytes\n\
            help: return a `rewarm::StreamResponse<S>` with `S: Stream<Item = Result<D, E>>` and \
            `D: Into<Bytes>`, or remove the option `streaming`"
)]
pub trait Streamed {
    /// The error of a body that fails.
    type Error;
    /// Erases the types of the body.
    fn into_stream(self, convert: Convert<Self::Error>) -> Stream;
}

#[diagnostic::do_not_recommend]
impl<S, D, F> Streamed for StreamResponse<S>
where
    S: futures_util::Stream<Item = Result<D, F>> + Send + 'static,
    D: Into<Bytes>,
    F: 'static,
{
    type Error = F;

    fn into_stream(self, convert: Convert<F>) -> Stream {
        let chunks = self.stream.map(move |chunk| chunk.map(Into::into).map_err(convert));
        let stream = StreamBody(chunks.boxed());
        StreamResponse { metadata_prelude: self.metadata_prelude, stream }
    }
}

/// Makes a streamed response of what a handler returned.
///
/// # Errors
/// The handler's error.
pub fn stream<S: Streamed<Error = F>, E, F>(
    result: Result<S, E>,
    convert: Convert<E>,
    convert_body: Convert<F>,
) -> Result<Stream, InvocationError> {
    result.map(|response| response.into_stream(convert_body)).map_err(convert)
}

impl Response for Stream {
    fn to_ping() -> Self {
        let stream = StreamBody(stream::empty().boxed());
        StreamResponse { metadata_prelude: Default::default(), stream }
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn within(self, invocation: &Arc<InvocationContext>, guard: Guard) -> Self {
        let start = Some((self.stream.0, invocation.clone()));
        let chunks = stream::unfold(start, move |state| async move {
            let (mut chunks, invocation) = state?;
            let next = {
                let next = pin!(next_of(&mut chunks, guard, &invocation));
                invocation.enter(next).await
            };
            let is_late = next.is_none() && guard.is_limit();
            let error = match next {
                Some(Ok(None)) => {
                    record(&invocation, None, false);
                    invocation.within(|| drop_caught(chunks, "the body of a response"));
                    return None;
                }
                Some(Ok(Some(Ok(chunk)))) => return Some((Ok(chunk), Some((chunks, invocation)))),
                Some(Ok(Some(Err(error)))) => error,
                Some(Err(panic)) => panic.into(),
                None if is_late => guard.exceeded(invocation.has_deferred()),
                None => stalled(),
            };
            // A body that failed is not polled again.
            record(&invocation, Some(&error), is_late);
            invocation.within(|| drop_caught(chunks, "the body of a response"));
            Some((Err(error), None))
        });
        let stream = StreamBody(chunks.boxed());
        StreamResponse { metadata_prelude: self.metadata_prelude, stream }
    }

    fn then(self, work: BoxFuture<'static, ()>) -> Self {
        let work = stream::once(work).filter_map(|()| std::future::ready(None));
        let stream = StreamBody(self.stream.0.chain(work).boxed());
        StreamResponse { metadata_prelude: self.metadata_prelude, stream }
    }

    fn into_any(self) -> AnyResponse {
        AnyResponse::Stream(self)
    }
}

/// The next chunk of a body; `None` if there is none in time. Without a deadline, a body is given up
/// that waits for long while deferred work waits for its end: the one may wait for the other.
async fn next_of(
    chunks: &mut BoxStream<'static, Result<Bytes, InvocationError>>,
    guard: Guard,
    invocation: &InvocationContext,
) -> Option<Result<Option<Result<Bytes, InvocationError>>, Panic>> {
    if guard.is_limit() {
        return guard.hold(pin!(Some(catch_async(chunks.next())))).await;
    }
    let mut next = pin!(catch_async(chunks.next()));
    loop {
        let end = Instant::now().checked_add(MAX_SILENCE);
        let chunk = poll_until(end, next.as_mut()).await;
        if chunk.is_some() || invocation.has_deferred() {
            return chunk;
        }
    }
}

/// The error of a body that deferred work may feed.
fn stalled() -> InvocationError {
    let text = format!("the body of the response produced nothing for {MAX_SILENCE:?}{DEFERRED}");
    InvocationError::new("BodyStalled", text)
}

/// See [`next_of`].
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// Collects a response into one JSON value, where a body cannot be streamed.
///
/// # Errors
/// The error with which the body failed.
#[cfg(any(feature = "local", feature = "testing"))]
pub(crate) async fn collect(
    response: impl Response,
) -> Result<crate::invocation::response::Json, InvocationError> {
    match response.into_any() {
        AnyResponse::Json(json) => Ok(json),
        AnyResponse::Stream(stream) => {
            // In a box, so that a function that streams nothing is linked without it.
            let collected: BoxFuture<'static, _> = Box::pin(collect_stream(stream));
            collected.await
        }
    }
}

/// Collects a streamed response in the shape of API Gateway's responses.
#[cfg(any(feature = "local", feature = "testing"))]
async fn collect_stream(
    stream: Stream,
) -> Result<crate::invocation::response::Json, InvocationError> {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use futures_util::TryStreamExt;

    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Collected<'a> {
        #[serde(flatten)]
        prelude: crate::lambda::types::MetadataPrelude,
        body: std::borrow::Cow<'a, str>,
        is_base64_encoded: bool,
    }

    let append = |mut body: Vec<u8>, chunk: Bytes| async move {
        body.extend_from_slice(&chunk);
        Ok(body)
    };
    let body = stream.stream.try_fold(Vec::new(), append).await?;
    let text = std::str::from_utf8(&body);
    let collected = Collected {
        prelude: stream.metadata_prelude,
        is_base64_encoded: text.is_err(),
        body: text.map_or_else(|_| BASE64_STANDARD.encode(&body).into(), Into::into),
    };
    crate::invocation::response::to_json(&collected)
}
