//! A function with two resources and a cached value.

mod resources;
#[path = "../shop.rs"]
mod shop;

use std::process::ExitCode;

use resources::{catalogue, pool, settings};
use rewarm::handler;
use shop::{Catalogue, Order, Pool, Receipt, Settings};

#[handler]
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
