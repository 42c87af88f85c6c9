//! A function with ten things made before its first invocation, by hand, as fast as it goes.

mod runtime;
#[path = "../wait.rs"]
mod wait;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use wait::wait;

async fn serve() -> Result<(), Error> {
    let chain = async {
        let first = wait().await;
        let second = first + wait().await;
        second + wait().await
    };
    let (chain, a, b, c, d, e, f, g) =
        tokio::join!(chain, wait(), wait(), wait(), wait(), wait(), wait(), wait());
    let made = Arc::new(vec![chain, a, b, c, d, e, f, g]);
    let handler = service_fn(move |event: LambdaEvent<u64>| {
        let made = Arc::clone(&made);
        async move { Ok::<u64, Error>(event.payload + made.iter().sum::<u64>()) }
    });
    run_concurrent(handler).await
}

fn main() -> Result<(), Error> {
    runtime::run(serve())
}
