//! The `service()` of a handler under layers of the user, in a `lambda_runtime::Runtime` that the user
//! builds.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime};
use rewarm::{Context, InvocationError, handler, init};
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder};

/// Counts its builds.
#[init]
async fn built() -> u32 {
    static BUILT: AtomicU32 = AtomicU32::new(0);
    BUILT.fetch_add(1, SeqCst) + 1
}

#[handler(warmup)]
async fn echo(event: Value, context: Context, built: &u32) -> Result<Value, rewarm::Error> {
    match event["do"].as_str() {
        Some("fail") => Err(rewarm::Error::msg("as you wish")),
        Some("sleep") => std::future::pending().await,
        _ => Ok(json!({ "event": event, "request_id": context.request_id, "built": built })),
    }
}

/// The error of a layer.
fn shown(error: BoxError) -> Diagnostic {
    match error.downcast::<InvocationError>() {
        Ok(error) => (*error).into(),
        Err(error) => {
            Diagnostic { error_type: "Layer".to_owned(), error_message: error.to_string() }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let service = ServiceBuilder::new()
        .map_err(shown)
        .map_request(|event: LambdaEvent<Value>| {
            println!("layer: {}", event.context.request_id);
            event
        })
        .timeout(Duration::from_millis(500))
        .service(echo::service());
    Runtime::new(service).layer(TracingLayer::new()).run().await
}
