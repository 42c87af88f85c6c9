//! Stores: each against the rules of the trait, and against the faults of its server.

mod broken;
#[cfg(feature = "all-stores")]
mod dynamodb;
mod faults;
mod memory;
mod proxy;
mod redis;
#[cfg(feature = "all-stores")]
mod tls;

use std::time::Duration;

use rewarm::store::{Entry, Lease, Store, StoreError, Token};

/// Longer than a test.
const LONG: Duration = Duration::from_secs(600);

/// The reason why a short run leaves out some of these tests.
const LONG_RUN: &str = "it waits for several seconds";

/// The time of the fetch of all entries here.
const TIME: u64 = 1_790_000_000_000;

fn entry(json: &str) -> Entry {
    Entry::new(TIME, false, json.as_bytes())
}

async fn granted(store: &impl Store, key: &str) -> Token {
    match store.lease(key, None, LONG).await.expect("a lease") {
        Lease::Granted(token) => token,
        other => panic!("the lease of {key} is free, but not granted: {other:?}"),
    }
}

async fn put(store: &impl Store, key: &str, json: &str) -> Result<bool, StoreError> {
    match store.lease(key, None, LONG).await? {
        Lease::Granted(token) => store.put(key, &token, entry(json), LONG).await,
        other => panic!("the lease of {key} is free, but not granted: {other:?}"),
    }
}

async fn json(store: &impl Store, key: &str) -> Result<Option<String>, StoreError> {
    let entry = store.get(key).await?;
    Ok(entry.map(|entry| String::from_utf8(entry.json().to_vec()).expect("a text")))
}
