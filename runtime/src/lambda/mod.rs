//! A container under Lambda: INIT, the loop, SHUTDOWN.
//!
//! Only these files and `base/logging.rs` name `lambda_runtime`.

mod api;
pub(crate) mod environment;
mod phase_error;
mod runtime_loop;
pub(crate) mod service;
#[cfg(all(unix, feature = "graceful-shutdown"))]
mod sigterm;
mod snapstart;
pub(crate) mod types;

use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;

use crate::base::panic::log_caught;
use crate::base::stdio::{Output, say};
use crate::base::{executor, logging};
use crate::container::snapshot::Start;
use crate::container::{container, lifecycle};
use crate::error::chain;
use crate::invocation;
use crate::invocation::handler::{Handler, needs};
use crate::metrics::emf;
use crate::resource::HandlerNeeds;
use api::RuntimeApi;
use environment::Environment;
use phase_error::PhaseError;

/// Runs a function under Lambda until its container ends.
pub(crate) fn run<H: Handler>() -> ExitCode {
    let environment = match begin() {
        Ok(environment) => environment,
        Err(code) => return code,
    };
    // One invocation at a time runs best on one thread: it keeps one connection to the Runtime API
    // and needs half the CPU time.
    let builder = match environment.concurrency {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    executor::run(builder, Box::pin(life::<H>(environment)))
}

/// Reads the environment and begins the log.
fn begin() -> Result<Environment, ExitCode> {
    let environment = Environment::read().map_err(|error| {
        say(format_args!("error: {error}, as it is in Lambda"));
        ExitCode::FAILURE
    })?;
    logging::begin(Output::Stdout);
    Ok(environment)
}

/// Reports that INIT has failed, from inside a tokio runtime: on a thread that is not part of it.
pub(crate) fn refuse(error_type: &'static str, message: &'static str) -> ExitCode {
    let report = move || {
        let environment = match begin() {
            Ok(environment) => environment,
            Err(code) => return code,
        };
        let report = async move {
            let api = RuntimeApi::new(&environment);
            PhaseError::new(error_type, message.to_owned()).report(&api, "init").await;
            ExitCode::FAILURE
        };
        executor::run(Builder::new_current_thread(), Box::pin(report))
    };
    std::thread::spawn(report).join().unwrap_or(ExitCode::FAILURE)
}

/// Everything from INIT to SHUTDOWN.
async fn life<H: Handler>(environment: Environment) -> ExitCode {
    container().begin(environment.start);
    H::SPEC.begin_metrics(environment.start, emf::to_stdout);
    let api = Arc::new(RuntimeApi::new(&environment));
    #[cfg(all(unix, feature = "graceful-shutdown"))]
    sigterm::at_shutdown(&api, invocation::shutdown::<H>, lifecycle::has_close()).await;
    let code = match init(&api, &environment, needs::<H>()).await {
        Ok(()) => match runtime_loop::run::<H>(api, &environment).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let error = chain(&*error);
                log_caught(|| tracing::error!(error, "the Runtime API is gone"));
                ExitCode::FAILURE
            }
        },
        Err(()) => ExitCode::FAILURE,
    };
    invocation::shutdown::<H>().await;
    code
}

/// INIT, and the snapshot that may follow it.
///
/// # Errors
/// If the container cannot start. Lambda has received the error.
async fn init(api: &RuntimeApi, environment: &Environment, needs: HandlerNeeds) -> Result<(), ()> {
    let budget = match &environment.init_budget {
        Ok(budget) => *budget,
        Err(error) => {
            let error = format!("REWARM_INIT_BUDGET is not a duration: {error}");
            PhaseError::new("InvalidConfiguration", error).report(api, "init").await;
            return Err(());
        }
    };
    if let Err(failures) = lifecycle::init(needs, budget).await {
        PhaseError::of(&failures).report(api, "init").await;
        return Err(());
    }
    match environment.start {
        Start::SnapStart => snapstart::snapshot_and_restore(api).await,
        _ => Ok(()),
    }
}
