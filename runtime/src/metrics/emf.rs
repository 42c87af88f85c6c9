//! CloudWatch's embedded metric format (EMF): one line of JSON per invocation, from which
//! CloudWatch extracts the metrics.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! `#[handler]` validates the namespace and the names of the dimensions. Their values are made
//! valid here.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
#[cfg(unix)]
use std::{fs::File, os::fd::AsFd, sync::OnceLock};

use serde::Serialize;

use super::{Event, Invocation, Sink, install, millis};
use crate::container::snapshot::Start;
use crate::resource::{RegistryEntry, registry};

/// A dimension of all metrics of a handler.
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
    /// The [`Start`] of the container.
    Start,
    /// A name with a constant value.
    Is(&'static str, &'static str),
}

/// The identity of the Lambda function. Fields are `None` if Lambda did not set their variables.
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

impl Function {
    /// Reads the variables that Lambda sets.
    pub(crate) fn from_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        Self {
            name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            version: variable("AWS_LAMBDA_FUNCTION_VERSION"),
            memory: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            region: variable("AWS_REGION"),
        }
    }
}

/// Writes a line to the output of the metrics.
pub(crate) type Write = fn(line: &[u8]);

/// Installs the sink of a handler. Further calls for the same handler have no effect.
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

/// Writes a whole line to stdout, from which Lambda makes a log event.
///
/// The lock of [`std::io::Stdout`] keeps other output out of the line. The line bypasses its
/// buffer: an incomplete line of the user's `print!` waits there, and would become one line with
/// this one.
pub(crate) fn to_stdout(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    #[cfg(unix)]
    {
        static FILE: OnceLock<Option<File>> = OnceLock::new();
        let open = || stdout.as_fd().try_clone_to_owned().ok().map(File::from);
        if let Some(mut file) = FILE.get_or_init(open).as_ref() {
            // If stdout is closed, the metrics have no reader.
            let _ = file.write_all(line);
            return;
        }
    }
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

/// Writes a whole line to stderr. In the local runner, stdout is reserved for responses.
#[cfg(feature = "local")]
pub(crate) fn to_stderr(line: &[u8]) {
    let _ = std::io::stderr().lock().write_all(line);
}

/// The sink of one handler.
struct Emf {
    handler: &'static str,
    /// The constant part of a line: the metric directives and the dimensions. The first index is 1
    /// for a line with an `InitDuration`, the second is 1 for a line with an `IdleGap`.
    constant: [[Line; 2]; 2],
    /// True if a cache of the function has a store.
    has_store: bool,
    write: Write,
}

/// The name of a further member of a JSON object, with its punctuation.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
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
        let dimensions: Vec<_> = options.dimensions.iter().map(value).collect();
        let has_store = registry().any(RegistryEntry::has_store);
        let constant = |init, idle| {
            let metrics = metrics(init, idle, has_store);
            constant_part(options.namespace, &dimensions, metrics)
        };
        let constant = [false, true].map(|init| [false, true].map(|idle| constant(init, idle)));
        Self { handler, constant, has_store, write }
    }

    /// Returns the line of an invocation.
    // The names of the members need no escaping. To have serde_json look for it in each of them
    // would double the cost of a line.
    fn line(&self, invocation: &Invocation) -> Line {
        let ended = invocation.ended.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let constant = &self.constant[usize::from(invocation.init_duration.is_some())]
            [usize::from(invocation.idle_gap.is_some())];
        let mut line = Line(Vec::with_capacity(2048));
        line.put("{\"_aws\":{\"Timestamp\":", &ended.as_millis());
        line.0.extend_from_slice(&constant.0);
        line.put(key!("request_id"), &invocation.request_id);
        line.put(key!("container_id"), &invocation.container_id);
        line.put(key!("invocation"), &invocation.number);
        line.put(key!("start"), &invocation.start);
        line.put(key!("ColdStart"), &u8::from(invocation.cold_start));
        line.put(key!("Invocations"), &1);
        line.put(key!("Errors"), &u8::from(invocation.error.is_some()));
        line.put(key!("DeadlineExceeded"), &u8::from(invocation.deadline_exceeded));
        line.put(key!("Duration"), &millis(invocation.duration));
        if let Some(time) = invocation.init_duration {
            line.put(key!("InitDuration"), &millis(time));
        }
        if let Some(time) = invocation.idle_gap {
            line.put(key!("IdleGap"), &millis(time));
        }
        line.put(key!("ContainerAge"), &millis(invocation.container_age));
        line.put(key!("CacheHits"), &invocation.cache_hits);
        line.put(key!("CacheMisses"), &invocation.cache_misses);
        line.put(key!("CacheStaleHits"), &invocation.cache_stale_hits);
        if self.has_store {
            line.put(key!("StoreHits"), &invocation.store_hits);
            line.put(key!("StoreErrors"), &invocation.store_errors);
        }
        line.0.extend_from_slice(b"}\n");
        line
    }
}

/// A line of JSON, or a part of one.
struct Line(Vec<u8>);

impl Line {
    /// Appends a prefix and a value.
    fn put(&mut self, prefix: &str, value: &impl Serialize) {
        self.0.extend_from_slice(prefix.as_bytes());
        // Numbers, strings and lists of them do not fail to serialize.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

/// The maximum size of a line in bytes. CloudWatch accepts log events of up to 256 KB.
const MAX_LINE: usize = 250_000;

impl Sink for Emf {
    fn record(&self, event: &Event) {
        let Event::Invocation(invocation) = event else { return };
        if invocation.handler == self.handler {
            let Line(line) = self.line(invocation);
            if line.len() <= MAX_LINE {
                (self.write)(&line);
            }
        }
    }
}

/// Returns the metrics of a line and their units.
fn metrics(
    init: bool,
    idle: bool,
    store: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
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
        store.then_some(("StoreHits", COUNT)),
        store.then_some(("StoreErrors", COUNT)),
    ]
    .into_iter()
    .flatten()
}

/// Returns the constant part of a line; see [`Emf::constant`].
fn constant_part(
    namespace: &str,
    dimensions: &[(&str, String)],
    metrics: impl Iterator<Item = (&'static str, &'static str)>,
) -> Line {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Directive<'a> {
        namespace: &'a str,
        dimensions: [Vec<&'a str>; 1],
        metrics: Vec<Metric>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Metric {
        name: &'static str,
        unit: &'static str,
    }
    let names = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics = metrics.map(|(name, unit)| Metric { name, unit }).collect();
    let directive = Directive { namespace, dimensions: [names], metrics };
    let mut line = Line(Vec::new());
    line.put(key!("CloudWatchMetrics"), &[directive]);
    line.0.push(b'}');
    // `start` is a member of every line already.
    for (name, value) in dimensions.iter().filter(|(name, _)| *name != "start") {
        line.put(",", name);
        line.put(":", &valid_value(value));
    }
    line
}

/// Makes a dimension's value valid: 1 to 1,024 printable ASCII characters.
fn valid_value(value: &str) -> Cow<'_, str> {
    let printable = |c: char| matches!(c, ' '..='~');
    if value.trim().is_empty() {
        return "unknown".into();
    }
    if value.len() <= 1024 && value.chars().all(printable) {
        return value.into();
    }
    value.chars().take(1024).map(|c| if printable(c) { c } else { '?' }).collect()
}
