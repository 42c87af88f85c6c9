//! The same function, with metrics for CloudWatch.

mod resources;
#[path = "../shop.rs"]
mod shop;

use std::process::ExitCode;

use resources::{catalogue, pool, settings};
use rewarm::handler;
use shop::{Catalogue, Order, Pool, Receipt, Settings};

#[handler(namespace = "Shop")]
async fn checkout(
    order: Order,
    pool: &Pool,
    catalogue: &Catalogue,
    settings: &Settings,
) -> Result<Receipt, std::io::Error> {
    shop::checkout(order, pool, catalogue, settings)
}

fn main() -> ExitCode {
    checkout::run()
}
