//! `#[handler]`: one file per option or rule.
// Parameters here have the type of the resource itself.
#![allow(clippy::ptr_arg)]

mod clippy;
mod deadline_margin;
mod defer;
mod error_types;
mod events;
mod http;
mod layer;
mod resources;
mod service;
mod warmup;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rewarm::{Context, Error, InvocationError, LambdaEvent, cached, handler, init};
use rewarm_tests::turns::{outside_containers, simulation};
use rewarm_tests::{Count, Refused};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::Service;

async fn call<S, T>(mut service: S, event: LambdaEvent<T>) -> Result<Value, InvocationError>
where
    S: Service<LambdaEvent<T>, Response: Serialize, Error = InvocationError>,
{
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    let response = service.call(event).await?;
    Ok(serde_json::to_value(&response).unwrap())
}
