//! Results: a table for people, a file for the plot and for the next to compare with.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

/// Where something was measured.
#[derive(Debug, Serialize)]
pub struct Machine {
    cpu: String,
    cpus: usize,
    rustc: String,
    /// Seconds since 1970.
    time: u64,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name\t: "));
        let rustc = Command::new("rustc").arg("-V").output().map(|output| output.stdout);
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            cpu: model.unwrap_or("unknown").to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            rustc: String::from_utf8_lossy(&rustc.unwrap_or_default()).trim().to_owned(),
            time: now.as_secs(),
        }
    }
}

/// Writes `benches/results/NAME.json`.
pub fn save(name: &str, rows: &impl Serialize) -> PathBuf {
    #[derive(Serialize)]
    struct Results<'a, R> {
        machine: Machine,
        rows: &'a R,
    }
    let results = Results { machine: Machine::this(), rows };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    std::fs::create_dir_all(&folder).expect("a folder for the results");
    let path = folder.join(name).with_extension("json");
    let mut text = serde_json::to_string_pretty(&results).expect("results are plain data");
    text.push('\n');
    std::fs::write(&path, text).expect("the results can be written");
    path
}

/// A table in Markdown, its first column to the left and the others to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|n| rows.iter().map(|row| row[n].len()).chain([head[n].len()]).max().unwrap_or(0))
        .collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(n, (cell, width))| match n {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(n, width)| match n {
        0 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    let rule: Vec<String> = rule.collect();
    let mut text = line(head.to_vec());
    text += &line(rule.iter().map(String::as_str).collect());
    rows.iter().for_each(|row| text += &line(row.iter().map(String::as_str).collect()));
    text
}

/// A figure of one contestant.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Of whom.
    pub who: &'static str,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// Times what the first of the same `what` needed.
    pub ratio: f64,
}

/// Sets the ratios, prints the rows and writes them to a file.
pub fn conclude(name: &str, mut rows: Vec<Row>) {
    for n in 0..rows.len() {
        let first = rows.iter().find(|row| row.what == rows[n].what);
        rows[n].ratio = rows[n].value / first.map_or(f64::NAN, |first| first.value);
    }
    let cells = |row: &Row| {
        let digits = if row.value.abs() < 100.0 { 2 } else { 0 };
        vec![
            row.what.clone(),
            row.who.to_owned(),
            format!("{:.digits$}", row.value),
            row.unit.to_owned(),
            format!("{:.3}", row.ratio),
        ]
    };
    let head = ["what", "who", "value", "unit", "ratio"];
    println!("{}", table(&head, &rows.iter().map(cells).collect::<Vec<_>>()));
    println!("{}", save(name, &rows).display());
}
