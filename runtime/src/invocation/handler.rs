//! The interface between a `#[handler]` and the runtime, and its options.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::container::snapshot::Start;
use crate::invocation::error::InvocationError;
use crate::invocation::response::Response;
use crate::lambda::types::OfContext;
use crate::metrics::emf;
use crate::resource::{HandlerNeeds, RegistryEntry};

/// Implemented by the expansion of `#[handler]`.
pub trait Handler: Send + Sync + 'static {
    /// Its name and options.
    const SPEC: HandlerSpec;
    /// The event.
    type Event: DeserializeOwned + Send;
    /// The part of the invocation's context that the function receives: all or nothing.
    type Context: OfContext;
    /// The response.
    type Response: Response;

    /// Returns the resources that it names: in its signature, and in the option `init`.
    fn resources() -> Vec<&'static dyn RegistryEntry> {
        Vec::new()
    }

    /// Acquires the resources in the function's signature and calls the function.
    fn call(
        event: Self::Event,
        context: Self::Context,
    ) -> impl Future<Output = Result<Self::Response, InvocationError>> + Send; // help: drop it before `.await`; https://docs.rs/rewarm/0.1.0/rewarm/guide/lints/index.html#guard_across_await
}

/// Returns what INIT has to build for a handler.
pub(crate) fn needs<H: Handler>() -> HandlerNeeds {
    HandlerNeeds { module: H::SPEC.module, named: H::resources() }
}

/// The options of a handler.
#[derive(Clone, Copy)]
pub struct HandlerSpec {
    pub(crate) name: &'static str,
    /// The path of the module in which it is declared.
    pub(crate) module: &'static str,
    /// OpenTelemetry's `faas.trigger`.
    pub(crate) trigger: &'static str,
    pub(crate) emf: Option<emf::Options>,
    pub(crate) deadline_margin: Duration,
    pub(crate) report_every: u64,
    /// The time for which a warm-up ping is held; `None` if pings are events like any other.
    pub(crate) warmup: Option<Duration>,
    /// The rule or schedule of EventBridge whose events are pings.
    pub(crate) warmup_rule: Option<&'static str>,
}

impl HandlerSpec {
    /// The default options of the handler of this name, in this module.
    pub const fn new(name: &'static str, module: &'static str) -> Self {
        Self {
            name,
            module,
            trigger: "other",
            emf: None,
            deadline_margin: Duration::from_millis(250),
            report_every: 10,
            warmup: None,
            warmup_rule: None,
        }
    }

    /// Installs the sink of the embedded metric format, if the options enable it.
    pub(crate) fn begin_metrics(&self, start: Start, write: emf::Write) {
        if let Some(options) = self.emf {
            emf::begin(self.name, options, emf::Function::from_environment(), start, write);
        }
    }

    /// Enables CloudWatch's embedded metric format.
    pub const fn emf(
        mut self,
        namespace: &'static str,
        dimensions: &'static [emf::Dimension],
    ) -> Self {
        self.emf = Some(emf::Options { namespace, dimensions });
        self
    }

    /// Marks the events as HTTP requests.
    pub const fn http(mut self) -> Self {
        self.trigger = "http";
        self
    }

    /// Sets the time before Lambda's deadline at which the handler is cancelled; zero for never.
    pub const fn deadline_margin(mut self, margin: Duration) -> Self {
        self.deadline_margin = margin;
        self
    }

    /// Sets the number of invocations between two reports of the container; 0 for no reports.
    pub const fn report_every(mut self, invocations: u64) -> Self {
        self.report_every = invocations;
        self
    }

    /// Responds to warm-up pings without the handler, after this time.
    pub const fn warmup(mut self, held: Duration) -> Self {
        self.warmup = Some(held);
        self
    }

    /// Makes pings of the events of a rule or schedule.
    pub const fn warmup_rule(mut self, name: &'static str) -> Self {
        self.warmup_rule = Some(name);
        self
    }
}
