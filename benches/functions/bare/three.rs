//! A function with three things made before its first invocation, by hand.

mod runtime;
#[path = "../shop.rs"]
mod shop;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use shop::{Catalogue, Order, Pool, Settings, checkout};

async fn serve() -> Result<(), Error> {
    let made = tokio::join!(Pool::connect(), Catalogue::load(), Settings::load());
    let made = Arc::new(made);
    let handler = service_fn(move |event: LambdaEvent<Order>| {
        let made = Arc::clone(&made);
        async move {
            let (pool, catalogue, settings) = &*made;
            checkout(event.payload, pool, catalogue, settings)
        }
    });
    run_concurrent(handler).await
}

fn main() -> Result<(), Error> {
    runtime::run(serve())
}
