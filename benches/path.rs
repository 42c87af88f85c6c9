//! What an invocation costs through the Runtime API: three injected resources against the same
//! handler on bare lambda_runtime, one at a time and eight, without and with metrics for CloudWatch.
//!
//! The processes live side by side and take turns of some invocations each; wall and CPU time are
//! medians over the rounds, instructions the difference between two runs under callgrind.
//!
//! `path --profile PROGRAM FILE` shows where a program spends them.

#![forbid(unsafe_code)]

use serde::Serialize;
use support::{Function, Launch, build, collected, median_and_least, save, table};

const EVENT: &str = r#"{"sku": "sku-42", "quantity": 3}"#;
const TURN: u64 = 200;
const ROUNDS: usize = 200;

/// What one invocation needed.
#[derive(Serialize)]
struct Row {
    program: &'static str,
    concurrency: usize,
    /// Wall time of one invocation, with the Runtime API's part in it.
    wall_us: f64,
    wall_ratio: f64,
    per_second: f64,
    /// CPU time of the function's process.
    cpu_us: f64,
    cpu_ratio: f64,
    /// In user space.
    instructions: Option<f64>,
    instructions_ratio: Option<f64>,
}

fn main() {
    if let [Some(option), Some(program), Some(file)] = [1, 2, 3].map(|n| std::env::args().nth(n)) {
        assert_eq!(option, "--profile", "path [--profile PROGRAM FILE]");
        return profile(&program, &file);
    }
    build("bare");
    build("reused");
    let programs = ["bare-three", "reused-three", "reused-emf"];
    let counts = programs.map(|program| {
        let count = |invocations| {
            let function = Launch::program(program).under_callgrind().start();
            function.invoke(EVENT, invocations);
            collected(&function.stop())
        };
        Some((count(2_200)? - count(200)?) / 2_000.0)
    });
    let mut rows = Vec::new();
    for concurrency in [1, 8] {
        rows.extend(take_turns(&programs, concurrency));
    }
    for (row, count) in rows.iter_mut().zip(counts) {
        row.instructions = count;
        row.instructions_ratio = Some(count.unwrap_or(f64::NAN) / counts[0].unwrap_or(f64::NAN));
    }
    let cells = |row: &Row| {
        vec![
            row.program.to_owned(),
            row.concurrency.to_string(),
            format!("{:.1}", row.wall_us),
            format!("{:.3}", row.wall_ratio),
            format!("{:.0}", row.per_second),
            format!("{:.1}", row.cpu_us),
            format!("{:.3}", row.cpu_ratio),
            row.instructions.map_or_else(String::new, |count| format!("{count:.0}")),
            row.instructions_ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}")),
        ]
    };
    let head = [
        "program",
        "at a time",
        "wall, µs",
        "ratio",
        "a second",
        "CPU, µs",
        "ratio",
        "instructions",
        "ratio",
    ];
    println!("{}", table(&head, &rows.iter().map(cells).collect::<Vec<_>>()));
    println!("{}", save("path", &rows).display());
}

/// Writes where a program that was built with the profile `profiling` spends the instructions of
/// its invocations, for `callgrind_annotate`.
fn profile(program: &str, file: &str) {
    let mut launch = Launch::program(&format!("../profiling/{program}"));
    let out = format!("--callgrind-out-file={file}");
    let callgrind = ["valgrind", "--tool=callgrind", &out];
    launch.command.splice(0..0, callgrind.map(str::to_owned));
    let function = launch.start();
    function.invoke(EVENT, 10_000);
    print!("{}", function.stop());
}

fn take_turns(programs: &[&'static str], concurrency: usize) -> Vec<Row> {
    let start = |program: &&'static str| {
        let function = Launch::program(program).concurrency(concurrency).start();
        function.invoke(EVENT, 1_000);
        function
    };
    let functions: Vec<Function> = programs.iter().map(start).collect();
    let mut turns: Vec<Vec<(f64, f64)>> = vec![Vec::new(); functions.len()];
    for round in 0..ROUNDS {
        for turn in 0..functions.len() {
            let n = (turn + round) % functions.len();
            let before = functions[n].cpu();
            let wall = functions[n].invoke(EVENT, TURN);
            let cpu = functions[n].cpu().saturating_sub(before);
            turns[n].push((wall.as_secs_f64(), cpu.as_secs_f64()));
        }
    }
    let row = |n: usize| {
        let per = 1e6 / TURN as f64;
        let median =
            |value: &dyn Fn(usize) -> f64| median_and_least((0..ROUNDS).map(value).collect()).0;
        let wall_us = median(&|round| turns[n][round].0 * per);
        Row {
            program: programs[n],
            concurrency,
            wall_us,
            wall_ratio: median(&|round| turns[n][round].0 / turns[0][round].0),
            per_second: 1e6 / wall_us,
            cpu_us: median(&|round| turns[n][round].1 * per),
            cpu_ratio: median(&|round| turns[n][round].1 / turns[0][round].1),
            instructions: None,
            instructions_ratio: None,
        }
    };
    let rows = (0..programs.len()).map(row).collect();
    functions.into_iter().for_each(|function| drop(function.stop()));
    rows
}
