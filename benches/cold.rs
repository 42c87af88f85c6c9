//! What a cold start costs: from the start of the process to its first request for an event.
//!
//! The programs are started in turns; times are medians, instructions are those that callgrind
//! counts until then.

#![forbid(unsafe_code)]

use std::time::Duration;

use support::{Launch, Row, build, collected, conclude, median_and_least};

const ROUNDS: usize = 100;

/// What each of the ten resources waits where they wait; three of them one after the other.
const WAIT: Duration = Duration::from_millis(50);

fn main() {
    build("bare");
    build("reused");
    let mut rows = Vec::new();
    let plain = |programs: [&'static str; 2]| programs.map(|who| (who, Launch::program(who)));
    let waiting = |programs: [&'static str; 2]| {
        plain(programs).map(|(who, launch)| (who, launch.env("WAIT_MS", WAIT.as_millis())))
    };
    let (none, ten) = (["bare-none", "reused-none"], ["bare-ten", "reused-ten"]);
    let nothing = starts(&plain(none), ROUNDS);
    let instant = starts(&plain(ten), ROUNDS);
    let waited = starts(&waiting(ten), ROUNDS / 5);
    for (n, who) in none.into_iter().enumerate() {
        rows.push(row("first /next, no resources", who, nothing[n] * 1e3, "ms"));
    }
    for who in none {
        let function = Launch::program(who).under_callgrind().start();
        function.ready();
        if let Some(count) = collected(&function.stop()) {
            rows.push(row("instructions to it", who, count, "instructions"));
        }
    }
    for (n, who) in ten.into_iter().enumerate() {
        rows.push(row("first /next, ten resources", who, instant[n] * 1e3, "ms"));
    }
    let what = "INIT of ten resources that wait, their longest chain 150 ms";
    rows.push(row(what, "the longest chain", WAIT.as_secs_f64() * 3e3, "ms"));
    for (n, who) in ten.into_iter().enumerate() {
        rows.push(row(what, who, (waited[n] - instant[n]) * 1e3, "ms"));
    }
    conclude("cold", rows);
}

fn row(what: &str, who: &'static str, value: f64, unit: &'static str) -> Row {
    Row { what: what.to_owned(), who, value, unit, ratio: f64::NAN }
}

/// Seconds to the first request for an event, for each.
fn starts(launches: &[(&str, Launch)], rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::new(); launches.len()];
    for round in 0..rounds {
        for turn in 0..launches.len() {
            let n = (turn + round) % launches.len();
            let function = launches[n].1.start();
            times[n].push(function.ready().as_secs_f64());
            function.stop();
        }
    }
    times.into_iter().map(|times| median_and_least(times).0).collect()
}
