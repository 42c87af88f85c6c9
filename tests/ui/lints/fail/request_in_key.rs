use rewarm::{Context, LambdaEvent, cached};

#[cached(ttl = "5m")]
async fn whole(event: LambdaEvent<String>) -> u8 {
    1
}

#[cached(ttl = "5m")]
async fn context(context: &Context, sku: &str) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn optional(context: Option<rewarm::Context>) -> u8 {
    1
}

fn main() {}
