//! Draws `results/hits.svg` from `results/hits.json`: what a hit costs, beside what a user would
//! pick instead.

#![forbid(unsafe_code)]

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
struct Results {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    group: String,
    name: String,
    threads: usize,
    /// `null` where no turn counted.
    ns: Option<f64>,
}

/// What is shown: the group and its title, its bars and their labels.
const PANELS: [(&str, &str, &[(&str, &str)]); 3] = [
    (
        "resource",
        "A resource",
        &[
            ("ArcSwap::load_full", "ArcSwap::load_full"),
            ("rewarm, db().await", "rewarm: db().await"),
            ("rewarm, a parameter &Pool", "rewarm: a parameter &amp;Pool"),
            ("tokio OnceCell, Arc clone", "tokio OnceCell, Arc clone"),
        ],
    ),
    (
        "unkeyed",
        "A cached value",
        &[
            ("floor: ArcSwap, coarse clock, Arc clone", "ArcSwap and a clock"),
            ("rewarm, settings().await", "rewarm: settings().await"),
            ("cached #[once]", "cached #[once]"),
            ("moka get_with", "moka get_with"),
        ],
    ),
    (
        "keyed",
        "A cached value by key",
        &[
            ("floor: quick_cache get, coarse clock", "quick_cache and a clock"),
            ("rewarm, price(sku).await", "rewarm: price(sku).await"),
            ("cached #[concurrent_cached]", "cached #[concurrent_cached]"),
            ("cached #[cached]", "cached #[cached]"),
            ("moka get", "moka get"),
        ],
    ),
];

const WIDTH: f64 = 720.0;
const LABELS: f64 = 220.0;
const BAR: f64 = 18.0;
const STEP: f64 = 26.0;

fn main() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    let text = std::fs::read_to_string(results.join("hits.json")).expect("`hits` has run");
    let rows: Results = serde_json::from_str(&text).expect("results of `hits`");
    let time = |group: &str, name: &str| {
        let row = |row: &&Row| row.group == group && row.name == name && row.threads == 1;
        rows.rows.iter().find(row).and_then(|row| row.ns).unwrap_or(f64::NAN)
    };
    let bars = PANELS.iter().flat_map(|(group, _, bars)| bars.iter().map(move |bar| (group, bar)));
    let longest = bars.map(|(group, bar)| time(group, bar.0)).fold(0.0, f64::max);
    let scale = (WIDTH - LABELS - 80.0) / longest;
    let (mut body, mut y) = (String::new(), 34.0);
    let _ = writeln!(
        body,
        r#"<text x="0" y="16" class="title">One hit, nanoseconds, one thread</text>"#
    );
    for (group, title, bars) in PANELS {
        y += 14.0;
        let _ = writeln!(body, r#"<text x="0" y="{y}" class="head">{title}</text>"#);
        y += 10.0;
        for (name, label) in bars {
            let (ns, ours) = (time(group, name), label.starts_with("rewarm"));
            let (width, class) = (ns * scale, if ours { "ours" } else { "theirs" });
            let (middle, end) = (y + BAR * 0.72, LABELS + width + 6.0);
            let _ = writeln!(
                body,
                r#"<text x="{x}" y="{middle}" class="label">{label}</text>
<rect x="{LABELS}" y="{y}" width="{width:.1}" height="{BAR}" rx="2" class="{class}"/>
<text x="{end:.1}" y="{middle}">{ns:.1}</text>"#,
                x = LABELS - 8.0,
            );
            y += STEP;
        }
    }
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -8 {width} {height}" width="{WIDTH}" role="img" aria-label="What one hit costs, in nanoseconds">
<style>
text {{ font: 13px system-ui, sans-serif; fill: #24292f; }}
.title {{ font-size: 15px; font-weight: 600; }}
.head {{ font-weight: 600; }}
.label {{ text-anchor: end; }}
.ours {{ fill: #c2410c; }}
.theirs {{ fill: #8b949e; }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3; }} .ours {{ fill: #fb923c; }} .theirs {{ fill: #6e7681; }} }}
</style>
{body}</svg>
"##,
        width = WIDTH + 24.0,
        height = y + 8.0,
    );
    let path = results.join("hits.svg");
    std::fs::write(&path, svg).expect("the plot can be written");
    println!("{}", path.display());
}
