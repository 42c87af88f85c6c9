//! The timeline of a local run: INIT, a line per invocation, and a summary.

use std::collections::BinaryHeap;
use std::io::IsTerminal;
use std::time::Duration;

use super::Done;
use crate::base::counters::Stats;
use crate::base::panic::catch;
use crate::base::stdio::say;
use crate::container::container;

/// Writes the timeline to stderr.
pub(super) struct Timeline {
    is_colored: bool,
    /// True if invocations run sequentially. The cache statistics since the last line are then
    /// those of one invocation.
    is_sequential: bool,
    times: BinaryHeap<Duration>,
    first: Option<Duration>,
    init: Duration,
    /// The hits and misses of all caches at the last line.
    cache_totals: [u64; 3],
}

impl Timeline {
    pub(super) fn new(is_sequential: bool) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let is_colored = std::io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb;
        Self {
            is_colored,
            is_sequential,
            times: BinaryHeap::new(),
            first: None,
            init: Duration::ZERO,
            cache_totals: [0; 3],
        }
    }

    /// Colors a text, if stderr is a terminal.
    fn paint(&self, code: u8, text: &str) -> String {
        match self.is_colored {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// Writes the duration of INIT and of each resource.
    pub(super) fn init(&mut self, time: Duration, ok: bool) {
        self.init = time;
        let resources = container().resources();
        let built: Vec<_> = resources.iter().filter(|resource| resource.generation > 0).collect();
        let word = self.paint(if ok { CYAN } else { RED }, "init");
        say(format_args!(
            "{word}       {:>12}  {}",
            millis(time),
            quantity(built.len(), "resource")
        ));
        // At INFO, each resource has a line in the log.
        if !catch(|| tracing::enabled!(tracing::Level::INFO)).unwrap_or(false) {
            for resource in built {
                let time = millis(resource.build_time.unwrap_or_default());
                say(format_args!("           {time:>12}  {}", self.paint(DIM, resource.name)));
            }
        }
    }

    /// Writes the line of an invocation.
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
        let result = match &done.response {
            Ok(_) => "ok".to_owned(),
            Err(error) => self.paint(RED, &error.to_string().replace('\n', " ")),
        };
        let totals = cache_totals();
        let before = std::mem::replace(&mut self.cache_totals, totals);
        let mut cached = String::new();
        for (n, noun) in ["hit", "miss", "store hit"].into_iter().enumerate() {
            let count = totals[n] - before[n];
            if count > 0 && self.is_sequential {
                cached += &format!("  {}", quantity(count as usize, noun));
            }
        }
        let cached = self.paint(DIM, &cached);
        say(format_args!("{word} {:>5} {:>12}  {result}{cached}", done.number, millis(done.time)));
    }

    /// Writes the summary, and the report of the container if `report` is true.
    pub(super) fn summary(mut self, report: bool) {
        let container = container();
        let failed = format!("{} failed", container.errors());
        let failed = self.paint(if container.errors() > 0 { RED } else { GREEN }, &failed);
        say(format_args!(
            "\n{}, {failed}",
            quantity(container.invocations() as usize, "invocation")
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
        let [hits, misses, store_hits] = cache_totals();
        if hits + misses > 0 {
            let rate = format!("{:.0}%", 100.0 * hits as f64 / (hits + misses) as f64);
            let of = self.paint(DIM, &format!("{hits} of {}", hits + misses));
            say(format_args!("  cache hits {rate:>12}  {of}"));
        }
        if store_hits > 0 {
            say(format_args!("  store hits {store_hits:>12}"));
        }
        if report {
            self.report();
        }
    }

    fn report(&self) {
        let report = container().report();
        say(format_args!("\ncontainer {}", report.container_id));
        for (name, value) in [
            ("uptime", format!("{:.3} s", report.uptime.as_secs_f64())),
            ("invocations", report.invocations.to_string()),
            ("errors", report.errors.to_string()),
            ("error rate", format!("{:.1}%", report.error_rate_percent)),
            ("pings", report.pings.to_string()),
        ] {
            say(format_args!("  {name:<11}{value:>12}"));
        }
    }
}

// The codes of ANSI escape sequences.
const RED: u8 = 31;
const GREEN: u8 = 32;
const BLUE: u8 = 34;
const CYAN: u8 = 36;
const DIM: u8 = 2;

/// Formats a number with its noun, such as `1 hit`, `2 hits`, `2 misses`.
fn quantity(count: usize, noun: &str) -> String {
    let plural = match (count, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{plural}")
}

/// Returns a percentile by the nearest-rank method. `sorted` must not be empty.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// Returns the hits (stale ones included), the misses and the store hits of all caches.
fn cache_totals() -> [u64; 3] {
    let of = |stats: Stats| [stats.hits + stats.stale_hits, stats.misses, stats.store_hits];
    let caches = container().caches();
    caches.iter().fold([0; 3], |sums, cache| {
        let counts = of(cache.stats);
        std::array::from_fn(|n| sums[n] + counts[n])
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
    fn a_quantity_has_a_plural() {
        assert_eq!(quantity(1, "hit"), "1 hit");
        assert_eq!(quantity(0, "invocation"), "0 invocations");
        assert_eq!(quantity(2, "miss"), "2 misses");
    }
}
