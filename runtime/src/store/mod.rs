//! Stores: the second tier of a cache, shared by all containers of a function.
//!
//! A container keeps its own copies of cached values. A thousand containers that start together
//! still ask the backend a thousand times. A store holds one copy for all of them, and a lease
//! lets one container fetch a value while the others wait for it.
//!
//! | store | feature | |
//! |---|---|---|
//! | `Redis` | `redis` | Redis and Valkey, also in ElastiCache; `rediss://` with `redis-tls` |
//! | `DynamoDb` | `dynamodb` | a table in DynamoDB |
//! | [`Memory`] | | within one process: for tests, local runs and simulations |
//!
//! A store of your own implements [`Store`]. With the feature `testing`,
//! `rewarm::testing::store_conformance` checks it against the rules of that trait.
//!
//! ```
//! use std::time::Duration;
//! use rewarm::store::{Entry, Lease, Memory, Store};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), rewarm::store::StoreError> {
//! let (first, second) = (Memory::new(), Memory::new());
//! let second = first.clone(); // another handle of the same store
//!
//! // One of two containers gets the lease of a value that neither has.
//! let Lease::Granted(token) = first.lease("shop:price:tea", None, Duration::from_secs(10)).await?
//! else { panic!("the key is free") };
//! let other = second.lease("shop:price:tea", None, Duration::from_secs(10)).await?;
//! assert!(matches!(other, Lease::Taken));
//!
//! // It stores the value, which the other one reads.
//! let entry = Entry::new(1_790_000_000_000, false, b"540");
//! assert!(first.put("shop:price:tea", &token, entry, Duration::from_secs(3600)).await?);
//! assert_eq!(second.get("shop:price:tea").await?.unwrap().json(), b"540");
//! # Ok(()) }
//! ```

pub(crate) mod breaker;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod entry;
mod error;
mod memory;
#[cfg(feature = "redis")]
mod redis;
pub(crate) mod schema;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::base::random;

#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDb;
pub use entry::{Entry, InvalidEntry};
pub use error::{StoreError, StoreErrorKind};
pub use memory::Memory;
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisBuilder};

/// The boxed future of an operation.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A second tier that containers share.
///
/// A key has an [`Entry`] and a lease, or one of them, or neither. The lease is the right to fetch
/// the value: one container has it, the others wait for the entry. A lease has a [`Token`], and
/// [`put`](Self::put) stores an entry only while the token is the key's, so that a container that
/// was late cannot overwrite a newer entry, and cannot bring back one that was removed.
///
/// Every operation is atomic. A caller gives an operation up by dropping its future: the operation
/// may then take effect or not, and the store stays usable. Entries may disappear at any time. A
/// text that is no valid entry is a miss, not an error.
///
/// A key is UTF-8 text of 1 to 1,000 bytes.
pub trait Store: Send + Sync + 'static {
    /// Returns the entry of a key.
    ///
    /// # Errors
    /// If the store did not respond as it should.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// Takes the lease of a key for `duration`, unless another caller has it, or the key has
    /// another entry than the caller has seen.
    ///
    /// `seen` is the [`fetched_ms`](Entry::fetched_ms) of the entry that the caller has seen, and
    /// `None` if it saw none. The entry is examined before the lease: a caller gets
    /// [`Lease::Newer`] also while another has the lease. After `duration` the lease ends, and
    /// another caller may take it. Until then its token remains the key's.
    ///
    /// # Errors
    /// If the store did not respond as it should.
    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>>;

    /// Stores an entry and ends its lease, if `token` is the key's. Returns false, and does
    /// nothing, if it is not. After `keep` the store drops the entry.
    ///
    /// The token of a lease that has ended is still the key's if no other caller has taken the
    /// lease, for at least a minute.
    ///
    /// # Errors
    /// If the store did not respond as it should, or the entry is [too
    /// large](StoreErrorKind::TooLarge) for it.
    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Ends a lease without an entry, if `token` is the key's: the fetch has failed.
    ///
    /// # Errors
    /// If the store did not respond as it should.
    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes the entry of a key and voids its lease: the holder's [`put`](Self::put) fails.
    ///
    /// # Errors
    /// If the store did not respond as it should. The entry may still be there.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes the entries of all keys that begin with `prefix`, and voids their leases: none of
    /// the leases that existed before the call stores an entry that is there after it.
    ///
    /// Unlike the other operations, it need not be atomic.
    ///
    /// # Errors
    /// If the store did not respond as it should. Some of the entries may still be there.
    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the first part of all keys of this store. The default is the name of the package.
    fn namespace(&self) -> Option<&str> {
        None
    }
}

/// The same store by another handle.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        (**self).get(key)
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        (**self).lease(key, seen, duration)
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        (**self).put(key, token, entry, keep)
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).release(key, token)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).remove(key)
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).remove_all(prefix)
    }

    fn namespace(&self) -> Option<&str> {
        (**self).namespace()
    }
}

/// The result of [`Store::lease`].
#[derive(Debug)]
pub enum Lease {
    /// The caller has the lease, and fetches the value.
    Granted(Token),
    /// Another caller has the lease.
    Taken,
    /// The key has another entry than the caller has seen.
    Newer(Entry),
}

/// The token of a lease: a random text. A store compares tokens, and callers pass them on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// Creates the token of a new lease.
    pub fn random() -> Self {
        Self(format!("{:016x}{:016x}", random::bits(), random::bits()))
    }

    /// Returns its text: 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Token").field(&self.0).finish()
    }
}

/// Returns the milliseconds of a duration, saturating.
fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
