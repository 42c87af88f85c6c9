//! The span of an invocation: what lambda_runtime's `TracingLayer` records, and OpenTelemetry's
//! semantic conventions for FaaS, so that a `tracing-opentelemetry` layer has what it needs.
//! <https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/>

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tracing::Span;
use tracing::field::Empty;

use crate::invocation::error::InvocationError;
use crate::invocation::handler::HandlerSpec;
use crate::lambda::types::Context;

/// Whether spans go to the log alone, which writes out every attribute of every invocation, logged or
/// not: it has `requestId`, and no second name for it.
static LOG_ONLY: AtomicBool = AtomicBool::new(false);

/// Leaves out what only an exporter has use for.
#[cfg(feature = "tracing")]
pub(crate) fn for_the_log_only() {
    LOG_ONLY.store(true, Relaxed);
}

/// The span of an invocation. Names and ids are written as they are: to escape them, as texts are, is a
/// good part of what a span costs.
pub(crate) fn begin(spec: &HandlerSpec, context: &Context, cold: bool) -> Span {
    if LOG_ONLY.load(Relaxed) {
        return tracing::info_span!(
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
    tracing::info_span!(
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

/// The invocation failed.
pub(crate) fn fail(span: &Span, error: &InvocationError) {
    if !LOG_ONLY.load(Relaxed) {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", &error.error_message);
        span.record("error.type", &error.error_type);
    }
}
