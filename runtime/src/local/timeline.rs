//! What people see of a local run.

use std::collections::BinaryHeap;
use std::io::IsTerminal;
use std::time::Duration;

use super::Done;
use crate::base::stdio::say;
use crate::container::container;

/// What people see: INIT, a line for each invocation, and a summary.
pub(super) struct Timeline {
    colour: bool,
    /// Whether what happened to the caches meanwhile is one invocation's.
    one_at_a_time: bool,
    times: BinaryHeap<Duration>,
    first: Option<Duration>,
    init: Duration,
    /// The hits and misses of all caches up to the last line.
    counted: (u64, u64),
}

impl Timeline {
    pub(super) fn new(one_at_a_time: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let colour = std::io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb;
        Self {
            colour,
            one_at_a_time,
            times: BinaryHeap::new(),
            first: None,
            init: Duration::ZERO,
            counted: (0, 0),
        }
    }

    /// `text` in an ANSI colour, on a terminal.
    fn paint(&self, code: u8, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    pub(super) fn init(&mut self, time: Duration, ok: bool) {
        self.init = time;
        let resources = container().resources();
        let built: Vec<_> = resources.iter().filter(|resource| resource.generation > 0).collect();
        let word = self.paint(if ok { CYAN } else { RED }, "init");
        say(format_args!(
            "{word}       {:>12}  {}",
            millis(time),
            counted(built.len(), "resource")
        ));
        // Where INIT is logged, each has its line there.
        if !tracing::enabled!(tracing::Level::INFO) {
            for resource in built {
                let time = millis(resource.build_time.unwrap_or_default());
                say(format_args!("           {time:>12}  {}", self.paint(DIM, resource.name)));
            }
        }
    }

    pub(super) fn invocation(&mut self, done: &Done) {
        let word = match (done.ping, done.cold) {
            (true, _) => self.paint(DIM, "ping"),
            (false, true) => self.paint(BLUE, "cold"),
            (false, false) => self.paint(GREEN, "warm"),
        };
        if !done.ping {
            self.times.push(done.time);
            self.first.get_or_insert(done.time);
        }
        let outcome = match &done.response {
            Ok(_) => "ok".to_owned(),
            Err(error) => self.paint(RED, &error.to_string().replace('\n', " ")),
        };
        let (hits, misses) = hits_and_misses();
        let (hits_before, misses_before) = std::mem::replace(&mut self.counted, (hits, misses));
        let mut cached = String::new();
        for (count, what) in [(hits - hits_before, "hit"), (misses - misses_before, "miss")] {
            if count > 0 && self.one_at_a_time {
                cached += &format!("  {}", counted(count as usize, what));
            }
        }
        let cached = self.paint(DIM, &cached);
        say(format_args!("{word} {:>5} {:>12}  {outcome}{cached}", done.number, millis(done.time)));
    }

    /// The end, with the container's report if it is asked for.
    pub(super) fn summary(mut self, report: bool) {
        let container = container();
        let failed = format!("{} failed", container.errors());
        let failed = self.paint(if container.errors() > 0 { RED } else { GREEN }, &failed);
        say(format_args!(
            "\n{}, {failed}",
            counted(container.invocations() as usize, "invocation")
        ));
        let sorted = std::mem::take(&mut self.times).into_sorted_vec();
        if let Some(first) = self.first {
            let cold = millis(self.init + first);
            let parts = format!("init {} + first {}", millis(self.init), millis(first));
            say(format_args!("  cold start {cold:>12}  {}", self.paint(DIM, &parts)));
            for percent in [50, 99] {
                say(format_args!(
                    "  p{percent}        {:>12}",
                    millis(percentile(&sorted, percent))
                ));
            }
        }
        let (hits, misses) = hits_and_misses();
        if hits + misses > 0 {
            let rate = format!("{:.0}%", 100.0 * hits as f64 / (hits + misses) as f64);
            let of = self.paint(DIM, &format!("{hits} of {}", hits + misses));
            say(format_args!("  cache hits {rate:>12}  {of}"));
        }
        if report {
            self.report();
        }
    }

    fn report(&self) {
        let report = container().report();
        say(format_args!("\ncontainer {}", report.container_id));
        for (what, value) in [
            ("uptime", format!("{:.3} s", report.uptime.as_secs_f64())),
            ("invocations", report.invocations.to_string()),
            ("errors", report.errors.to_string()),
            ("error rate", format!("{:.1}%", report.error_rate_percent)),
            ("pings", report.pings.to_string()),
        ] {
            say(format_args!("  {what:<11}{value:>12}"));
        }
    }
}

const RED: u8 = 31;
const GREEN: u8 = 32;
const BLUE: u8 = 34;
const CYAN: u8 = 36;
const DIM: u8 = 2;

/// `1 hit`, `2 hits`, `2 misses`.
fn counted(count: usize, what: &str) -> String {
    let plural = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{plural}")
}

/// The smallest that so many percent of all are not above. `sorted` is not empty.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

fn hits_and_misses() -> (u64, u64) {
    container().caches().iter().fold((0, 0), |(hits, misses), cache| {
        (hits + cache.stats.hits + cache.stats.stale_hits, misses + cache.stats.misses)
    })
}

fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&times[..3], 99), Duration::from_millis(3));
    }

    #[test]
    fn things_are_counted_in_words() {
        assert_eq!(counted(1, "hit"), "1 hit");
        assert_eq!(counted(0, "invocation"), "0 invocations");
        assert_eq!(counted(2, "miss"), "2 misses");
    }
}
