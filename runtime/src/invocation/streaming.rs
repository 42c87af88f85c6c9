//! Answers that are sent piece by piece. The deadline, panics and [`defer`](crate::defer) hold for
//! the body as they do for the handler.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

#[cfg(any(feature = "local", feature = "testing"))]
use crate::base::erased::BoxFuture;
use crate::base::panic::catch_async;
use crate::diagnostics::Reportable;
use crate::error::{BoxError, chain, short_type_name};
use crate::invocation::context::InvocationContext;
use crate::invocation::deadline::Guard;
use crate::invocation::error::InvocationError;
use crate::invocation::record::record_outcome;
use crate::invocation::response::{AnyResponse, Response, Stream, StreamBody};
use crate::lambda::types::StreamResponse;

impl futures_util::Stream for StreamBody {
    type Item = Result<Bytes, InvocationError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// An answer that is streamed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be streamed",
    label = "not a `StreamResponse<S>` of a stream of bytes",
    note = "a streamed response is sent to Lambda in chunks of bytes\n\
            help: return a `rewarm::StreamResponse<S>` with `S: Stream<Item = Result<D, E>>` and \
            `D: Into<Bytes>`, or remove the option `streaming`"
)]
pub trait Streamed {
    /// The same with a body of whatever type.
    fn into_stream(self) -> Stream;
}

#[diagnostic::do_not_recommend]
impl<S, D, F> Streamed for StreamResponse<S>
where
    S: futures_util::Stream<Item = Result<D, F>> + Send + 'static,
    D: Into<Bytes>,
    F: Into<BoxError>,
{
    fn into_stream(self) -> Stream {
        let chunks = self.stream.map(|chunk| match chunk {
            Ok(chunk) => Ok(chunk.into()),
            Err(error) => {
                let error: BoxError = error.into();
                Err(InvocationError::new(short_type_name::<F>(), chain(&*error)))
            }
        });
        let stream = StreamBody(chunks.boxed());
        StreamResponse { metadata_prelude: self.metadata_prelude, stream }
    }
}

/// The reply of a handler that streams its answer.
///
/// # Errors
/// The handler's.
pub fn stream<S: Streamed, E: Reportable>(answer: Result<S, E>) -> Result<Stream, InvocationError> {
    answer.map(S::into_stream).map_err(InvocationError::of)
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
        let start = Some((self.stream.0, Ending(invocation.clone())));
        let chunks = stream::unfold(start, move |state| async move {
            let (mut chunks, ending) = state?;
            let next = {
                let next = pin!(guard.hold(catch_async(chunks.next())));
                ending.0.enter(next).await
            };
            let is_late = next.is_none();
            let error = match next {
                Some(Ok(None)) => return None,
                Some(Ok(Some(Ok(chunk)))) => return Some((Ok(chunk), Some((chunks, ending)))),
                Some(Ok(Some(Err(error)))) => error,
                Some(Err(panic)) => panic.into(),
                None => guard.exceeded(),
            };
            // A body that broke off is not asked for more.
            tracing::error!(%error, "the body of the answer broke off");
            record_outcome(&ending.0, Some(&error), is_late);
            Some((Err(error), None))
        });
        let stream = StreamBody(chunks.boxed());
        StreamResponse { metadata_prelude: self.metadata_prelude, stream }
    }

    fn into_any(self) -> AnyResponse {
        AnyResponse::Stream(self)
    }
}

/// Says that an invocation is answered when its body has ended, or nobody wants it any more.
struct Ending(Arc<InvocationContext>);

impl Drop for Ending {
    fn drop(&mut self) {
        record_outcome(&self.0, None, false);
    }
}

/// The whole reply as JSON, for those to whom nothing can be streamed.
///
/// # Errors
/// That with which a stream breaks off.
#[cfg(any(feature = "local", feature = "testing"))]
pub(crate) async fn in_full(
    response: impl Response,
) -> Result<crate::invocation::response::Json, InvocationError> {
    match response.into_any() {
        AnyResponse::Json(json) => Ok(json),
        AnyResponse::Stream(stream) => {
            // In a box, so that a function that streams nothing is linked without it.
            let whole: BoxFuture<'static, _> = Box::pin(whole(stream));
            whole.await
        }
    }
}

/// The whole answer in one JSON, in the shape that API Gateway has for answers.
///
/// # Errors
/// That with which the body breaks off.
#[cfg(any(feature = "local", feature = "testing"))]
async fn whole(stream: Stream) -> Result<crate::invocation::response::Json, InvocationError> {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use futures_util::TryStreamExt;

    /// What is sent ahead of the body, and the body.
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Whole<'a> {
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
    let whole = Whole {
        prelude: stream.metadata_prelude,
        is_base64_encoded: text.is_err(),
        body: text.map_or_else(|_| BASE64_STANDARD.encode(&body).into(), Into::into),
    };
    crate::invocation::response::json::<_, std::convert::Infallible>(Ok(whole))
}
