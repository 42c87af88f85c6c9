//! A function that needs nothing.

mod runtime;

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

async fn double(event: LambdaEvent<u64>) -> Result<u64, Error> {
    Ok(event.payload * 2)
}

fn main() -> Result<(), Error> {
    runtime::run(run_concurrent(service_fn(double)))
}
