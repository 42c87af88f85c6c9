//! lambda_runtime on the tokio runtime that suits it: one thread for one invocation at a time.

use std::future::Future;

use lambda_runtime::{Error, tracing};

pub fn run(main: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tracing::init_default_subscriber();
    let concurrency = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|n| n.parse().ok());
    let mut builder = match concurrency {
        None | Some(0 | 1) => tokio::runtime::Builder::new_current_thread(),
        Some(_) => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(main)
}
