//! Log macros that wait for a value and keep no other meanwhile.

use rewarm::{handler, init, tracing};

async fn find() -> u8 {
    1
}

#[handler]
async fn alone(_event: u8) {
    tracing::info!(user = find().await);
    tracing::info!(target: "shop", user = find().await);
    tracing::info!(user = find().await, shop = 1);
}

#[handler]
async fn in_the_message(_event: u8) {
    let n = 1;
    tracing::info!("found {}", find().await);
    tracing::info!(n, ?n, "found {user} {}", find().await, user = find().await);
}

#[init]
async fn in_a_span() -> u8 {
    let user = find().await;
    let span = tracing::info_span!("sale", user = find().await);
    tracing::info!(parent: &span, user, "found");
    user
}

fn main() {}
