//! CloudWatch's embedded metric format: one JSON object a line for each invocation, from which
//! CloudWatch takes the metrics.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! The names are checked by the macro that reads them, the values here: no line breaks the rules.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
#[cfg(unix)]
use std::{fs::File, os::fd::AsFd, sync::OnceLock};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::{Event, Invocation, Sink, install, millis};
use crate::snapshot::Start;

/// What every metric of a handler can be looked up by.
#[derive(Clone, Copy, Debug)]
pub enum Dimension {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    Function,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    Version,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    Memory,
    /// `AWS_REGION`.
    Region,
    /// [`Start`].
    Start,
    /// Another, with a value that never changes.
    Is(&'static str, &'static str),
}

/// The function that the container belongs to, as far as the environment says.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) memory: Option<String>,
    pub(crate) region: Option<String>,
}

/// The options `namespace` and `dimensions` of a handler.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) namespace: &'static str,
    pub(crate) dimensions: &'static [Dimension],
}

/// Where the lines go.
pub(crate) type Write = fn(line: &[u8]);

/// Writes a line for each invocation of a handler from now on. Once is enough.
pub(crate) fn begin(
    handler: &'static str,
    options: Options,
    function: Function,
    start: Start,
    write: Write,
) {
    static BEGUN: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if !begun.contains(&handler) {
        begun.push(handler);
        install(Emf::new(handler, options, function, start, write));
    }
}

/// Writes a whole line to stdout, which Lambda makes log events of.
///
/// Nobody who prints through the standard library gets in between. A line that somebody has begun
/// with `print!` waits in the buffer of [`std::io::Stdout`], which this goes past.
pub(crate) fn to_stdout(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    #[cfg(unix)]
    {
        static FILE: OnceLock<Option<File>> = OnceLock::new();
        let open = || stdout.as_fd().try_clone_to_owned().ok().map(File::from);
        if let Some(mut file) = FILE.get_or_init(open).as_ref() {
            // Who closed stdout wants no metrics.
            let _ = file.write_all(line);
            return;
        }
    }
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

/// Writes a whole line to stderr, where stdout has the answers.
#[cfg(feature = "local")]
pub(crate) fn to_stderr(line: &[u8]) {
    let _ = std::io::stderr().lock().write_all(line);
}

struct Emf {
    handler: &'static str,
    /// Names and values.
    dimensions: Vec<(&'static str, String)>,
    /// What the metrics are, by whether there is an `InitDuration` and an `IdleGap`.
    directives: [[Box<RawValue>; 2]; 2],
    write: Write,
}

const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";

impl Emf {
    fn new(
        handler: &'static str,
        options: Options,
        function: Function,
        start: Start,
        write: Write,
    ) -> Self {
        let Function { name, version, memory, region } = function;
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        let value = |dimension: &Dimension| match *dimension {
            Dimension::Function => ("function", name.clone().unwrap_or_else(|| handler.to_owned())),
            Dimension::Version => ("version", or_unknown(version.clone())),
            Dimension::Memory => ("memory", or_unknown(memory.clone())),
            Dimension::Region => ("region", or_unknown(region.clone())),
            Dimension::Start => ("start", <&str>::from(start).to_owned()),
            Dimension::Is(name, value) => (name, value.to_owned()),
        };
        let dimensions: Vec<_> = options
            .dimensions
            .iter()
            .map(value)
            .map(|(name, value)| (name, accepted(&value).into_owned()))
            .collect();
        let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
        let directive = |init, idle| directive(options.namespace, &names, init, idle);
        let directives = [false, true].map(|init| [false, true].map(|idle| directive(init, idle)));
        Self { handler, dimensions, directives, write }
    }

    fn line(&self, invocation: &Invocation) -> Option<Vec<u8>> {
        let mut line = Vec::with_capacity(2048);
        let object = Object { emf: self, invocation };
        serde_json::to_writer(&mut line, &object).ok()?;
        line.push(b'\n');
        (line.len() <= MAX_LINE).then_some(line)
    }
}

/// CloudWatch takes log events below 256 KB.
const MAX_LINE: usize = 250_000;

impl Sink for Emf {
    fn record(&self, event: &Event) {
        let Event::Invocation(invocation) = event else { return };
        if invocation.handler == self.handler {
            if let Some(line) = self.line(invocation) {
                (self.write)(&line);
            }
        }
    }
}

/// The metrics of a line and their units.
fn metrics(init: bool, idle: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        Some(("ColdStart", COUNT)),
        Some(("Invocations", COUNT)),
        Some(("Errors", COUNT)),
        Some(("DeadlineExceeded", COUNT)),
        Some(("Duration", MILLISECONDS)),
        init.then_some(("InitDuration", MILLISECONDS)),
        idle.then_some(("IdleGap", MILLISECONDS)),
        Some(("ContainerAge", MILLISECONDS)),
        Some(("CacheHits", COUNT)),
        Some(("CacheMisses", COUNT)),
        Some(("CacheStaleHits", COUNT)),
    ]
    .into_iter()
    .flatten()
}

/// The value of `CloudWatchMetrics`, written once for all lines.
fn directive(namespace: &str, dimensions: &[&str], init: bool, idle: bool) -> Box<RawValue> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Directive<'a> {
        namespace: &'a str,
        dimensions: [&'a [&'a str]; 1],
        metrics: Vec<Metric>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Metric {
        name: &'static str,
        unit: &'static str,
    }
    let metrics = metrics(init, idle).map(|(name, unit)| Metric { name, unit }).collect();
    let directives = [Directive { namespace, dimensions: [dimensions], metrics }];
    serde_json::value::to_raw_value(&directives).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A dimension's value as CloudWatch takes it: 1 to 1,024 printable ASCII characters.
fn accepted(value: &str) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, ' '..='~');
    if value.trim().is_empty() {
        return "unknown".into();
    }
    if value.len() <= 1024 && value.chars().all(plain) {
        return value.into();
    }
    value.chars().take(1024).map(|c| if plain(c) { c } else { '?' }).collect()
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(rename = "Timestamp")]
    timestamp: u128,
    #[serde(rename = "CloudWatchMetrics")]
    directive: &'a RawValue,
}

/// One line.
struct Object<'a> {
    emf: &'a Emf,
    invocation: &'a Invocation,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { emf, invocation } = self;
        let mut map = serializer.serialize_map(None)?;
        let ended = invocation.ended.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let directive = &emf.directives[usize::from(invocation.init_duration.is_some())]
            [usize::from(invocation.idle_gap.is_some())];
        map.serialize_entry("_aws", &Metadata { timestamp: ended.as_millis(), directive })?;
        for (name, value) in emf.dimensions.iter().filter(|(name, _)| *name != "start") {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("request_id", &invocation.request_id)?;
        map.serialize_entry("container_id", &invocation.container_id)?;
        map.serialize_entry("invocation", &invocation.number)?;
        map.serialize_entry("start", &invocation.start)?;
        map.serialize_entry("ColdStart", &u8::from(invocation.cold_start))?;
        map.serialize_entry("Invocations", &1)?;
        map.serialize_entry("Errors", &u8::from(invocation.error.is_some()))?;
        map.serialize_entry("DeadlineExceeded", &u8::from(invocation.deadline_exceeded))?;
        map.serialize_entry("Duration", &millis(invocation.duration))?;
        if let Some(time) = invocation.init_duration {
            map.serialize_entry("InitDuration", &millis(time))?;
        }
        if let Some(time) = invocation.idle_gap {
            map.serialize_entry("IdleGap", &millis(time))?;
        }
        map.serialize_entry("ContainerAge", &millis(invocation.container_age))?;
        map.serialize_entry("CacheHits", &invocation.cache_hits)?;
        map.serialize_entry("CacheMisses", &invocation.cache_misses)?;
        map.serialize_entry("CacheStaleHits", &invocation.cache_stale_hits)?;
        map.end()
    }
}
