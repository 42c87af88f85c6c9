//! The environment variables that Lambda sets for a function.
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>

use std::env;
use std::time::Duration;

use http::Uri;

use crate::base::duration;
use crate::container::snapshot::Start;

/// The facts about the container in its environment.
pub(crate) struct Environment {
    /// The address of the Runtime API.
    pub(super) api: Uri,
    /// The number of invocations that Lambda sends concurrently; 1 but on Managed Instances.
    pub(super) concurrency: u32,
    pub(super) start: Start,
    /// The time that INIT may take.
    pub(super) init_budget: Result<Option<Duration>, String>,
}

impl Environment {
    /// True if this process runs under Lambda or an emulator of it.
    pub(crate) fn is_lambda() -> bool {
        env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// A message if a variable is missing that Lambda always sets, or makes no sense.
    pub(super) fn read() -> Result<Self, String> {
        let variable = |name| env::var(name).map_err(|_| format!("{name} is not set"));
        // lambda_runtime's `Config` reads these, and panics without them.
        for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"] {
            variable(name)?;
        }
        let name = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
        let size = variable(name)?;
        size.parse::<i32>().map_err(|_| format!("{name} is {size:?}, not a number"))?;
        let name = "AWS_LAMBDA_RUNTIME_API";
        let address = variable(name)?;
        let api = address.parse().ok().filter(|api: &Uri| api.authority().is_some());
        let concurrency = env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok();
        let start = start();
        Ok(Self {
            api: api.ok_or_else(|| format!("{name} is {address:?}, not `HOST:PORT`"))?,
            concurrency: concurrency.and_then(|text| text.parse().ok()).unwrap_or(1).max(1),
            start,
            init_budget: init_budget(start),
        })
    }

    /// True under `cargo lambda watch`, which sends deadlines that have passed. The path of its
    /// Runtime API begins with `/.rt`; that of Lambda has none.
    pub(super) fn is_cargo_lambda(&self) -> bool {
        self.api.path().starts_with("/.rt")
    }
}

/// `AWS_LAMBDA_INITIALIZATION_TYPE`.
pub(super) fn start() -> Start {
    match env::var("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() {
        Ok("provisioned-concurrency") => Start::Provisioned,
        Ok("snap-start") => Start::SnapStart,
        Ok("lambda-managed-instances") => Start::ManagedInstances,
        _ => Start::OnDemand,
    }
}

/// Lambda kills an on-demand function whose INIT takes 10 s, and starts it again. All others have
/// more time.
fn init_budget(start: Start) -> Result<Option<Duration>, String> {
    match env::var("REWARM_INIT_BUDGET") {
        Ok(text) => duration::parse(&text).map(Some),
        Err(_) => Ok((start == Start::OnDemand).then_some(Duration::from_secs(9))),
    }
}
