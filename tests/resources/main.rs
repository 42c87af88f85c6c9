//! `#[init]`: one file per option or rule.
//!
//! INIT of a simulated container builds every resource of the process that is not `lazy`. The
//! resources of tests outside containers are `lazy`, so that no container builds them.
// Parameters here have the type of the resource itself.
#![allow(clippy::ptr_arg)]

mod attempts_end;
mod chain;
mod check;
mod close;
mod cycles;
mod dependents;
mod generations;
mod graph;
mod names;
mod panics;
mod plain;
mod pool;
mod rebuild;
mod restore;
mod retry_after;
mod single_flight;
mod statics;
mod timeout;

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use rewarm::{Error, InvocationError, ResourceError, ResourceSnapshot, cached, handler, init};
use rewarm_tests::turns::{outside_containers, outside_containers_blocking, simulation};
use rewarm_tests::{Count, Refused, all, panic_of, waiting};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);

/// The generation of the resource of that name, of which there is one.
fn generation(resources: &[ResourceSnapshot], name: &str) -> u64 {
    let named: Vec<_> = resources.iter().filter(|resource| resource.name == name).collect();
    let [resource] = &named[..] else { panic!("one resource is named {name}: {named:?}") };
    resource.generation
}

/// An error with all its causes.
fn chain(error: ResourceError) -> String {
    Error::from(error).to_string()
}

fn pair(response: Result<Value, InvocationError>) -> (u64, u64) {
    serde_json::from_value(response.unwrap()).unwrap()
}
