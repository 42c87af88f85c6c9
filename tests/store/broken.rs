//! Stores that break a rule each, and what `store_conformance` says about them.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use rewarm::store::{BoxFuture, Entry, Lease, Memory, Store, StoreError, StoreErrorKind, Token};
use rewarm::testing::store_conformance;
use rewarm_tests::{runs_all, turns};

use crate::LONG_RUN;

/// A mistake that the author of a store may make.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    Fails,
    LosesTheTime,
    LosesNone,
    TruncatesKeys,
    IgnoresCase,
    IgnoresSeen,
    ChecksTheLeaseFirst,
    GrantsTwice,
    LeaseNeverEnds,
    PutsWithoutALease,
    PutsAfterATakeover,
    KeepsTheLeaseAfterPut,
    ReleasesForOthers,
    ReleaseDoesNothing,
    RemoveKeepsTheLease,
    RemoveAllKeepsTheLeases,
    RemoveAllTakesPatterns,
    RemoveAllStops,
    KeepsForEver,
    RefusesSmallValues,
    LosesLargeValues,
}

/// `Memory` with a mistake.
struct Broken {
    inner: Memory,
    mistake: Mistake,
    /// What a store of the mistake keeps beside `inner`.
    tokens: Mutex<HashMap<String, Token>>,
}

impl Broken {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == mistake
    }

    fn key(&self, key: &str) -> String {
        match self.mistake {
            Mistake::TruncatesKeys => key.chars().take(500).collect(),
            Mistake::IgnoresCase => key.to_lowercase(),
            _ => key.to_owned(),
        }
    }

    fn changed(&self, entry: Entry) -> Entry {
        match self.mistake {
            Mistake::LosesTheTime => Entry::new(0, entry.is_none(), entry.json()),
            Mistake::LosesNone => Entry::new(entry.fetched_ms(), false, entry.json()),
            _ => entry,
        }
    }

    /// Puts an entry whatever the lease is.
    async fn force(&self, key: &str, entry: Entry, keep: Duration) -> Result<bool, StoreError> {
        self.inner.remove(key).await?;
        let lease = self.inner.lease(key, None, keep).await?;
        let Lease::Granted(token) = lease else { panic!("{lease:?}") };
        self.inner.put(key, &token, entry, keep).await
    }
}

impl Store for Broken {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            if self.is(Mistake::Fails) {
                return Err(StoreError::new(StoreErrorKind::Other, "it", "a fault"));
            }
            let entry = self.inner.get(&self.key(key)).await?;
            let is_lost =
                |entry: &Entry| self.is(Mistake::LosesLargeValues) && entry.json().len() > 900_000;
            Ok(entry.filter(|entry| !is_lost(entry)))
        })
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let key = self.key(key);
            let present = self.inner.get(&key).await?.map(|entry| entry.fetched_ms());
            let seen = if self.is(Mistake::IgnoresSeen) { present } else { seen };
            let duration = if self.is(Mistake::LeaseNeverEnds) {
                duration.max(Duration::from_secs(60))
            } else {
                duration
            };
            if self.is(Mistake::ChecksTheLeaseFirst) {
                match self.inner.lease(&key, present, duration).await? {
                    Lease::Granted(token) => self.inner.release(&key, &token).await?,
                    other => return Ok(other),
                }
            }
            let lease = self.inner.lease(&key, seen, duration).await?;
            if self.is(Mistake::GrantsTwice) && matches!(lease, Lease::Taken) {
                return Ok(Lease::Granted(Token::random()));
            }
            if let Lease::Granted(token) = &lease {
                self.tokens.lock().unwrap().insert(token.as_str().to_owned(), token.clone());
            }
            Ok(lease)
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let (key, entry) = (self.key(key), self.changed(entry));
            let granted = self.tokens.lock().unwrap().remove(token.as_str());
            let token = granted.as_ref().unwrap_or(token);
            if self.is(Mistake::PutsWithoutALease)
                || (self.is(Mistake::PutsAfterATakeover) && granted.is_some())
            {
                return self.force(&key, entry, keep).await;
            }
            if self.is(Mistake::RefusesSmallValues) && entry.json().len() == 1000 / 3 * 3 {
                return Err(StoreError::new(StoreErrorKind::TooLarge, "it", "too large"));
            }
            let keep = if self.is(Mistake::KeepsForEver) { Duration::MAX } else { keep };
            let time = entry.fetched_ms();
            let is_put = self.inner.put(&key, token, entry, keep).await?;
            if is_put && self.is(Mistake::KeepsTheLeaseAfterPut) {
                self.inner.lease(&key, Some(time), keep).await?;
            }
            Ok(is_put)
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let key = self.key(key);
            if self.is(Mistake::ReleasesForOthers) && self.inner.get(&key).await?.is_none() {
                return self.inner.remove(&key).await;
            }
            if self.is(Mistake::ReleaseDoesNothing) {
                return Ok(());
            }
            self.inner.release(&key, token).await
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let key = self.key(key);
            if !self.is(Mistake::RemoveKeepsTheLease) {
                return self.inner.remove(&key).await;
            }
            // Removes the entry alone.
            let Some(entry) = self.inner.get(&key).await? else { return Ok(()) };
            let held = self.inner.lease(&key, Some(entry.fetched_ms()), Duration::ZERO).await?;
            match held {
                Lease::Taken => {
                    let tokens: Vec<_> = self.tokens.lock().unwrap().values().cloned().collect();
                    for token in tokens {
                        if self.inner.put(&key, &token, entry.clone(), Duration::ZERO).await? {
                            let lease = self.inner.lease(&key, None, Duration::MAX).await?;
                            let Lease::Granted(new) = lease else { panic!("{lease:?}") };
                            self.tokens.lock().unwrap().insert(token.as_str().to_owned(), new);
                        }
                    }
                    Ok(())
                }
                _ => self.inner.remove(&key).await,
            }
        })
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            match self.mistake {
                Mistake::RemoveAllTakesPatterns => {
                    let prefix = prefix.split('*').next().unwrap_or_default();
                    self.inner.remove_all(prefix).await
                }
                Mistake::RemoveAllStops => {
                    for n in 0..100 {
                        self.inner.remove(&format!("{prefix}{n}")).await?;
                    }
                    if !prefix.ends_with("many:") {
                        self.inner.remove_all(prefix).await?;
                    }
                    Ok(())
                }
                Mistake::RemoveAllKeepsTheLeases => {
                    for name in ["", "1", "2", ":", "{}", "*"] {
                        self.inner.remove(&format!("{prefix}{name}")).await?;
                    }
                    Ok(())
                }
                _ => self.inner.remove_all(&self.key(prefix)).await,
            }
        })
    }
}

/// The rule that `store_conformance` says is broken.
async fn verdict(mistake: Mistake) -> String {
    let store = Broken { inner: Memory::new(), mistake, tokens: Mutex::default() };
    let run = AssertUnwindSafe(store_conformance(&store)).catch_unwind().await;
    match run {
        Ok(()) => panic!("{mistake:?} was not noticed"),
        Err(panic) => {
            let text = panic.downcast::<String>().expect("a text");
            let text = text.strip_prefix("the store breaks a rule of `Store`: ").expect("its form");
            text.lines().next().unwrap_or_default().to_owned()
        }
    }
}

#[tokio::test]
async fn the_rule_that_a_store_breaks_is_named() {
    if !runs_all(LONG_RUN) {
        return;
    }
    let _turn = turns::outside_containers().await;
    let cases = [
        (Mistake::Fails, "`get` succeeds"),
        (Mistake::LosesTheTime, "`get` returns the entry as it was put"),
        (Mistake::LosesNone, "`get` returns the entry as it was put"),
        (Mistake::TruncatesKeys, "lease of a new key is free"),
        (Mistake::IgnoresCase, "the lease of a new key is free"),
        (Mistake::IgnoresSeen, "`lease` returns another entry than the caller has seen"),
        (Mistake::ChecksTheLeaseFirst, "`lease` returns another entry than the caller has seen"),
        (Mistake::GrantsTwice, "one caller at a time has the lease"),
        (Mistake::LeaseNeverEnds, "a lease ends after its duration"),
        (Mistake::PutsWithoutALease, "a token serves for one `put`"),
        (Mistake::PutsAfterATakeover, "`put` after `release` returns false"),
        (Mistake::KeepsTheLeaseAfterPut, "`put` ends the lease"),
        (Mistake::ReleasesForOthers, "`release` with a token that is not the key's"),
        (Mistake::ReleaseDoesNothing, "`put` after `release` returns false"),
        (Mistake::RemoveKeepsTheLease, "`remove` voids the lease"),
        (Mistake::RemoveAllKeepsTheLeases, "`remove_all` voids the leases"),
        (Mistake::RemoveAllTakesPatterns, "`remove_all` leaves other keys alone"),
        (Mistake::RemoveAllStops, "`remove_all` removes any number of entries"),
        (Mistake::KeepsForEver, "an entry ends after the time for which it is kept"),
        (Mistake::RefusesSmallValues, "a value of 100 kB is stored"),
        (Mistake::LosesLargeValues, "a value is returned as it was put"),
    ];
    let verdicts = cases.map(async |(mistake, rule)| (mistake, rule, verdict(mistake).await));
    for (mistake, rule, verdict) in futures_util::future::join_all(verdicts).await {
        assert!(verdict.contains(rule), "{mistake:?}: {verdict}");
    }
}

#[tokio::test]
async fn a_store_behind_an_arc_is_the_same_store() {
    let _turn = turns::outside_containers().await;
    let shared: Arc<Memory> = Arc::new(Memory::new().namespace("shop"));
    store_conformance(&shared).await;
    assert_eq!(Store::namespace(&shared), Some("shop"));
}
