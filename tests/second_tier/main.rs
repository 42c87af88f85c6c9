//! `#[cached(store = path)]`: the second tier, in simulated containers that share a store.

mod age;
mod controls;
mod failures;
mod keys;
mod leases;
mod model;
mod processes;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use rewarm::store::{BoxFuture, Entry, Lease, Memory, Store, StoreError, StoreErrorKind, Token};
use rewarm::{Error, cached, handler, init};
use rewarm_tests::Count;
use rewarm_tests::turns::simulation;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// A store that outlives containers, and fails as a test says.
static OUTSIDE: LazyLock<Faulty> = LazyLock::new(|| Faulty {
    memory: Memory::new(),
    fault: Mutex::new(Fault::None),
    operations: AtomicU64::new(0),
    last_put: Mutex::new(None),
});

struct Faulty {
    memory: Memory,
    fault: Mutex<Fault>,
    operations: AtomicU64,
    last_put: Mutex<Option<(String, Entry)>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Down,
    Hangs,
    Panics,
    /// Takes so many milliseconds.
    Slow(u64),
}

impl Faulty {
    /// Empties the store and mends it.
    async fn reset(&self) {
        self.memory.remove_all("").await.unwrap();
        self.set(Fault::None);
        self.operations.store(0, SeqCst);
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// The entry that was put last.
    fn last_put(&self) -> (String, Entry) {
        self.last_put.lock().unwrap().clone().expect("an entry")
    }

    /// Puts an entry as another container would.
    async fn write(&self, key: &str, fetched_ms: u64, json: &[u8]) {
        let lease = self.memory.lease(key, None, SECOND).await.unwrap();
        let Lease::Granted(token) = lease else { panic!("{lease:?}") };
        let entry = Entry::new(fetched_ms, false, json);
        assert!(self.memory.put(key, &token, entry, 10_000 * SECOND).await.unwrap());
    }

    fn operations(&self) -> u64 {
        self.operations.load(SeqCst)
    }

    async fn operation<T>(
        &self,
        operation: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.operations.fetch_add(1, SeqCst);
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::None => {}
            Fault::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Fault::Hangs => std::future::pending().await,
            Fault::Panics => panic!("the store panics"),
            Fault::Down => {
                return Err(StoreError::new(StoreErrorKind::Unavailable, "Faulty", "it is down"));
            }
        }
        operation.await
    }
}

/// The handle of a container.
struct Shared;

impl Store for Shared {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.get(key)))
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.lease(key, seen, duration)))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        *OUTSIDE.last_put.lock().unwrap() = Some((key.to_owned(), entry.clone()));
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.put(key, token, entry, keep)))
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.release(key, token)))
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.remove(key)))
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(OUTSIDE.operation(OUTSIDE.memory.remove_all(prefix)))
    }

    fn namespace(&self) -> Option<&str> {
        Some("shop")
    }
}

#[init]
async fn shared() -> Shared {
    Shared
}
