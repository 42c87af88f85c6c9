//! Clients of S3 and DynamoDB from one SDK configuration, with timeouts and retries that fit into an
//! invocation, used concurrently.
//!
//! This replaces a `static S3: OnceCell<Client>` and a `load_defaults` for each client. Credentials
//! and region are resolved once per container, in INIT where the CPU is faster, and connections are
//! reused.
//!
//! `cargo run -p rewarm-examples --features aws --example sdk_clients -- --event '{"order": "1"}'`
//!
//! `ORDERS_TABLE` and `INVOICES_BUCKET` name table and bucket; each order has an `invoices/ID.txt`.

use std::process::ExitCode;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use rewarm::{Error, handler, init};
use rewarm_examples::mock;
use serde::{Deserialize, Serialize};

#[init]
async fn sdk() -> Result<SdkConfig, Error> {
    // A connection that died while the container was frozen fails within a second, and is retried.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(3))
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    Ok(mock::aws(config)?.load().await) // in your project: `config.load().await`
}

#[init]
async fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    // Custom endpoints have no host name for each bucket.
    let path_style = sdk.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(path_style);
    aws_sdk_s3::Client::from_conf(config.build())
}

#[init]
async fn dynamodb(sdk: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(sdk)
}

#[derive(Deserialize)]
struct Request {
    order: String,
}

#[derive(Serialize)]
struct Order {
    status: String,
    invoice: String,
}

#[handler]
async fn order(
    request: Request,
    s3: &aws_sdk_s3::Client,
    dynamodb: &aws_sdk_dynamodb::Client,
) -> Result<Order, Error> {
    let name = |variable, default: &str| std::env::var(variable).unwrap_or_else(|_| default.into());
    let status = async {
        let id = AttributeValue::S(request.order.clone());
        let item = dynamodb.get_item().table_name(name("ORDERS_TABLE", "orders")).key("id", id);
        let status = item.send().await?.item.and_then(|mut item| item.remove("status"));
        match status {
            Some(AttributeValue::S(status)) => Ok(status),
            _ => Err(Error::msg(format_args!("there is no order {:?}", request.order))),
        }
    };
    let invoice = async {
        let key = format!("invoices/{}.txt", request.order);
        let object = s3.get_object().bucket(name("INVOICES_BUCKET", "invoices")).key(key);
        let text = object.send().await?.body.collect().await?.to_vec();
        Ok(String::from_utf8(text)?)
    };
    let (status, invoice) = tokio::try_join!(status, invoice)?;
    Ok(Order { status, invoice })
}

fn main() -> ExitCode {
    order::run()
}
