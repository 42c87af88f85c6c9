//! What is sent for an answer: JSON at once, or a stream.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::value::RawValue;

use crate::diagnostics::{JsonResponse, Reportable};
use crate::invocation::context::InvocationContext;
use crate::invocation::deadline::Guard;
use crate::invocation::error::InvocationError;
use crate::lambda::types::StreamResponse;

/// What is sent for an answer.
pub trait Response: Sized + Send + 'static {
    /// The reply to a warm-up ping.
    fn to_ping() -> Self;
    /// Whether something still runs when the handler is done.
    fn goes_on(&self) -> bool {
        false
    }
    /// Keeps that within the bounds of its invocation.
    fn within(self, _scope: &Arc<InvocationContext>, _guard: Guard) -> Self {
        self
    }
    /// The one kind or the other.
    fn into_any(self) -> AnyResponse;
}

/// See [`Response`].
pub enum AnyResponse {
    /// All there is.
    Json(Json),
    /// More is to come.
    Stream(Stream),
}

/// An answer with a body of whatever type.
pub type Stream = StreamResponse<StreamBody>;

/// The body of an answer that is streamed.
pub struct StreamBody(pub(crate) BoxStream<'static, Result<Bytes, InvocationError>>);

/// JSON, written.
pub type Json = Box<RawValue>;

impl Response for Json {
    fn to_ping() -> Self {
        RawValue::NULL.to_owned()
    }

    fn into_any(self) -> AnyResponse {
        AnyResponse::Json(self)
    }
}

/// The reply of a handler that answers with JSON.
///
/// # Errors
/// The handler's; also if its answer cannot be JSON.
pub fn json<T: JsonResponse, E: Reportable>(answer: Result<T, E>) -> Result<Json, InvocationError> {
    let answer = answer.map_err(InvocationError::of)?;
    serde_json::value::to_raw_value(&answer).map_err(|error| {
        let text = format_args!("the answer cannot be written as JSON: {error}").to_string();
        InvocationError::new("InvalidAnswer", text)
    })
}
