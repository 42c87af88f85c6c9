//! What a handler is to the runtime, and its options.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::container::snapshot::Start;
use crate::invocation::error::InvocationError;
use crate::invocation::response::Response;
use crate::lambda::types::OfContext;
use crate::metrics::emf;

/// What the expansion of `#[handler]` makes of a function.
pub trait Handler: Send + Sync + 'static {
    /// Its name and options.
    const SPEC: HandlerSpec;
    /// The event.
    type Event: DeserializeOwned + Send;
    /// What it is given of the invocation's context: all or nothing.
    type Context: OfContext;
    /// What is sent for its answer.
    type Response: Response;

    /// Takes hold of the resources that it names and calls the function.
    fn call(
        event: Self::Event,
        context: Self::Context,
    ) -> impl Future<Output = Result<Self::Response, InvocationError>> + Send; // help: drop it before `.await`; docs/lints.md#guard_across_await
}

/// The options of a handler.
#[derive(Clone, Copy)]
pub struct HandlerSpec {
    pub(crate) name: &'static str,
    /// What its events are, by OpenTelemetry's `faas.trigger`.
    pub(crate) trigger: &'static str,
    pub(crate) emf: Option<emf::Options>,
    pub(crate) deadline_margin: Duration,
    pub(crate) report_every: u64,
    pub(crate) warmup: bool,
}

impl HandlerSpec {
    /// The options if none is given.
    pub const DEFAULT: Self = Self {
        name: "",
        trigger: "other",
        emf: None,
        deadline_margin: Duration::from_millis(250),
        report_every: 10,
        warmup: false,
    };

    /// Writes metrics for CloudWatch from now on, if the options say so.
    pub(crate) fn begin_metrics(&self, start: Start, write: emf::Write) {
        if let Some(options) = self.emf {
            emf::begin(self.name, options, emf::Function::from_environment(), start, write);
        }
    }

    /// The function's name.
    pub const fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Writes CloudWatch's embedded metric format.
    pub const fn emf(
        mut self,
        namespace: &'static str,
        dimensions: &'static [emf::Dimension],
    ) -> Self {
        self.emf = Some(emf::Options { namespace, dimensions });
        self
    }

    /// Its events are HTTP requests.
    pub const fn http(mut self) -> Self {
        self.trigger = "http";
        self
    }

    /// How long before Lambda's deadline the handler is cancelled; zero for never.
    pub const fn deadline_margin(mut self, margin: Duration) -> Self {
        self.deadline_margin = margin;
        self
    }

    /// After how many invocations the container is reported; 0 for never.
    pub const fn report_every(mut self, invocations: u64) -> Self {
        self.report_every = invocations;
        self
    }

    /// Answers warm-up pings without the handler.
    pub const fn warmup(mut self) -> Self {
        self.warmup = true;
        self
    }
}
