//! Everything that `namespace` and `dimensions` take, and a sink of one's own.

#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

use rewarm::handler;
use rewarm::metrics::{Event, Sink, install};

#[handler(namespace = "Shop")]
async fn plain(_event: u8) {}

#[handler(
    namespace = "Shop/Checkout.v2:a#b_c-d",
    dimensions(function, version, memory, region, start, stage = "prod eu", r#type = "web"),
)]
async fn all(_event: u8) {}

#[handler(namespace = "Shop", dimensions())]
async fn none(_event: u8) {}

#[handler(namespace = "Shop", dimensions(function = "checkout"))]
async fn renamed(_event: u8) {}

struct Count(std::sync::atomic::AtomicU64);

impl Sink for Count {
    fn record(&self, event: &Event) {
        let one = match event {
            Event::Init(init) => init.resources.is_empty(),
            Event::Invocation(invocation) => invocation.error.is_none(),
            Event::Cache(cache) => cache.stats.hits > 0,
            Event::Report(report) => report.invocations > 0,
            Event::Shutdown(shutdown) => shutdown.unclosed.is_empty(),
            _ => false,
        };
        self.0.fetch_add(one.into(), std::sync::atomic::Ordering::Relaxed);
    }
}

fn main() {
    install(Count(0.into()));
    let _ = (plain::run, all::run, none::run, renamed::run);
}
