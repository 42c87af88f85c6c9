//! A function whose `tracing` subscriber panics. `PANICS` selects where: at the span of each invocation
//! with an odd number by default, `borders` always and everywhere but at the start of spans, even while
//! its thread unwinds, `client` once, in the client of the Runtime API, `filter` where it is asked for the
//! level of one of our events. With `FAIL_INIT`, a resource cannot be built.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use rewarm::{Error, cached, handler, init};
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[derive(Clone, Copy, PartialEq)]
enum Panics {
    OddSpans,
    Borders,
    Client,
    Filter,
}

struct Panicking(Panics);

impl Panicking {
    fn border(&self) {
        assert!(self.0 != Panics::Borders, "the subscriber panics always");
    }
}

impl Subscriber for Panicking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        static HAS_PANICKED: AtomicBool = AtomicBool::new(false);
        let is_client = metadata.target().starts_with("hyper");
        if self.0 == Panics::Client && is_client && !HAS_PANICKED.swap(true, SeqCst) {
            panic!("the subscriber panics in the client");
        }
        let is_free = is_client || metadata.is_span();
        assert!(self.0 != Panics::Filter || is_free, "the filter panics");
        !is_client
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static INVOCATIONS: AtomicU64 = AtomicU64::new(0);
        if self.0 == Panics::OddSpans && span.metadata().name() == "Lambda runtime invoke" {
            let number = INVOCATIONS.fetch_add(1, SeqCst) + 1;
            assert!(number.is_multiple_of(2), "the subscriber panics at span {number}");
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        self.border();
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.border();
    }

    fn enter(&self, _: &Id) {
        self.border();
    }

    fn exit(&self, _: &Id) {
        self.border();
    }

    fn try_close(&self, _: Id) -> bool {
        self.border();
        true
    }
}

#[cached(ttl = "1ms")]
async fn fetched() -> u64 {
    tokio::task::yield_now().await;
    1
}

async fn close(_: &u32) {
    println!("closed");
}

#[init(close = close)]
async fn closed() -> u32 {
    1
}

#[init]
async fn failing(closed: &u32) -> Result<u32, Error> {
    match std::env::var_os("FAIL_INIT") {
        Some(_) => Err(Error::msg("the other region is down")),
        None => Ok(*closed),
    }
}

#[handler]
async fn echo(event: Value) -> (Value, u64) {
    rewarm::defer(async { panic!("in deferred work") });
    assert!(event != "panic", "a panic within a span");
    assert_eq!(fetched().await, 1);
    (event, rewarm::container().in_flight())
}

fn main() -> ExitCode {
    let panics = match std::env::var("PANICS").as_deref() {
        Ok("borders") => Panics::Borders,
        Ok("client") => Panics::Client,
        Ok("filter") => Panics::Filter,
        _ => Panics::OddSpans,
    };
    tracing::subscriber::set_global_default(Panicking(panics)).expect("the only subscriber");
    echo::run()
}
