//! The error of a container that cannot start.

use serde::Serialize;

use super::api::RuntimeApi;
use crate::base::panic::log_caught;
use crate::error::{ResourceError, chain, listed};

/// The error of INIT or of a restore, as Lambda shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhaseError {
    error_type: &'static str,
    error_message: String,
    /// A line for each resource, with the name of its error's type.
    stack_trace: Vec<String>,
}

impl PhaseError {
    pub(super) fn new(error_type: &'static str, error_message: String) -> Self {
        Self { error_type, error_message, stack_trace: Vec::new() }
    }

    /// The error of resources that could not be built.
    pub(super) fn of(failures: &[ResourceError]) -> Self {
        let line = |failure: &ResourceError| {
            let source = std::error::Error::source(failure).map_or_else(String::new, chain);
            let error_type = failure.error_type().unwrap_or("Error");
            format!("{}: {error_type}: {source}", failure.resource())
        };
        let stack_trace = failures.iter().map(line).collect();
        Self { stack_trace, ..Self::new("ResourceUnavailable", listed(failures)) }
    }

    /// Reports to Lambda and to the log that a phase, `init` or `restore`, has failed.
    pub(super) async fn report(self, api: &RuntimeApi, phase: &'static str) {
        let (name, category) = match phase {
            "init" => ("INIT", "Runtime.InitError"),
            _ => ("the restore", "Runtime.RestoreError"),
        };
        log_caught(|| tracing::error!(error = self.error_message, "{name} failed"));
        if let Err(error) = api.fail_phase(phase, category, &self).await {
            let error = chain(&*error);
            log_caught(|| tracing::error!(error, "failed to report the error to Lambda"));
        }
    }
}
