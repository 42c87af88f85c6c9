//! Invocations as OpenTelemetry spans. The function sets up a subscriber of its own with a
//! `tracing-opentelemetry` layer; rewarm's spans have the attributes of the conventions for FaaS.
//!
//! This exporter keeps spans in memory, to print them; a real function uses one for OTLP. A sink
//! flushes it after each invocation, before the container can freeze.
//!
//! `cargo run -p rewarm-examples --example opentelemetry --features opentelemetry -- --event '"tea"' --event '""'`

use std::process::ExitCode;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use rewarm::metrics::{Event, Sink};
use rewarm::{Error, cached, handler};
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cached(ttl = "5m")]
async fn price(sku: &str) -> u64 {
    tracing::info!("asking for the price");
    sku.len() as u64 * 100
}

#[handler]
async fn quote(sku: String) -> Result<u64, Error> {
    if sku.is_empty() {
        return Err(Error::msg("the price of nothing"));
    }
    Ok(price(&sku).instrument(info_span!("price", sku)).await)
}

/// Exports the spans of an invocation after its end.
struct Flush(SdkTracerProvider, InMemorySpanExporter);

impl Sink for Flush {
    fn record(&self, event: &Event) {
        if !matches!(event, Event::Invocation(_)) {
            return;
        }
        if let Err(error) = self.0.force_flush() {
            eprintln!("spans are lost: {error}");
        }
        for span in self.1.get_finished_spans().unwrap_or_default() {
            eprintln!("{} ({:?}) {:?}", span.name, span.span_kind, span.status);
            for attribute in span.attributes {
                eprintln!("    {} = {}", attribute.key, attribute.value);
            }
        }
        self.1.reset();
    }
}

fn main() -> ExitCode {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("quote"));
    tracing_subscriber::registry()
        .with(layer.with_location(false).with_tracked_inactivity(false))
        .init();
    rewarm::metrics::install(Flush(provider, exporter));
    quote::run()
}
