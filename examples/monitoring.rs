//! Container monitoring. This replaces a `static START: OnceLock<Instant>` for the uptime, two
//! `AtomicU64`s for the error rate, a `static COLD: AtomicBool` for cold starts, an
//! `if n % 10 == 0 { println!(…) }` for a report, and an EMF line by hand: `#[handler]` records all of
//! it, and `rewarm::container()` returns it.
//!
//! `cargo run --example monitoring -- --event 5 --event -3 --repeat 10 --idle 1m`

use std::process::ExitCode;
use std::time::Duration;

use rewarm::metrics::{Event, Sink};
use rewarm::{Error, handler};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    root: f64,
    uptime_seconds: u64,
    invocations: u64,
    errors: u64,
    error_rate_percent: f64,
}

/// After each ten invocations the log has a report. After each invocation a line has metrics for
/// CloudWatch: `Invocations`, `Errors`, `ColdStart`, `Duration` and the rest, in the namespace `Monitoring`.
#[handler(report_every = 10, namespace = "Monitoring", dimensions(function, start))]
async fn monitoring(number: f64) -> Result<Report, Error> {
    if number < 0.0 {
        return Err(Error::msg(format_args!("{number} has no root")));
    }
    let container = rewarm::container();
    Ok(Report {
        root: number.sqrt(),
        uptime_seconds: container.age().as_secs(),
        invocations: container.invocations(),
        errors: container.errors(),
        error_rate_percent: 100.0 * container.error_rate(),
    })
}

/// Logs long idle gaps.
struct LongGaps;

impl Sink for LongGaps {
    fn record(&self, event: &Event) {
        let Event::Invocation(invocation) = event else { return };
        if invocation.idle_gap.is_some_and(|gap| gap > Duration::from_secs(30)) {
            eprintln!("{} came after a long gap", invocation.request_id);
        }
    }
}

fn main() -> ExitCode {
    rewarm::metrics::install(LongGaps);
    monitoring::run()
}
