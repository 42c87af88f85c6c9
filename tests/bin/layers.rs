//! Functions under layers: one of events, and one of HTTP requests if `RUN` is `page`. With
//! `BREAK=1`, the layers cannot be built.

use std::process::ExitCode;
use std::time::Duration;

use rewarm::http::http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use rewarm::http::{Body, Request, Response};
use rewarm::layer::{EventLayer, HttpLayer};
use rewarm::{Context, Error, LambdaEvent, handler, init};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

#[init]
async fn greeting() -> String {
    "hello".to_owned()
}

fn layers() -> impl EventLayer<Value, Value> {
    if std::env::var_os("BREAK").is_some() {
        panic!("no limit is configured");
    }
    tracing::info!("the layers are built");
    ServiceBuilder::new()
        .map_request(|event: LambdaEvent<Value>| {
            tracing::info!("layer: {}", event.context.request_id);
            if let Some(address) = event.payload["address"].as_str().map(str::to_owned) {
                rewarm::defer(async move {
                    TcpStream::connect(address).await.expect("connect");
                });
            }
            event
        })
        .concurrency_limit(2)
        .timeout(Duration::from_secs(1))
}

#[handler(layer = layers, deadline_margin = "100ms")]
async fn echo(event: Value, context: Context, greeting: &str) -> Result<Value, Error> {
    match event["do"].as_str() {
        Some("fail") => Err(Error::msg("as you wish")),
        Some("panic") => panic!("as you wish"),
        Some("hang") => std::future::pending().await,
        _ => Ok(json!({ "greeting": greeting, "request_id": context.request_id })),
    }
}

fn http_layers() -> impl HttpLayer {
    let server = SetResponseHeaderLayer::overriding(SERVER, HeaderValue::from_static("shop"));
    ServiceBuilder::new().layer(CompressionLayer::new()).layer(server)
}

#[handler(http, layer = http_layers)]
async fn page(request: Request, greeting: &str) -> Response<Body> {
    let text = format!("{greeting}, {} ", request.uri().path()).repeat(20);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn main() -> ExitCode {
    match std::env::var("RUN").as_deref() {
        Ok("page") => page::run(),
        _ => echo::run(),
    }
}
