//! Options that are written wrong: one error for each, and no other because of it.

use rewarm::handler;

#[handler(ttl = "5m")]
async fn of_another(_event: u8) {}

#[handler(timeout = "5s")]
async fn of_two_others(_event: u8) {}

#[handler(report_every = -1)]
async fn negative(_event: u8) {}

#[handler(deadline_margin = 3)]
async fn no_unit(_event: u8) {}

#[handler(report)]
async fn half(_event: u8) {}

#[handler(name_space = "Shop", dimension(function))]
async fn misspelt(_event: u8) {}

#[handler(namespace: "Shop" dimensions(function))]
async fn no_comma(_event: u8) {}

#[handler(warmup = 75)]
async fn no_duration(_event: u8) {}

#[handler(warmup_rule = "keep-warm")]
async fn no_warmup(_event: u8) {}

#[handler(init = queue)]
async fn no_list(_event: u8) {}

#[handler(init(queue, "pool"))]
async fn no_path(_event: u8) {}

#[handler(init(no_warmup))]
async fn no_resource(_event: u8) {}

fn main() {}
