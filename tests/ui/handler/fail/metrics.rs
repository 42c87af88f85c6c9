use rewarm::handler;

#[handler(namespace = "My Shop")]
async fn space(_event: u8) {}

#[handler(namespace = "")]
async fn empty(_event: u8) {}

#[handler(namespace = ":Shop")]
async fn colon(_event: u8) {}

#[handler(namespace = "AWS/Lambda")]
async fn reserved(_event: u8) {}

#[handler(namespace = Shop)]
async fn no_text(_event: u8) {}

#[handler(namespace)]
async fn no_value(_event: u8) {}

#[handler(dimensions(function))]
async fn dimensions_alone(_event: u8) {}

#[handler(namespace = "Shop", dimensions(funktion, stage))]
async fn unknown(_event: u8) {}

#[handler(namespace = "Shop", dimensions(stage = "", version, stage = "prod"))]
async fn empty_and_twice(_event: u8) {}

#[handler(namespace = "Shop", dimensions(start = "now", Errors = "none", größe = "1"))]
async fn taken(_event: u8) {}

#[handler(namespace = "Shop", dimensions = "function")]
async fn no_list(_event: u8) {}

#[handler(namespace = "Shop", dimensions(stage = prod))]
async fn no_literal(_event: u8) {}

#[handler(namespce = "Shop")]
async fn misspelt(_event: u8) {}

fn main() {}
