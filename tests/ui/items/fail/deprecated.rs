//! A `#[deprecated]` item warns where it is called, injected or controlled, and not at itself.
#![deny(deprecated)]

use rewarm::{cached, handler, init};

#[deprecated(note = "use `pool`")]
#[init]
async fn db() -> u8 {
    1
}

#[init]
#[cfg_attr(all(), deprecated)]
static NAME: u8 = 1;

#[cached(ttl = "5m")]
#[deprecated(since = "1.0.0", note = "use `rate`")]
fn price(n: u8) -> u8 {
    n
}

#[deprecated]
#[handler]
async fn old(event: u8) -> u8 {
    event
}

async fn calls() -> u8 {
    *NAME + price(1) + old(1).await + db().await.map_or(0, |db| *db)
}

async fn controls() {
    let _ = db::rebuild().await;
    let _ = NAME::get();
    price::invalidate(1);
    old::run();
}

#[init]
async fn built(#[from(NAME)] name: &u8) -> u8 {
    *name
}

#[cached(ttl = "5m")]
async fn fetched(#[from] db: &u8) -> u8 {
    *db
}

#[handler]
async fn answer(event: u8, db: &u8) -> u8 {
    event + *db
}

#[handler]
#[allow(deprecated)]
async fn allowed(event: u8, db: &u8) -> u8 {
    event + *db
}

fn main() {
    drop((calls(), controls()));
}
