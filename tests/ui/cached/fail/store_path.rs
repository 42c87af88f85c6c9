//! A `store` that is no resource.

use rewarm::cached;
use rewarm::store::Memory;

fn no_resource() -> Memory {
    Memory::new()
}

#[cached(ttl = "5m", store = no_resource)]
async fn plain_function() -> u8 {
    1
}

#[cached(ttl = "5m", store = missing)]
async fn unknown() -> u8 {
    1
}

fn main() {}
