//! The rules that every store has to follow, checked from outside.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::base::random;
use crate::store::{Entry, Lease, Store, StoreError, StoreErrorKind, Token};

/// Longer than the whole run.
const LONG: Duration = Duration::from_secs(600);
/// Long enough for a few operations in between, short enough to be waited for.
const SHORT: Duration = Duration::from_millis(400);
/// The limit of a wait for an end that must come.
const PATIENCE: Duration = Duration::from_secs(10);
const TIME: u64 = 1_790_000_000_000;

/// Checks a store of your own against the rules of [`Store`]. Returns if it follows all of them.
///
/// It takes a few seconds of real time, since leases and entries have to end: outside of a
/// [`Container`](super::Container), whose clocks stand still. Its keys begin with
/// `store_conformance:` and a random number, and are removed at the end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = rewarm::store::Memory::new();
/// rewarm::testing::store_conformance(&store).await;
/// # }
/// ```
///
/// # Panics
/// If the store breaks a rule, with the rule and what the store did. If it returns an error.
pub async fn store_conformance(store: &dyn Store) {
    let start = format!("store_conformance:{:016x}:", random::bits());
    let keys = |name: &str| Keys { store, prefix: format!("{start}{name}:") };
    a_key_without_an_entry(&keys("miss")).await;
    an_entry_is_returned_as_it_was_put(&keys("entry")).await;
    a_lease_is_exclusive(&keys("lease")).await;
    another_entry_than_the_caller_has_seen(&keys("newer")).await;
    a_released_lease_is_free(&keys("release")).await;
    a_lease_that_has_ended_may_be_taken(&keys("ended")).await;
    a_late_put_that_nobody_has_overtaken(&keys("late")).await;
    remove_voids_the_lease(&keys("remove")).await;
    an_entry_ends(&keys("keep")).await;
    long_times(&keys("long")).await;
    remove_all_removes_a_prefix(&keys("prefix")).await;
    any_text_is_a_key(&keys("text")).await;
    values_of_any_size(&keys("size")).await;
    one_of_many_gets_the_lease(&keys("race")).await;
    an_operation_may_be_dropped(&keys("dropped")).await;
    succeeds("remove_all", store.remove_all(&start).await);
}

/// The keys of one group of rules, and the operations on them. An operation that fails breaks a rule.
struct Keys<'a> {
    store: &'a dyn Store,
    prefix: String,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn get(&self, name: &str) -> Option<Entry> {
        succeeds("get", self.store.get(&self.key(name)).await)
    }

    async fn lease(&self, name: &str, seen: Option<u64>, duration: Duration) -> Lease {
        succeeds("lease", self.store.lease(&self.key(name), seen, duration).await)
    }

    /// Takes a lease that must be free.
    async fn granted(&self, name: &str, seen: Option<u64>, rule: &str) -> Token {
        match self.lease(name, seen, LONG).await {
            Lease::Granted(token) => token,
            other => broken(rule, other),
        }
    }

    async fn put(&self, name: &str, token: &Token, entry: &Entry, keep: Duration) -> bool {
        succeeds("put", self.store.put(&self.key(name), token, entry.clone(), keep).await)
    }

    async fn release(&self, name: &str, token: &Token) {
        succeeds("release", self.store.release(&self.key(name), token).await);
    }

    async fn remove(&self, name: &str) {
        succeeds("remove", self.store.remove(&self.key(name)).await);
    }

    async fn remove_all(&self, prefix: &str) {
        succeeds("remove_all", self.store.remove_all(&self.key(prefix)).await);
    }

    /// Puts the first entry of a key.
    async fn put_new(&self, name: &str, entry: &Entry) {
        let token = self.granted(name, None, "the lease of a new key is free").await;
        let is_put = self.put(name, &token, entry, LONG).await;
        rule(is_put, "`put` with the token of a lease returns true", name);
    }
}

fn succeeds<T>(operation: &str, result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| broken(&format!("`{operation}` succeeds"), error))
}

fn rule(holds: bool, rule: &str, did: impl Debug) {
    if !holds {
        broken(rule, did)
    }
}

fn broken(rule: &str, did: impl Debug) -> ! {
    panic!("the store breaks a rule of `Store`: {rule}\nInstead: {did:?}")
}

fn price(json: &str) -> Entry {
    Entry::new(TIME, false, json.as_bytes())
}

async fn a_key_without_an_entry(keys: &Keys<'_>) {
    let entry = keys.get("none").await;
    rule(entry.is_none(), "a key without an entry is a miss", entry);
    keys.granted("none", Some(TIME), "a caller whose entry is gone gets the lease").await;
}

async fn an_entry_is_returned_as_it_was_put(keys: &Keys<'_>) {
    let same = "`get` returns the entry as it was put: its time, its value, and whether it is none";
    for (name, entry) in [
        ("some", Entry::new(TIME, false, b"{\"net\":5.40}")),
        ("none", Entry::new(TIME + 1, true, b"null")),
        ("oldest", Entry::new(0, false, b"1")),
        ("newest", Entry::new(u64::MAX, false, b"1")),
    ] {
        keys.put_new(name, &entry).await;
        let got = keys.get(name).await;
        rule(got.as_ref() == Some(&entry), same, (entry, got));
    }
    let token = keys.granted("some", Some(TIME), "`put` ends the lease").await;
    let newer = Entry::new(TIME + 5, false, b"2");
    rule(keys.put("some", &token, &newer, LONG).await, "an entry may be replaced", ());
    let got = keys.get("some").await;
    rule(got.as_ref() == Some(&newer), "`put` replaces the entry", got);
    let again = keys.put("some", &token, &price("3"), LONG).await;
    let got = keys.get("some").await;
    rule(!again && got == Some(newer), "a token serves for one `put`", (again, got));
}

async fn a_lease_is_exclusive(keys: &Keys<'_>) {
    let token = keys.granted("key", None, "the lease of a new key is free").await;
    for seen in [None, Some(TIME)] {
        let other = keys.lease("key", seen, LONG).await;
        rule(matches!(other, Lease::Taken), "one caller at a time has the lease", other);
    }
    keys.granted("another", None, "a lease is of one key").await;
    let (entry, foreign) = (price("1"), Token::random());
    let is_put = keys.put("key", &foreign, &entry, LONG).await;
    let got = keys.get("key").await;
    let only = "`put` with a token that is not the key's returns false and does nothing";
    rule(!is_put && got.is_none(), only, (is_put, got));
    let is_put = keys.put("without a lease", &foreign, &entry, LONG).await;
    let got = keys.get("without a lease").await;
    rule(!is_put && got.is_none(), only, (is_put, got));
    keys.release("key", &foreign).await;
    let other = keys.lease("key", None, LONG).await;
    rule(
        matches!(other, Lease::Taken),
        "`release` with a token that is not the key's does nothing",
        other,
    );
    rule(keys.put("key", &token, &entry, LONG).await, "the holder of the lease may put", ());
}

async fn another_entry_than_the_caller_has_seen(keys: &Keys<'_>) {
    let newer =
        "`lease` returns another entry than the caller has seen, also if the lease is taken";
    keys.put_new("key", &price("1")).await;
    for has_holder in [false, true] {
        if has_holder {
            let seen = Some(TIME);
            keys.granted("key", seen, "who has seen the entry gets the lease").await;
        }
        for seen in [None, Some(TIME - 1), Some(TIME + 1)] {
            let other = keys.lease("key", seen, LONG).await;
            rule(
                matches!(&other, Lease::Newer(entry) if *entry == price("1")),
                newer,
                (seen, other),
            );
        }
    }
    let other = keys.lease("key", Some(TIME), LONG).await;
    rule(matches!(other, Lease::Taken), "one caller at a time has the lease", other);
}

async fn a_released_lease_is_free(keys: &Keys<'_>) {
    let first = keys.granted("key", None, "the lease of a new key is free").await;
    keys.release("key", &first).await;
    let is_put = keys.put("key", &first, &price("1"), LONG).await;
    rule(!is_put, "`put` after `release` returns false", is_put);
    let second = keys.granted("key", None, "`release` ends the lease").await;
    keys.release("key", &first).await;
    rule(
        keys.put("key", &second, &price("2"), LONG).await,
        "a second `release` with the same token does nothing",
        (),
    );
    let third = keys.granted("key", Some(TIME), "`put` ends the lease").await;
    keys.release("key", &third).await;
    let got = keys.get("key").await;
    rule(got == Some(price("2")), "`release` leaves the entry", got);
}

/// Waits for the end of a lease, and takes it.
async fn taken_after_its_end(keys: &Keys<'_>, name: &str, start: Instant) -> Token {
    loop {
        match keys.lease(name, None, LONG).await {
            Lease::Granted(token) => {
                let ended = start.elapsed();
                // Clocks of stores may be coarse.
                let early = ended < SHORT - Duration::from_millis(50);
                rule(!early, "a lease lasts for its duration", ended);
                return token;
            }
            Lease::Taken if start.elapsed() < PATIENCE => sleep(Duration::from_millis(50)).await,
            other => broken("a lease ends after its duration", other),
        }
    }
}

async fn a_lease_that_has_ended_may_be_taken(keys: &Keys<'_>) {
    let start = Instant::now();
    let Lease::Granted(late) = keys.lease("key", None, SHORT).await else {
        broken("the lease of a new key is free", ())
    };
    let token = taken_after_its_end(keys, "key", start).await;
    rule(token != late, "each lease has a token of its own", &token);
    let is_put = keys.put("key", &late, &price("\"late\""), LONG).await;
    let got = keys.get("key").await;
    let fenced = "`put` of a holder whose lease was taken over returns false and does nothing";
    rule(!is_put && got.is_none(), fenced, (is_put, got));
    keys.release("key", &late).await;
    let other = keys.lease("key", None, LONG).await;
    rule(matches!(other, Lease::Taken), "a late `release` does not end another's lease", other);
    rule(keys.put("key", &token, &price("1"), LONG).await, "the new holder may put", ());
    let is_put = keys.put("key", &late, &price("\"late\""), LONG).await;
    let got = keys.get("key").await;
    rule(!is_put && got == Some(price("1")), fenced, (is_put, got));
}

async fn a_late_put_that_nobody_has_overtaken(keys: &Keys<'_>) {
    let Lease::Granted(late) = keys.lease("key", None, SHORT).await else {
        broken("the lease of a new key is free", ())
    };
    sleep(SHORT * 2).await;
    rule(
        keys.put("key", &late, &price("1"), LONG).await,
        "the token of a lease that has ended is the key's until another caller takes the lease",
        (),
    );
}

async fn remove_voids_the_lease(keys: &Keys<'_>) {
    keys.put_new("key", &price("1")).await;
    let late = keys.granted("key", Some(TIME), "`put` ends the lease").await;
    keys.remove("key").await;
    let got = keys.get("key").await;
    rule(got.is_none(), "`remove` removes the entry", got);
    let is_put = keys.put("key", &late, &price("\"old\""), LONG).await;
    let got = keys.get("key").await;
    let voided = "`remove` voids the lease: a `put` of its holder returns false and does nothing";
    rule(!is_put && got.is_none(), voided, (is_put, got));
    let token = keys.granted("key", None, "after `remove` the lease is free").await;
    let is_put = keys.put("key", &late, &price("\"old\""), LONG).await;
    rule(!is_put, voided, is_put);
    rule(keys.put("key", &token, &price("2"), LONG).await, "the new holder may put", ());
    keys.remove("never there").await;
}

async fn an_entry_ends(keys: &Keys<'_>) {
    let token = keys.granted("key", None, "the lease of a new key is free").await;
    let start = Instant::now();
    rule(keys.put("key", &token, &price("1"), SHORT).await, "the holder may put", ());
    while keys.get("key").await.is_some() {
        let end = "an entry ends after the time for which it is kept";
        rule(start.elapsed() < PATIENCE, end, start.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    keys.granted("key", None, "`lease` does not return an entry that has ended").await;
    keys.put_new("at once", &price("1")).await;
    let token = keys.granted("at once", Some(TIME), "`put` ends the lease").await;
    let is_put = keys.put("at once", &token, &price("2"), Duration::ZERO).await;
    rule(is_put, "an entry may be kept for no time", is_put);
    sleep(Duration::from_millis(20)).await;
    let got = keys.get("at once").await;
    rule(got.is_none(), "an entry ends after the time for which it is kept", got);
}

async fn long_times(keys: &Keys<'_>) {
    for duration in [Duration::from_secs(400 * 24 * 3600), Duration::MAX] {
        let name = format!("{duration:?}");
        let Lease::Granted(token) = keys.lease(&name, None, duration).await else {
            broken("the lease of a new key is free", duration)
        };
        let other = keys.lease(&name, None, LONG).await;
        rule(matches!(other, Lease::Taken), "a lease may be of any duration", (duration, other));
        let is_put = keys.put(&name, &token, &price("1"), duration).await;
        let got = keys.get(&name).await;
        let any = "an entry may be kept for any duration";
        rule(is_put && got == Some(price("1")), any, (duration, is_put, got));
    }
}

async fn remove_all_removes_a_prefix(keys: &Keys<'_>) {
    // Keys that patterns and ranges of stores could take for special, each with a near miss.
    let near = [
        ("shop:", "shop;"),
        ("a*b:", "aXb:"),
        ("a?b:", "aXb:"),
        ("[ab]:", "a:"),
        ("\\*:", "*:"),
        ("{k}:", "k:"),
        ("50%:", "50:"),
        ("a_b:", "axb:"),
        ("é:", "e:"),
        ("case:", "CASE:"),
    ];
    for (prefix, other) in near {
        let other = format!("{other}1");
        keys.put_new(&other, &price("1")).await;
        for name in ["", "1", "2", ":", "{}", "*"] {
            keys.put_new(&format!("{prefix}{name}"), &price("1")).await;
        }
        let leased = format!("{prefix}leased");
        let late = keys.granted(&leased, None, "the lease of a new key is free").await;
        let both = format!("{prefix}2");
        let replaces = keys.granted(&both, Some(TIME), "`put` ends the lease").await;

        keys.remove_all(prefix).await;
        for name in ["", "1", "2", ":", "{}", "*"] {
            let got = keys.get(&format!("{prefix}{name}")).await;
            let all = "`remove_all` removes the entries of all keys that begin with the prefix";
            rule(got.is_none(), all, (prefix, name, got));
        }
        let got = keys.get(&other).await;
        rule(got.is_some(), "`remove_all` leaves other keys alone", (prefix, &other));
        for (name, token) in [(leased, late), (both, replaces)] {
            let is_put = keys.put(&name, &token, &price("\"old\""), LONG).await;
            let got = keys.get(&name).await;
            let voided = "`remove_all` voids the leases of the keys, with and without an entry";
            rule(!is_put && got.is_none(), voided, (prefix, name, is_put, got));
        }
        keys.remove(&other).await;
    }
    let many: Vec<_> = (0..120).map(|n| format!("many:{n}")).collect();
    join_all(many.iter().map(async |name| keys.put_new(name, &price("1")).await)).await;
    keys.remove_all("many:").await;
    for name in many {
        let got = keys.get(&name).await;
        rule(got.is_none(), "`remove_all` removes any number of entries", (name, got));
    }
    keys.remove_all("nothing begins with this").await;
}

async fn any_text_is_a_key(keys: &Keys<'_>) {
    // A key of 1,000 bytes at most.
    let long = "x".repeat(998 - keys.prefix.len());
    let texts = [
        "",
        ":",
        "a",
        "A",
        "a:",
        "a::b",
        "a b",
        " a",
        "a\nb",
        "a\0b",
        "\u{1}",
        "\u{7f}",
        "é",
        "e\u{301}",
        "日本語:😀",
        "\u{10ffff}",
        "{\"sku\":\"tea\"}",
        "{a}",
        "}{",
        "%7Ba%7D",
        "%",
        "a:lease",
        "{a}:lease",
        "*",
        "?",
        "\\",
        "'\"`$",
        "-1",
        "rewarm1 1790000000000 some 0000000001",
        &long,
        &format!("{long}y"),
        &format!("{long}é"),
    ];
    for (n, text) in texts.iter().enumerate() {
        keys.put_new(text, &price(&n.to_string())).await;
    }
    for (n, text) in texts.iter().enumerate() {
        let got = keys.get(text).await;
        let own = "any text is a key, and each has an entry of its own";
        rule(got == Some(price(&n.to_string())), own, (text, got));
    }
    keys.remove(&long).await;
    let got = keys.get(&format!("{long}y")).await;
    rule(got.is_some(), "a key that begins with another is not removed with it", ());
    keys.remove_all(&long).await;
    let got = keys.get(&format!("{long}y")).await;
    rule(got.is_none(), "a prefix may be of any length", got);
}

async fn values_of_any_size(keys: &Keys<'_>) {
    let mut too_large = None;
    for size in [0, 1, 1000, 100_000, 300_000, 500_000, 1_000_000] {
        let name = size.to_string();
        let entry = Entry::new(TIME, false, "é1".repeat(size / 3).as_bytes());
        let token = keys.granted(&name, None, "the lease of a new key is free").await;
        match keys.store.put(&keys.key(&name), &token, entry.clone(), LONG).await {
            Ok(is_put) => {
                let got = keys.get(&name).await;
                let same = "a value is returned as it was put";
                rule(is_put && got == Some(entry), same, (size, is_put));
                let ordered = "a value that is smaller than one that is too large is stored";
                rule(too_large.is_none(), ordered, (size, too_large));
            }
            Err(error) => {
                let kind = error.kind() == StoreErrorKind::TooLarge;
                let small = "a value of 100 kB is stored, a larger one may be `TooLarge`";
                rule(kind && size > 100_000, small, (size, error));
                let got = keys.get(&name).await;
                rule(got.is_none(), "a value that is too large is not stored", got);
                keys.release(&name, &token).await;
                keys.granted(&name, None, "its lease may be released").await;
                too_large = Some(size);
            }
        }
    }
}

async fn one_of_many_gets_the_lease(keys: &Keys<'_>) {
    for seen in [None, Some(TIME)] {
        let leases = join_all((0..64).map(async |_| keys.lease("key", seen, LONG).await)).await;
        let mut granted: Vec<_> = leases
            .into_iter()
            .filter_map(|lease| match lease {
                Lease::Granted(token) => Some(token),
                Lease::Taken => None,
                other @ Lease::Newer(_) => broken("the entry is the one that was seen", other),
            })
            .collect();
        let one = "one of 64 concurrent callers gets the lease";
        rule(granted.len() == 1, one, granted.len());
        if let Some(token) = granted.pop() {
            rule(keys.put("key", &token, &price("1"), LONG).await, "the holder may put", ());
        }
    }
    let names: Vec<_> = (0..64).map(|n| n.to_string()).collect();
    join_all(names.iter().map(async |name| keys.put_new(name, &price(name)).await)).await;
    let entries = join_all(names.iter().map(async |name| keys.get(name).await)).await;
    for (name, got) in names.iter().zip(entries) {
        rule(got == Some(price(name)), "concurrent callers get their own entries", (name, got));
    }
}

async fn an_operation_may_be_dropped(keys: &Keys<'_>) {
    keys.put_new("key", &price("1")).await;
    for _ in 0..20 {
        let (key, other) = (keys.key("key"), keys.key("other"));
        let _ = keys.store.get(&key).now_or_never();
        let _ = keys.store.lease(&other, None, LONG).now_or_never();
        let got = keys.get("key").await;
        let usable = "an operation whose future is dropped leaves the store usable";
        rule(got == Some(price("1")), usable, got);
    }
    keys.remove("other").await;
    keys.put_new("other", &price("2")).await;
    let got = keys.get("other").await;
    rule(got == Some(price("2")), "responses belong to their operations", got);
}
