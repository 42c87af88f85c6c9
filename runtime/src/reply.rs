//! What is sent for an answer: JSON at once, or a stream.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::bounds::{JsonAnswer, Reportable};
use crate::error::{chain, short_type_name};
use crate::invocation::{Guard, InvocationError};
use crate::scope::Scope;
use crate::streaming::Stream;

/// What is sent for an answer.
pub trait Reply: Sized + Send + 'static {
    /// The reply to a warm-up ping.
    fn to_ping() -> Self;
    /// Whether something still runs when the handler is done.
    fn goes_on(&self) -> bool {
        false
    }
    /// Keeps that within the bounds of its invocation.
    fn within(self, _scope: &Arc<Scope>, _guard: Guard) -> Self {
        self
    }
    /// The one kind or the other.
    fn into_kind(self) -> Kind;
}

/// See [`Reply`].
pub enum Kind {
    /// All there is.
    Json(Json),
    /// More is to come.
    Stream(Stream),
}

/// JSON, written.
pub type Json = Box<RawValue>;

impl Reply for Json {
    fn to_ping() -> Self {
        RawValue::NULL.to_owned()
    }

    fn into_kind(self) -> Kind {
        Kind::Json(self)
    }
}

/// The reply of a handler that answers with JSON.
///
/// # Errors
/// The handler's; also if its answer cannot be JSON.
pub fn json<T: JsonAnswer, E: Reportable>(answer: Result<T, E>) -> Result<Json, InvocationError> {
    let answer = answer.map_err(failed)?;
    serde_json::value::to_raw_value(&answer).map_err(|error| {
        let text = format_args!("the answer cannot be written as JSON: {error}").to_string();
        InvocationError::new("InvalidAnswer", text)
    })
}

/// A handler's error as Lambda shows it.
pub(crate) fn failed<E: Reportable>(error: E) -> InvocationError {
    InvocationError::new(short_type_name::<E>(), chain(&*error.report()))
}

/// The whole reply as JSON, for those to whom nothing can be streamed.
///
/// # Errors
/// That with which a stream breaks off.
#[cfg(any(feature = "local", feature = "testing"))]
pub(crate) async fn in_full(reply: impl Reply) -> Result<Json, InvocationError> {
    match reply.into_kind() {
        Kind::Json(json) => Ok(json),
        Kind::Stream(stream) => crate::streaming::in_full(stream).await,
    }
}
