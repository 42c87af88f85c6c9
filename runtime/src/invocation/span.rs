//! The span of an invocation: what lambda_runtime's `TracingLayer` records, and OpenTelemetry's
//! semantic conventions for FaaS, so that a `tracing-opentelemetry` layer has what it needs.
//! <https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/>

use tracing::Span;
use tracing::field::Empty;

use crate::base::logging::is_log_only;
use crate::base::panic::log_caught;
use crate::invocation::error::InvocationError;
use crate::invocation::handler::HandlerSpec;
use crate::lambda::types::Context;

/// Creates the span of an invocation, at the level of errors, so that their lines have its request id
/// with any filter. The log writes every attribute of a span into every line, so
/// that without an exporter the span has only those of the log. Names and ids are recorded by
/// `Display`: to escape them, as strings are, is a good part of what a span costs.
pub(crate) fn begin(spec: &HandlerSpec, context: &Context, cold: bool) -> Span {
    if is_log_only() {
        return tracing::error_span!(
            target: "rewarm",
            "Lambda runtime invoke",
            requestId = %context.request_id,
            xrayTraceId = context.xray_trace_id.as_ref().map(display),
            tenantId = context.tenant_id.as_ref().map(display),
            faas.coldstart = cold.then_some(cold),
        );
    }
    let function = Some(context.env_config.function_name.as_str()).filter(|name| !name.is_empty());
    let function = function.unwrap_or(spec.name);
    let arn = Some(context.invoked_function_arn.as_str()).filter(|arn| !arn.is_empty());
    tracing::error_span!(
        target: "rewarm",
        "Lambda runtime invoke",
        requestId = %context.request_id,
        xrayTraceId = context.xray_trace_id.as_ref().map(display),
        tenantId = context.tenant_id.as_ref().map(display),
        faas.coldstart = cold,
        faas.invocation_id = context.request_id,
        faas.trigger = spec.trigger,
        faas.name = function,
        cloud.resource_id = arn,
        otel.name = function,
        otel.kind = "server",
        otel.status_code = Empty,
        otel.status_description = Empty,
        "error.type" = Empty,
    )
}

/// Records that the invocation failed.
pub(crate) fn fail(span: &Span, error: &InvocationError) {
    if !is_log_only() {
        log_caught(|| {
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", &error.error_message);
            span.record("error.type", &error.error_type);
        });
    }
}
