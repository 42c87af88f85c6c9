//! Requests to Lambda's APIs that lambda_runtime does not make.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request};
use lambda_runtime_api_client::{body::Body, build_request};

use crate::error::BoxError;

/// A request with these headers, whose names are in lower case.
pub(super) fn request(
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Body,
) -> Result<Request<Body>, BoxError> {
    let mut request = build_request().method(method).uri(path).body(body)?;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value)?;
        request.headers_mut().append(HeaderName::from_static(name), value);
    }
    Ok(request)
}
