//! The second tier of a cache: a store that containers share (`store = path`).
//!
//! The leader of a fetch asks the store first. Without a usable entry it takes the lease of the key
//! and runs the function; without the lease it waits for the entry of the container that has it.
//!
//! - **The store is an optimisation.** If an operation fails or takes longer than its limit, the
//!   function runs as without a store. A [`Breaker`] leaves a store that has failed alone for a time.
//! - **Age** counts from the wall-clock time at which the fetch began, in every container.
//! - **Writing** runs beside the handler. The invocation ends after it, so that the container does
//!   not freeze before.
//! - **Cancellation**: a leader that is dropped leaves its lease, which ends by itself.
//! - **Panics** of a store, and of `Serialize` and `Deserialize`, count as failures of the store.
//!
//! The engine knows it as a [`SecondTier`], so that none of this is linked into a function without a
//! store.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::entries::Stamp;
use super::outcome::{Fetch, FetchResult};
use crate::base::clock::{CLOCK, Tick};
use crate::base::counters::CacheCounters;
use crate::base::erased::{BoxFuture, Erased, lent, spawn};
use crate::base::limit::run_until;
use crate::base::panic::{Panic, catch, catch_async, drop_caught, log_caught};
use crate::base::random;
use crate::error::{ResourceError, chain};
use crate::invocation::context::{carried, current, defer};
use crate::resource::{RegistryEntry, Resource, Storage};
use crate::store::breaker::Breaker;
use crate::store::{Entry, Lease, Store, StoreError, StoreErrorKind, Token, schema};

/// The second tier of a cache, as its engine uses it.
pub trait SecondTier<K>: Sync {
    /// Returns an entry of the store, or the result of the function.
    fn fetch<'a>(
        &'static self,
        key: &'a K,
        leader: &'a dyn Leading,
        fetch: Fetch,
        accepts_stale: bool,
    ) -> BoxFuture<'a, Fetched>;
    /// Gives a stamp the end of the time for which the container uses its own copy.
    fn local(&self, stamp: Stamp) -> Stamp;
    /// Takes the lease of a key for a fetch that is about to begin, also from a container whose fetch
    /// began earlier.
    fn claim<'a>(
        &'static self,
        key: &'a K,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>>;
    /// Stores the value of that fetch in the place of every other that was fetched earlier. `None`
    /// if the fetch has failed.
    fn replace(
        &'static self,
        claim: Claim,
        value: Option<Replacement>,
    ) -> BoxFuture<'static, Result<(), StoreError>>;
    /// Removes the entry of a key.
    fn remove<'a>(&'static self, key: &'a K) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Resets it to the state in which the process started.
    #[cfg(feature = "testing")]
    fn reset(&self);
    /// Removes the entries of all keys.
    fn remove_all(&'static self) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// The lease of a fetch that replaces an entry.
pub struct Claim {
    store: Arc<dyn HeldStore>,
    key: StoreKey,
    /// `None` if others took the lease meanwhile.
    token: Option<Token>,
    /// The entry that was there.
    seen: Option<Entry>,
}

/// A value that was fetched to replace another.
pub struct Replacement {
    pub(super) value: Erased,
    pub(super) is_none: bool,
    /// `None` if it is not to be kept.
    pub(super) stamp: Option<Stamp>,
    pub(super) fetched_ms: u64,
}

/// The leader of a fetch, as the second tier uses it.
pub trait Leading: Send + Sync {
    /// Runs the function, with its time limit.
    fn run(&self, fetch: Fetch) -> BoxFuture<'_, Result<FetchResult, Panic>>;
    /// Returns the time for which a lease lasts.
    fn lease(&self) -> Duration;
    /// Returns the stamp of a value whose fetch began at that time; `None` if it is not to be kept.
    fn stamp(&self, value: &Erased, started: Tick) -> Result<Option<Stamp>, Panic>;
    /// Returns the value that the container has, if it is younger than the TTL.
    fn valid(&self) -> Option<(Erased, Stamp)>;
    /// Returns the value that the container has, if a stale window allows it.
    fn stale(&self) -> Option<(Erased, Stamp)>;
    /// Keeps a stale value in the container, to be used if the fetch fails.
    fn keep(&self, value: Erased, stamp: Stamp);
    /// True for a value that stands for none.
    fn is_none(&self, value: &Erased) -> bool;
    /// Returns the counters of the cache.
    fn counters(&self) -> &'static CacheCounters;
}

/// The result of a fetch through the second tier.
pub struct Fetched {
    pub(super) result: Result<FetchResult, Panic>,
    /// The stamp of a value. `None` if it is not to be kept.
    pub(super) stamp: Option<Stamp>,
    /// The fetch itself, if the value is stale and is to be fetched after the response.
    pub(super) revalidation: Option<Fetch>,
}

impl Fetched {
    fn value(value: Erased, stamp: Stamp) -> Self {
        Self { result: Ok(Ok(value)), stamp: Some(stamp), revalidation: None }
    }

    /// The result of the function.
    pub(super) fn result(
        leader: &dyn Leading,
        result: Result<FetchResult, Panic>,
        started: Tick,
    ) -> Self {
        let stamp = match &result {
            Ok(Ok(value)) => leader.stamp(value, started),
            _ => Ok(None),
        };
        let (result, stamp) = match stamp {
            Ok(stamp) => (result, stamp),
            Err(panic) => (Err(panic), None),
        };
        Self { result, stamp, revalidation: None }
    }
}

/// See the module.
pub struct StoreTier<K> {
    function: StoredFunction,
    local_ttl: Duration,
    timeout: Duration,
    hold: fn() -> Opening,
    resource: fn() -> &'static dyn RegistryEntry,
    arguments: fn(&K) -> Option<Arguments>,
    encode: fn(&Erased) -> serde_json::Result<Vec<u8>>,
    decode: fn(&[u8]) -> serde_json::Result<Erased>,
    shape: fn() -> Option<u64>,
    fingerprint: OnceLock<u64>,
    breaker: OnceLock<Arc<Breaker>>,
}

/// The future of a store.
type Opening = BoxFuture<'static, Result<Arc<dyn HeldStore>, ResourceError>>;

/// A cached function: the parts of its keys.
#[derive(Clone, Copy)]
pub struct StoredFunction {
    /// The name of the package.
    pub package: Option<&'static str>,
    /// The version of the package.
    pub package_version: Option<&'static str>,
    /// The path of its module.
    pub module: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A hash of its tokens and of the option `version`.
    pub tokens: u64,
}

impl StoredFunction {
    /// The path of the function within its crate; with the crate if that is not named as the package,
    /// which may have several binaries.
    fn path(&self) -> String {
        let (krate, module) = self.module.split_once("::").unwrap_or((self.module, ""));
        let is_named_so = krate == self.package().replace('-', "_");
        let parts = [if is_named_so { "" } else { krate }, module, self.name];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("::")
    }

    /// The name of its package, or that of its crate where there is no package.
    fn package(&self) -> &'static str {
        let krate = self.module.split("::").next().unwrap_or_default();
        self.package.unwrap_or(krate)
    }
}

/// The arguments of a call as a part of a key.
struct Arguments {
    json: String,
    /// Tells arguments apart whose `Serialize` leaves a part out.
    hash: u64,
}

/// Arguments up to this length are readable in keys. Longer ones are hashed.
const LONGEST_ARGUMENTS: usize = 200;
/// The difference of two containers' clocks that changes nothing.
const CLOCK_SKEW: Duration = Duration::from_secs(2);
/// `clear` may take so many times as long as another operation.
const CLEAR: u32 = 50;
/// The pauses between two looks for the entry of another container.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A store in use.
pub trait HeldStore: Send + Sync {
    /// Returns the store.
    fn store(&self) -> &dyn Store;
}

struct Held<R>(R);

impl<R: Deref<Target: Store + Sized> + Send + Sync> HeldStore for Held<R> {
    fn store(&self) -> &dyn Store {
        &*self.0
    }
}

impl<K> StoreTier<K> {
    /// Creates the second tier of a function with values of type `V`, in the store `R`.
    pub const fn new<V, R>(function: StoredFunction, local_ttl: Duration, timeout: Duration) -> Self
    where
        K: Serialize + Hash,
        V: Serialize + DeserializeOwned + Send + Sync + 'static,
        R: Resource,
        <<R::Storage as Storage>::Ref as Deref>::Target: Store + Sized,
    {
        Self {
            function,
            local_ttl,
            timeout,
            hold: || {
                Box::pin(async {
                    let held = match R::storage().ready() {
                        Some(held) => held,
                        None => R::storage().hold(R::storage().wait().await?),
                    };
                    let held: Arc<dyn HeldStore> = Arc::new(Held(held));
                    Ok(held)
                })
            },
            resource: || R::storage().entry(),
            arguments: |key| {
                let mut hash = DefaultHasher::new();
                key.hash(&mut hash);
                let json = serde_json::to_string(key).ok()?;
                Some(Arguments { json, hash: hash.finish() })
            },
            encode: |value| serde_json::to_vec(lent::<V>(value)),
            decode: |json| Ok(Arc::new(serde_json::from_slice::<V>(json)?)),
            shape: schema::hash::<V>,
            fingerprint: OnceLock::new(),
            breaker: OnceLock::new(),
        }
    }

    fn fingerprint(&self) -> u64 {
        *self.fingerprint.get_or_init(|| {
            let StoredFunction { package_version, tokens, .. } = self.function;
            let shape = match catch(self.shape).ok().flatten() {
                Some(shape) => format!("{shape:x}"),
                None => package_version.unwrap_or_default().to_owned(),
            };
            schema::fnv(format!("{tokens:x} {shape}").as_bytes())
        })
    }

    /// The part that all keys of this function begin with.
    fn prefix(&self, store: &dyn Store) -> String {
        let namespace = store.namespace().unwrap_or(self.function.package());
        format!("{namespace}:{}:{:016x}:", self.function.path(), self.fingerprint())
    }

    /// The key of an entry.
    ///
    /// # Errors
    /// If the arguments cannot be written as JSON.
    fn key(&self, store: &dyn Store, key: &K) -> Result<StoreKey, StoreError> {
        let Ok(Some(Arguments { json, hash })) = catch(|| (self.arguments)(key)) else {
            let (cache, message) = (self.function.name, "the arguments cannot be written as JSON");
            log_caught(|| tracing::warn!(cache, message));
            return Err(StoreError::new(StoreErrorKind::Other, self.store_name(), message));
        };
        let mut text = self.prefix(store);
        let tenant = current().and_then(|invocation| invocation.tenant_id.clone());
        if let Some(tenant) = tenant {
            // As JSON, so that no tenant can write a part of the key.
            text.push_str(&format!("{}:", serde_json::Value::from(tenant)));
        }
        let long = match json.as_str() {
            // A function without arguments.
            "null" => None,
            _ if json.len() <= LONGEST_ARGUMENTS => {
                text.push_str(&format!("{json}:{hash:016x}"));
                None
            }
            _ => {
                text.push_str(&format!("{:016x}:{hash:016x}", schema::fnv(json.as_bytes())));
                Some(json)
            }
        };
        Ok(StoreKey { text, long })
    }

    fn store_name(&self) -> String {
        format!("the store `{}`", (self.resource)().name())
    }

    fn breaker(&self) -> &Breaker {
        /// The breakers of all stores, by the addresses of their resources.
        static BREAKERS: Mutex<BTreeMap<usize, Arc<Breaker>>> = Mutex::new(BTreeMap::new());

        self.breaker.get_or_init(|| {
            let store = std::ptr::from_ref((self.resource)()).addr();
            let mut breakers = BREAKERS.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(breakers.entry(store).or_insert_with(|| Arc::new(Breaker::new())))
        })
    }

    /// Waits for an operation of the store. Returns `None` if the store is left alone, or if the
    /// operation fails, which is logged once a failure.
    async fn operate<'a, T>(
        &self,
        errors: &AtomicU64,
        operation: impl FnOnce() -> BoxFuture<'a, Result<T, StoreError>> + Send,
    ) -> Option<T> {
        let permit = self.breaker().permit(CLOCK.now())?;
        let error = match self.limited(operation).await {
            Ok(value) => {
                permit.succeeded();
                return Some(value);
            }
            Err(error) => error,
        };
        errors.fetch_add(1, Relaxed);
        let cache = self.function.name;
        let text = chain(&error);
        if error.kind() == StoreErrorKind::TooLarge {
            permit.succeeded();
            log_caught(|| {
                tracing::warn!(cache, error = text, "the store does not take this value")
            });
        } else if let Some(pause) = permit.failed(CLOCK.now()) {
            log_caught(|| {
                tracing::warn!(cache, error = text, ?pause, "the store failed and is left alone");
            });
        }
        None
    }

    /// Waits for an operation of the store for `store_timeout`.
    async fn limited<'a, T>(
        &self,
        operation: impl FnOnce() -> BoxFuture<'a, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.limited_to(self.timeout, operation).await
    }

    /// Waits for an operation of the store for that time.
    async fn limited_to<'a, T>(
        &self,
        limit: Duration,
        operation: impl FnOnce() -> BoxFuture<'a, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let error = |kind, source: crate::error::BoxError| {
            Err(StoreError::new(kind, self.store_name(), source))
        };
        let end = Instant::now().checked_add(limit);
        // Also a store that panics before it returns its future.
        let operation = catch_async(async { operation().await });
        match run_until(end, pin!(Some(operation))).await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => error(StoreErrorKind::Other, panic.into_error()),
            None => {
                let limit = format!("no response after {limit:?}");
                error(StoreErrorKind::Timeout, limit.into())
            }
        }
    }

    /// Returns the store.
    async fn open(&self) -> Result<Arc<dyn HeldStore>, StoreError> {
        let error = match catch_async((self.hold)()).await {
            Ok(Ok(store)) => return Ok(store),
            Ok(Err(error)) => error.into(),
            Err(panic) => panic.into_error(),
        };
        Err(StoreError::new(StoreErrorKind::Unavailable, self.store_name(), error))
    }

    /// Reads an entry. One that cannot be read, or is not to be kept, is a miss.
    fn read(&self, key: &StoreKey, entry: &Entry, leader: &dyn Leading) -> Option<(Erased, Stamp)> {
        let value = catch(|| (self.decode)(key.value(entry.json())?).ok()).ok().flatten()?;
        // An entry from the future was fetched by a container whose clock runs ahead.
        let age = CLOCK.wall_ms().saturating_sub(entry.fetched_ms()).saturating_mul(1_000_000);
        let started = Tick(CLOCK.now().0.saturating_sub(age));
        match leader.stamp(&value, started).ok().flatten() {
            Some(stamp) => Some((value, stamp)),
            None => {
                drop_caught(value, "a cached value");
                None
            }
        }
    }

    /// The entry of a value, and the time for which the store keeps it.
    fn entry(
        &self,
        key: &StoreKey,
        value: &Erased,
        is_none: bool,
        stamp: Stamp,
        fetched_ms: u64,
    ) -> Option<(Entry, Duration)> {
        let Ok(Ok(json)) = catch(|| (self.encode)(value)) else {
            let cache = self.function.name;
            log_caught(|| tracing::warn!(cache, "the value cannot be written as JSON"));
            return None;
        };
        let entry = Entry::new(fetched_ms, is_none, &key.stored(json));
        Some((entry, stamp.expires_at().since(CLOCK.now())))
    }
}

impl<K: Sync + 'static> StoreTier<K> {
    /// Looks for a usable entry, or for the lease of the key.
    async fn look(
        &self,
        key: &K,
        leader: &dyn Leading,
        accepts_stale: bool,
    ) -> Option<(Look, StoreKey, Arc<dyn HeldStore>)> {
        let counters = leader.counters();
        let errors = &counters.store_errors;
        // In INIT, the resource may still be built. That takes its own time.
        let opened = if current().is_none() { Some(self.open().await) } else { None };
        // One operation: a resource that can be built is no sign that the store works.
        let got = self.operate(errors, || {
            Box::pin(async {
                let held = match opened {
                    Some(opened) => opened?,
                    None => self.open().await?,
                };
                let Ok(key) = self.key(held.store(), key) else { return Ok(None) };
                let entry = held.store().get(&key.text).await?;
                Ok(Some((held, key, entry)))
            })
        });
        let (held, key, entry) = got.await??;
        let usable = |entry: &Entry| self.usable(&key, entry, leader, accepts_stale);
        let seen = entry.as_ref().map(Entry::fetched_ms);
        if let Some(found) = entry.as_ref().and_then(usable) {
            counters.store_hits.fetch_add(1, Relaxed);
            return Some((found, key, held));
        }
        counters.store_misses.fetch_add(1, Relaxed);
        let found = self.lease(held.store(), &key, seen, leader, &usable).await?;
        Some((found, key, held))
    }

    /// Takes the lease of a key, or waits for the entry of the container that has it.
    async fn lease(
        &self,
        store: &dyn Store,
        key: &StoreKey,
        mut seen: Option<u64>,
        leader: &dyn Leading,
        usable: &(dyn Fn(&Entry) -> Option<Look> + Sync),
    ) -> Option<Look> {
        let counters = leader.counters();
        let duration = leader.lease();
        // The lease that another container has, and one more, if that container is gone.
        let limit = duration.saturating_mul(2).saturating_add(LONGEST_PAUSE);
        let (began, mut pause, mut waits) = (Instant::now(), FIRST_PAUSE, false);
        while began.elapsed() < limit {
            let lease = || store.lease(&key.text, seen, duration);
            match self.operate(&counters.store_errors, lease).await? {
                Lease::Granted(token) => return Some(Look::Lease(token)),
                Lease::Newer(entry) => {
                    if let Some(found) = usable(&entry) {
                        return Some(found);
                    }
                    seen = Some(entry.fetched_ms());
                }
                Lease::Taken => {
                    if let Some((value, stamp)) = leader.stale() {
                        counters.stale_hits.fetch_add(1, Relaxed);
                        return Some(Look::Found(value, stamp));
                    }
                    if !std::mem::replace(&mut waits, true) {
                        counters.store_waits.fetch_add(1, Relaxed);
                    }
                }
            }
            // Containers that started together do not look together.
            let jitter = random::share(pause.as_nanos() as u64, 50);
            sleep(pause - Duration::from_nanos(jitter)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }

    /// Returns the value of an entry if it may be used.
    fn usable(
        &self,
        key: &StoreKey,
        entry: &Entry,
        leader: &dyn Leading,
        accepts_stale: bool,
    ) -> Option<Look> {
        let (value, stamp) = self.read(key, entry, leader)?;
        let now = CLOCK.now();
        if now < stamp.fresh_until {
            // The store may have missed a later value of this container.
            let own =
                leader.valid().filter(|(_, own)| own.started > stamp.started.after(CLOCK_SKEW));
            let (value, stamp) = own.unwrap_or((value, stamp));
            return Some(Look::Found(value, self.local(stamp)));
        }
        if accepts_stale && now < stamp.revalidate_until {
            return Some(Look::Stale(value, stamp));
        }
        leader.keep(value, stamp);
        None
    }

    /// Ends a lease: with the entry of a value, or without one. An invocation does not end before
    /// this, and its response does not wait for it.
    async fn end_lease(
        &'static self,
        store: Arc<dyn HeldStore>,
        key: StoreKey,
        token: Token,
        entry: Option<(Entry, Duration)>,
        errors: &'static AtomicU64,
    ) {
        let work = async move {
            let store = store.store();
            match entry {
                Some((entry, keep)) => {
                    let put = || store.put(&key.text, &token, entry, keep);
                    if self.operate(errors, put).await.is_none() {
                        // An entry that is too large: the others need not wait for it.
                        self.operate(errors, || store.release(&key.text, &token)).await;
                    }
                }
                None => drop(self.operate(errors, || store.release(&key.text, &token)).await),
            }
        };
        if current().is_none() {
            return work.await;
        }
        let written = spawn(carried(work));
        defer(async { drop(written.await) });
    }
}

impl<K: Sync + 'static> SecondTier<K> for StoreTier<K> {
    fn fetch<'a>(
        &'static self,
        key: &'a K,
        leader: &'a dyn Leading,
        fetch: Fetch,
        accepts_stale: bool,
    ) -> BoxFuture<'a, Fetched> {
        Box::pin(async move {
            let lease = match self.look(key, leader, accepts_stale).await {
                Some((Look::Found(value, stamp), ..)) => return Fetched::value(value, stamp),
                Some((Look::Stale(value, stamp), ..)) => {
                    return Fetched { revalidation: Some(fetch), ..Fetched::value(value, stamp) };
                }
                Some((Look::Lease(token), key, store)) => Some((token, key, store)),
                None => match leader.valid() {
                    Some((value, stamp)) => return Fetched::value(value, self.local(stamp)),
                    None => None,
                },
            };
            let (started, fetched_ms) = (CLOCK.now(), CLOCK.wall_ms());
            let result = leader.run(fetch).await;
            let mut fetched = Fetched::result(leader, result, started);
            if let Some((token, key, store)) = lease {
                let entry = match (&fetched.result, fetched.stamp) {
                    (Ok(Ok(value)), Some(stamp)) => {
                        self.entry(&key, value, leader.is_none(value), stamp, fetched_ms)
                    }
                    _ => None,
                };
                let errors = &leader.counters().store_errors;
                self.end_lease(store, key, token, entry, errors).await;
            }
            fetched.stamp = fetched.stamp.map(|stamp| self.local(stamp));
            fetched
        })
    }

    fn local(&self, stamp: Stamp) -> Stamp {
        Stamp { fresh_until: stamp.valid_until.min(CLOCK.now().after(self.local_ttl)), ..stamp }
    }

    fn claim<'a>(
        &'static self,
        key: &'a K,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        const TRIES: u8 = 4;
        Box::pin(async move {
            let held = self.open().await?;
            let store = held.store();
            let key = self.key(store, key)?;
            let (mut token, mut seen) = (None, None::<Entry>);
            for _ in 0..TRIES {
                let time = seen.as_ref().map(Entry::fetched_ms);
                let taken = || store.lease(&key.text, time, lease);
                match self.limited(taken).await? {
                    Lease::Granted(granted) => {
                        token = Some(granted);
                        break;
                    }
                    Lease::Newer(entry) => seen = Some(entry),
                    // This voids the lease.
                    Lease::Taken => {
                        self.limited(|| store.remove(&key.text)).await?;
                        seen = None;
                    }
                }
            }
            Ok(Claim { store: held, key, token, seen })
        })
    }

    fn replace(
        &'static self,
        claim: Claim,
        fetched: Option<Replacement>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let Claim { store, key, token, seen } = claim;
            let store = store.store();
            let Some(Replacement { value, is_none, stamp, fetched_ms }) = fetched else {
                if let Some(token) = token {
                    // Without this the lease ends by itself. The fetch is what failed.
                    let _ = self.limited(|| store.release(&key.text, &token)).await;
                }
                return Ok(());
            };
            let entry =
                stamp.and_then(|stamp| self.entry(&key, &value, is_none, stamp, fetched_ms));
            let Some((entry, keep)) = entry else {
                return self.limited(|| store.remove(&key.text)).await;
            };
            if let Some(token) = token {
                match self.limited(|| store.put(&key.text, &token, entry, keep)).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => {}
                    Err(error) => {
                        if error.kind() == StoreErrorKind::TooLarge {
                            self.limited(|| store.remove(&key.text)).await?;
                        }
                        return Err(error);
                    }
                }
            }
            // The key was invalidated, or another container has the lease, whose fetch began later:
            // this value is not stored. The entry from before must not stay.
            let entry = self.limited(|| store.get(&key.text)).await?;
            match entry.is_some() && entry == seen {
                true => self.limited(|| store.remove(&key.text)).await,
                false => Ok(()),
            }
        })
    }

    fn remove<'a>(&'static self, key: &'a K) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let store = self.open().await?;
            let key = self.key(store.store(), key)?;
            self.limited(|| store.store().remove(&key.text)).await
        })
    }

    #[cfg(feature = "testing")]
    fn reset(&self) {
        self.breaker().reset();
    }

    fn remove_all(&'static self) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let store = self.open().await?;
            let store = store.store();
            let prefix = self.prefix(store);
            // It looks at all keys of the store.
            let limit = self.timeout.saturating_mul(CLEAR);
            self.limited_to(limit, || store.remove_all(&prefix)).await
        })
    }
}

/// The key of an entry.
struct StoreKey {
    text: String,
    /// Arguments that are hashed in the key. The entry has them, so that a collision is a miss.
    long: Option<String>,
}

impl StoreKey {
    /// The JSON of an entry.
    fn stored(&self, value: Vec<u8>) -> Vec<u8> {
        match &self.long {
            None => value,
            Some(arguments) => {
                let mut stored = arguments.clone().into_bytes();
                stored.push(b'\n');
                stored.extend(value);
                stored
            }
        }
    }

    /// The value in the JSON of an entry.
    fn value<'a>(&self, stored: &'a [u8]) -> Option<&'a [u8]> {
        match &self.long {
            None => Some(stored),
            Some(arguments) => stored.strip_prefix(arguments.as_bytes())?.strip_prefix(b"\n"),
        }
    }
}

/// The result of a look into the store.
enum Look {
    /// A fresh value.
    Found(Erased, Stamp),
    /// A value that is used while it is fetched again.
    Stale(Erased, Stamp),
    /// The right to fetch the value.
    Lease(Token),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_two_binaries_of_a_package_are_two() {
        let path = |package, module| {
            let (name, tokens) = ("price", 0);
            StoredFunction { package, package_version: None, module, name, tokens }.path()
        };
        assert_eq!(path(Some("my-shop"), "my_shop"), "price");
        assert_eq!(path(Some("my-shop"), "my_shop::catalogue"), "catalogue::price");
        assert_eq!(path(None, "my_shop::catalogue"), "catalogue::price");
        assert_eq!(path(Some("my-shop"), "eu"), "eu::price");
        assert_eq!(path(Some("my-shop"), "us::catalogue"), "us::catalogue::price");
    }
}
