//! A function whose `tracing` subscriber panics at the span of each invocation with an odd number.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use rewarm::handler;
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

struct Panicking;

impl Subscriber for Panicking {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static INVOCATIONS: AtomicU64 = AtomicU64::new(0);
        if span.metadata().name() == "Lambda runtime invoke" {
            let number = INVOCATIONS.fetch_add(1, SeqCst) + 1;
            assert!(number.is_multiple_of(2), "the subscriber panics at span {number}");
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[handler]
async fn echo(event: Value) -> (Value, u64) {
    (event, rewarm::container().in_flight())
}

fn main() -> ExitCode {
    tracing::subscriber::set_global_default(Panicking).expect("the only subscriber");
    echo::run()
}
