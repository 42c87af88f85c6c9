//! Log macros that wait for one of their values.

use rewarm::{cached, handler, init};

async fn find() -> Result<u8, std::io::Error> {
    Ok(1)
}

#[handler]
async fn with_a_message(_event: u8) -> Result<(), std::io::Error> {
    tracing::info!(user = find().await?, "found");
    Ok(())
}

#[init]
async fn second() -> Result<u8, std::io::Error> {
    let n = 1;
    rewarm::tracing::warn!(target: "shop", ?n, user.id = %find().await?);
    Ok(n)
}

#[cached(ttl = "5m")]
async fn in_a_span() -> Result<u8, std::io::Error> {
    let _span = tracing::info_span!("sale", shop = 1, user = find().await?).entered();
    Ok(1)
}

#[handler]
async fn in_a_call(_event: u8) -> Result<(), std::io::Error> {
    tracing::error!(user = Some(find().await?), "found {}", 1);
    Ok(())
}

#[handler]
async fn a_leak_in_a_reexported_macro(_event: u8) {
    rewarm::tracing::info!("{}", Box::leak(Box::new(1)));
}

fn main() {}
