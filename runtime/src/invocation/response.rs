//! The response of a handler: JSON, or a stream.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::value::RawValue;

use crate::base::erased::BoxFuture;
use crate::diagnostics::JsonResponse;
use crate::invocation::context::InvocationContext;
use crate::invocation::deadline::Guard;
use crate::invocation::error::{Convert, InvocationError};
use crate::lambda::types::StreamResponse;

/// The response of a handler.
pub trait Response: Sized + Send + 'static {
    /// The response to a warm-up ping.
    fn to_ping() -> Self;
    /// True if a part of it is still produced when the handler is done.
    fn goes_on(&self) -> bool {
        false
    }
    /// Bounds that part by the invocation and its deadline.
    fn within(self, _invocation: &Arc<InvocationContext>, _guard: Guard) -> Self {
        self
    }
    /// Runs `work` when that part is done.
    fn then(self, _work: BoxFuture<'static, ()>) -> Self {
        self
    }
    /// The response as one of the two kinds.
    fn into_any(self) -> AnyResponse;
}

/// A response of either kind.
pub enum AnyResponse {
    /// The whole response.
    Json(Json),
    /// A response whose body follows.
    Stream(Stream),
}

/// A streamed response with a type-erased body.
pub type Stream = StreamResponse<StreamBody>;

/// The body of a streamed response.
pub struct StreamBody(pub(crate) BoxStream<'static, Result<Bytes, InvocationError>>);

/// Serialized JSON.
pub type Json = Box<RawValue>;

impl Response for Json {
    fn to_ping() -> Self {
        RawValue::NULL.to_owned()
    }

    fn into_any(self) -> AnyResponse {
        AnyResponse::Json(self)
    }
}

/// Serializes the value that a handler returned.
///
/// # Errors
/// The handler's error, or `InvalidAnswer` if the value cannot be serialized.
pub fn json<T: JsonResponse, E>(
    result: Result<T, E>,
    convert: Convert<E>,
) -> Result<Json, InvocationError> {
    to_json(&result.map_err(convert)?)
}

/// Serializes a value.
///
/// # Errors
/// `InvalidAnswer` if it cannot be serialized.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<Json, InvocationError> {
    serde_json::value::to_raw_value(value).map_err(|error| {
        let text = format_args!("the response cannot be serialized as JSON: {error}").to_string();
        InvocationError::new("InvalidAnswer", text)
    })
}
