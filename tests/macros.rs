//! The attributes as a user writes them, in one process and without Lambda. Each test has resources
//! and counters of its own, since the statics are the process's.
// Parameters here name the resource's own type, as a reader looks for it.
#![allow(clippy::ptr_arg)]

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

/// How often something happened.
struct Count(AtomicU32);

impl Count {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Counts, and gives the number of times so far.
    fn up(&self) -> u32 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    fn get(&self) -> u32 {
        self.0.load(SeqCst)
    }
}

/// An error with a cause.
#[derive(Clone, Debug, PartialEq)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl StdError for Refused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&fmt::Error)
    }
}

const CAUSE: &str = "an error occurred when formatting an argument";

/// So many calls, all begun and none done.
async fn waiting<F: Future>(count: usize, call: impl Fn() -> F) -> Vec<Pin<Box<F>>> {
    let mut calls: Vec<_> = (0..count).map(|_| Box::pin(call())).collect();
    poll_fn(|context| {
        for call in &mut calls {
            let is_done = call.as_mut().poll(context).is_ready();
            assert!(!is_done, "a call is done that should wait");
        }
        Poll::Ready(())
    })
    .await;
    calls
}

/// The outcomes of calls.
async fn all<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await);
    }
    outcomes
}

/// The message of a call's panic.
async fn panic_of<F>(call: F) -> String
where
    F: Future<Output: fmt::Debug + Send> + Send + 'static,
{
    let panic = tokio::spawn(call).await.unwrap_err().into_panic();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().unwrap().to_string(),
    }
}

/// `#[init]`.
mod init {
    use std::io;
    use std::sync::Arc;

    use rewarm::{Error, ResourceError, init};
    use tokio::sync::Semaphore;

    use super::*;

    /// An error with all its causes.
    fn story(error: ResourceError) -> String {
        Error::from(error).to_string()
    }

    mod shared {
        use super::*;

        pub(super) static BUILDS: Count = Count::new();
        pub(super) static GATE: Semaphore = Semaphore::const_new(0);

        #[init]
        pub(super) async fn db() -> u32 {
            GATE.acquire().await.unwrap().forget();
            BUILDS.up()
        }
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_attempt() {
        use shared::{BUILDS, GATE, db};
        assert!(db::get().is_none());
        let calls = waiting(8, db).await;
        GATE.add_permits(8);
        let values: Vec<_> = all(calls).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(BUILDS.get(), 1);
        assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
        assert!(Arc::ptr_eq(&db::get().unwrap(), &values[0]));
        assert!(Arc::ptr_eq(&db().await.unwrap(), &values[0]));
        assert_eq!(BUILDS.get(), 1);
    }

    mod cancelled {
        use super::*;

        pub(super) static BUILDS: Count = Count::new();
        pub(super) static GATE: Semaphore = Semaphore::const_new(0);

        #[init]
        pub(super) async fn db() -> Result<u32, Refused> {
            let build = BUILDS.up();
            GATE.acquire().await.unwrap().forget();
            Ok(build)
        }
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_restart_the_attempt() {
        use cancelled::{BUILDS, GATE, db};
        for _ in 0..3 {
            drop(waiting(1, db).await);
            tokio::task::yield_now().await;
            assert_eq!(BUILDS.get(), 1);
        }
        GATE.add_permits(8);
        assert_eq!(*db().await.unwrap(), 1);
        assert_eq!(BUILDS.get(), 1);
    }

    mod replaced {
        use super::*;

        pub(super) static BUILDS: Count = Count::new();

        #[init]
        pub(super) async fn db() -> Result<u32, Refused> {
            match BUILDS.up() {
                3 => Err(Refused),
                build => Ok(build),
            }
        }
    }

    #[tokio::test]
    async fn a_rebuild_replaces_the_value_and_leaves_the_old_one_to_its_holders() {
        use replaced::db;
        let old = db().await.unwrap();
        let new = db::rebuild().await.unwrap();
        assert_eq!((*old, *new), (1, 2));
        assert!(Arc::ptr_eq(&new, &db().await.unwrap()));
        let gone = Arc::downgrade(&old);
        drop(old);
        assert!(gone.upgrade().is_none(), "nobody holds the old one");

        let error = db::rebuild().await.unwrap_err();
        assert_eq!(error.resource(), "db");
        assert!(Arc::ptr_eq(&new, &db().await.unwrap()));
        assert!(Arc::ptr_eq(&new, &db::get().unwrap()));
        assert_eq!(*db::rebuild().await.unwrap(), 4);
    }

    mod diamond {
        use super::*;

        pub(super) static BUILDS: [Count; 4] = [const { Count::new() }; 4];

        pub(super) struct Built(pub(super) u32);

        #[init]
        pub(super) async fn base() -> Built {
            Built(BUILDS[0].up())
        }

        #[init]
        pub(super) async fn left(base: &Built) -> Built {
            BUILDS[1].up();
            Built(10 * base.0)
        }

        #[init]
        pub(super) async fn right(base: Arc<Built>) -> Result<Built, Refused> {
            BUILDS[2].up();
            Ok(Built(100 * base.0))
        }

        #[init]
        pub(super) async fn top(left: &Built, right: &Built, base: &Built) -> Built {
            BUILDS[3].up();
            Built(left.0 + right.0 + base.0)
        }
    }

    #[tokio::test]
    async fn dependents_are_as_fresh_as_what_they_are_built_from() {
        use diamond::{BUILDS, base, left, right, top};
        let builds = || [0, 1, 2, 3].map(|n: usize| BUILDS[n].get());
        assert_eq!(top().await.unwrap().0, 111);
        assert_eq!(builds(), [1, 1, 1, 1]);

        base::rebuild().await.unwrap();
        assert_eq!(builds(), [2, 1, 1, 1], "dependents wait for their next use");
        assert_eq!(top().await.unwrap().0, 222);
        assert_eq!(top().await.unwrap().0, 222);
        assert_eq!(builds(), [2, 2, 2, 2]);

        left::rebuild().await.unwrap();
        assert_eq!(top().await.unwrap().0, 222);
        assert_eq!(builds(), [2, 3, 2, 3]);
        assert_eq!(right().await.unwrap().0, 200);
        assert_eq!(builds(), [2, 3, 2, 3]);
    }

    mod failing {
        use super::*;

        pub(super) static ATTEMPTS: Count = Count::new();
        pub(super) static GATE: Semaphore = Semaphore::const_new(0);

        #[init(lazy)]
        pub(super) async fn db() -> Result<u32, Refused> {
            GATE.acquire().await.unwrap().forget();
            match ATTEMPTS.up() {
                1 => Err(Refused),
                attempt => Ok(attempt),
            }
        }

        #[init(lazy)]
        pub(super) async fn api(db: &u32) -> Result<u32, Refused> {
            Ok(*db)
        }
    }

    #[tokio::test]
    async fn all_who_waited_get_the_same_error_and_the_next_use_tries_again() {
        use failing::{ATTEMPTS, GATE, api, db};
        let calls = waiting(8, db).await;
        let dependents = waiting(2, api).await;
        tokio::task::yield_now().await; // so that their attempt needs the one under way
        GATE.add_permits(1);
        let errors: Vec<_> = all(calls).await.into_iter().map(Result::unwrap_err).collect();
        let first = errors[0].source().unwrap();
        for error in &errors {
            assert_eq!(error.resource(), "db");
            assert!(std::ptr::addr_eq(error.source().unwrap(), first));
        }
        assert_eq!(
            story(errors[0].clone()),
            format!("resource `db` is unavailable: refused: {CAUSE}")
        );
        for outcome in all(dependents).await {
            assert_eq!(
                story(outcome.unwrap_err()),
                format!(
                    "resource `api` is unavailable: resource `db` is unavailable: refused: {CAUSE}"
                )
            );
        }
        assert_eq!(ATTEMPTS.get(), 1);
        assert!(db::get().is_none());

        GATE.add_permits(8);
        assert_eq!(*api().await.unwrap(), 2);
        assert_eq!(*db().await.unwrap(), 2);
    }

    mod remembered {
        use super::*;

        pub(super) static ATTEMPTS: Count = Count::new();

        #[init(lazy, retry_after = "1h")]
        pub(super) async fn db() -> Result<u32, Refused> {
            match ATTEMPTS.up() {
                1 => Err(Refused),
                attempt => Ok(attempt),
            }
        }
    }

    #[tokio::test]
    async fn a_failed_attempt_is_remembered_unless_a_rebuild_is_asked_for() {
        use remembered::{ATTEMPTS, db};
        let first = db().await.unwrap_err();
        let second = db().await.unwrap_err();
        assert!(std::ptr::addr_eq(first.source().unwrap(), second.source().unwrap()));
        assert_eq!(ATTEMPTS.get(), 1);
        assert_eq!(*db::rebuild().await.unwrap(), 2);
        assert_eq!(*db().await.unwrap(), 2);
    }

    mod slow {
        use super::*;

        #[init(lazy, timeout = "3s")]
        pub(super) async fn never() -> u32 {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_is_limited_in_time() {
        let begin = tokio::time::Instant::now();
        let error = slow::never().await.unwrap_err();
        assert_eq!(story(error), "resource `never` is unavailable: not ready after 3s");
        assert_eq!(begin.elapsed().as_secs(), 3, "of a clock that is paused");
    }

    mod panicking {
        use super::*;

        pub(super) static ATTEMPTS: Count = Count::new();

        #[init(lazy)]
        pub(super) async fn unlucky() -> u32 {
            let attempt = ATTEMPTS.up();
            assert!(attempt > 1, "attempt {attempt} has no luck");
            attempt
        }

        #[init(lazy)]
        pub(super) fn blocked() -> u32 {
            panic!("no way")
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        use panicking::{blocked, unlucky};
        let text = story(unlucky().await.unwrap_err());
        let message = "resource `unlucky` is unavailable: panicked: attempt 1 has no luck";
        assert!(text.starts_with(message), "{text}");
        assert_eq!(*unlucky().await.unwrap(), 2);

        let text = story(blocked().unwrap_err());
        let message = "resource `blocked` is unavailable: panicked: no way";
        assert!(text.starts_with(message), "{text}");
    }

    mod blocking {
        use super::*;

        pub(super) static BUILDS: Count = Count::new();

        #[init]
        pub(super) fn pattern() -> io::Result<u32> {
            Ok(BUILDS.up())
        }

        #[init]
        pub(super) async fn matcher(pattern: &u32) -> u32 {
            10 * pattern
        }
    }

    #[test]
    fn threads_share_what_does_not_wait() {
        use blocking::{BUILDS, matcher, pattern};
        let line = std::sync::Barrier::new(8);
        let values: Vec<_> = std::thread::scope(|scope| {
            let race = || {
                line.wait();
                pattern().unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(BUILDS.get(), 1);
        assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));

        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            assert_eq!(*matcher().await.unwrap(), 10);
            pattern::rebuild().await.unwrap();
            assert_eq!(*pattern().unwrap(), 2);
            assert_eq!(*matcher().await.unwrap(), 20);
        });
    }

    #[tokio::test]
    async fn a_task_that_has_used_up_its_turn_is_not_stuck() {
        #[init(lazy)]
        fn broken() -> Result<u32, Refused> {
            Err(Refused)
        }

        poll_fn(|context| {
            while tokio::task::coop::has_budget_remaining() {
                let _ = std::pin::pin!(tokio::task::consume_budget()).poll(context);
            }
            assert_eq!(broken().unwrap_err().resource(), "broken");
            Poll::Ready(())
        })
        .await;
    }

    mod statics {
        use super::*;

        pub(super) static BUILDS: Count = Count::new();

        async fn connect(ok: bool) -> Result<String, Refused> {
            tokio::task::yield_now().await;
            if ok { Ok("open".to_owned()) } else { Err(Refused) }
        }

        #[init]
        pub(super) static GREETING: String = format!("hello {}", BUILDS.up());
        #[init]
        pub(super) static PORT: u16 = "8080".parse()?;
        #[init(lazy)]
        pub(super) static BAD_PORT: u16 = "many".parse::<u16>()?;
        #[init]
        pub(super) static DB: String = connect(true).await?;
        #[init(lazy)]
        pub(super) static BAD_DB: String = connect(false).await?;

        #[init]
        pub(super) async fn letter(
            #[from(GREETING)] greeting: &String,
            #[from(DB)] db: Arc<String>,
        ) -> String {
            format!("{greeting}, the database is {db}")
        }
    }

    #[tokio::test]
    async fn a_static_is_its_value() {
        use statics::{BAD_PORT, BUILDS, GREETING, PORT};
        assert!(GREETING::get().is_none() || BUILDS.get() == 1);
        assert_eq!(GREETING.len(), 7);
        assert_eq!(*GREETING, "hello 1");
        assert_eq!(GREETING::get().unwrap(), "hello 1");
        assert_eq!(*PORT, 8080);
        let panic = panic_of(async { *BAD_PORT }).await;
        assert_eq!(panic, "resource `BAD_PORT` is unavailable: invalid digit found in string");
        assert!(BAD_PORT::get().is_none());
    }

    #[tokio::test]
    async fn a_static_that_awaits_is_asked_for() {
        use statics::{BAD_DB, DB, letter};
        assert_eq!(*DB.get().await.unwrap(), "open");
        assert_eq!(*DB::get().unwrap(), "open");
        let old = DB.get().await.unwrap();
        assert!(!Arc::ptr_eq(&old, &DB::rebuild().await.unwrap()));
        assert_eq!(
            story(BAD_DB.get().await.unwrap_err()),
            format!("resource `BAD_DB` is unavailable: refused: {CAUSE}")
        );
        assert_eq!(*letter().await.unwrap(), "hello 1, the database is open");
    }

    mod far {
        pub(super) mod away {
            use rewarm::init;

            #[init]
            pub async fn db() -> u32 {
                42
            }
        }
    }

    #[init]
    async fn here(#[from(far::away::db)] there: &u32) -> u32 {
        there + 1
    }

    #[init]
    async fn absolute(
        #[from(crate::init::far::away::db)] one: Arc<u32>,
        #[from(self::here)] other: &u32,
    ) -> u32 {
        *one + other
    }

    #[init]
    async fn r#type() -> u32 {
        1
    }

    #[init(lazy)]
    async fn r#match(r#type: &u32, #[from(r#type)] r#in: &u32) -> Result<u32, String> {
        Err(format!("{} and {}", r#type, r#in))
    }

    #[tokio::test]
    async fn resources_are_found_by_path_and_under_any_name() {
        assert_eq!(*here().await.unwrap(), 43);
        assert_eq!(*absolute().await.unwrap(), 85);
        let error = r#match().await.unwrap_err();
        assert_eq!(error.resource(), "match");
        assert_eq!(story(error), "resource `match` is unavailable: 1 and 1");
        assert_eq!(*r#type::rebuild().await.unwrap(), 1);
    }
}

/// `#[cached]`.
mod cached {
    use std::sync::Arc;

    use rewarm::{Error, cached, init};
    use tokio::sync::Semaphore;

    use super::*;

    mod plain {
        use super::*;

        #[cached(ttl = "1h")]
        pub(super) async fn length(text: &str, bytes: &[u8], factor: usize) -> usize {
            (text.len() + bytes.len()) * factor
        }
    }

    #[tokio::test]
    async fn arguments_are_the_key_whatever_they_are_borrowed_from() {
        use plain::length;
        assert_eq!(length("tea", b"pot", 1).await, 6);
        let owned = (String::from("tea"), b"pot".to_vec());
        assert_eq!(length(&owned.0, &owned.1, 1).await, 6);
        assert_eq!(length::stats().loads, 1);
        for other in [("te", "apot", 1), ("teapot", "", 1), ("tea", "pot", 2)] {
            let sum = length(other.0, other.1.as_bytes(), other.2).await;
            assert_eq!(sum, 6 * other.2);
        }
        let stats = length::stats();
        assert_eq!((stats.hits, stats.misses, stats.loads), (1, 4, 4));
        assert_eq!((stats.entries, stats.load_errors, stats.stale_hits), (4, 0, 0));
        assert_eq!(length::peek("tea", b"pot", 2), Some(12));
        assert_eq!(length::peek("tea", b"pot", 3), None);
        assert_eq!(length::stats().hits, 1, "a look is not a hit");
    }

    mod fallible {
        use super::*;

        pub(super) static LOADS: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) async fn settings() -> Result<u32, Refused> {
            match LOADS.up() {
                1 | 2 => Err(Refused),
                load => Ok(load),
            }
        }

        pub(super) static SEARCHES: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) async fn find(name: String) -> Option<u32> {
            (SEARCHES.up() > 2).then_some(name.len() as u32)
        }

        pub(super) static QUERIES: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) fn query() -> std::io::Result<Option<u32>> {
            match QUERIES.up() {
                1 => Err(std::io::Error::other("no")),
                2 => Ok(None),
                query => Ok(Some(query)),
            }
        }
    }

    #[tokio::test]
    async fn only_answers_are_kept() {
        use fallible::{find, query, settings};
        let outcomes = all((0..5).map(|_| settings())).await;
        assert_eq!(outcomes, [Err(Refused), Err(Refused), Ok(3), Ok(3), Ok(3)]);
        let stats = settings::stats();
        assert_eq!((stats.loads, stats.load_errors, stats.entries), (3, 2, 1));

        let outcomes = all((0..4).map(|_| find("tea".into()))).await;
        assert_eq!(outcomes, [None, None, Some(3), Some(3)]);

        assert_eq!(query().unwrap_err().to_string(), "no");
        assert_eq!(query().unwrap(), None);
        assert_eq!(query().unwrap(), Some(3));
        assert_eq!(query().unwrap(), Some(3));
    }

    mod bounded {
        use super::*;

        #[cached(ttl = "1h", max_entries = 10)]
        pub(super) async fn double(n: u32) -> u32 {
            2 * n
        }
    }

    #[tokio::test]
    async fn a_cache_does_not_outgrow_its_bound() {
        use bounded::double;
        for n in 0..1000 {
            assert_eq!(double(n).await, 2 * n);
        }
        let stats = double::stats();
        assert!((1..=10).contains(&stats.entries), "{stats:?}");
        assert!(stats.evictions >= 990, "{stats:?}");
    }

    mod injected {
        use super::*;

        #[init]
        pub(super) async fn db() -> String {
            "db".to_owned()
        }

        #[init(lazy)]
        pub(super) async fn broken() -> Result<String, Refused> {
            Err(Refused)
        }

        #[cached(ttl = "1h")]
        pub(super) async fn row(
            #[from] db: &String,
            key: &str,
            #[from(db)] same: Arc<String>,
            #[skip] trace: &str,
            #[skip] attempt: u32,
        ) -> Result<String, Error> {
            Ok(format!("{db}={same} {key} {trace} {attempt}"))
        }

        #[cached(ttl = "1h")]
        pub(super) async fn nothing(#[from] broken: &String) -> Result<String, Error> {
            Ok(broken.clone())
        }

        #[cached(ttl = "1h")]
        pub(super) async fn nowhere(#[from] broken: &String) -> String {
            broken.clone()
        }

        #[init(lazy)]
        pub(super) async fn dependent(nothing: &String) -> String {
            nothing.clone()
        }
    }

    #[tokio::test]
    async fn resources_and_what_is_skipped_are_not_part_of_the_key() {
        use injected::row;
        assert_eq!(row("a", "first", 1).await.unwrap(), "db=db a first 1");
        assert_eq!(row("a", "second", 2).await.unwrap(), "db=db a first 1");
        assert_eq!(row("b", "third", 3).await.unwrap(), "db=db b third 3");
        assert_eq!(row::stats().entries, 2);
        assert_eq!(row::peek("a").unwrap(), "db=db a first 1");
        row::invalidate("a");
        assert_eq!(row::peek("a"), None);
    }

    #[tokio::test]
    async fn a_missing_resource_is_the_error_of_the_function() {
        use injected::{dependent, nothing, nowhere};
        let missing = format!("resource `broken` is unavailable: refused: {CAUSE}");
        assert_eq!(nothing().await.unwrap_err().to_string(), missing);
        assert_eq!(panic_of(nowhere()).await, missing);
        let error = Error::from(dependent().await.unwrap_err());
        assert_eq!(
            error.to_string(),
            format!(
                "resource `dependent` is unavailable: resource `nothing` is unavailable: {missing}"
            )
        );
    }

    mod single {
        use super::*;

        pub(super) static GATE: Semaphore = Semaphore::const_new(0);

        /// Waits at the gate; the key says how it ends.
        async fn through(end: &str) -> Result<String, Refused> {
            GATE.acquire().await.unwrap().forget();
            assert_ne!(end, "panic", "no luck");
            if end == "fail" { Err(Refused) } else { Ok(end.to_owned()) }
        }

        #[cached(ttl = "1h")]
        pub(super) async fn fetch(end: &str) -> Result<String, Refused> {
            through(end).await
        }

        /// An error that only one can have.
        #[derive(Debug)]
        pub(super) struct Own;

        pub(super) static TRIES: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) async fn lonely() -> Result<u32, Own> {
            through("").await.map_err(|_| Own)?;
            match TRIES.up() {
                1 => Err(Own),
                tries => Ok(tries),
            }
        }
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_fetch() {
        use single::{GATE, fetch, lonely};
        let answers = waiting(8, || fetch("ok")).await;
        let errors = waiting(8, || fetch("fail")).await;
        assert_eq!(fetch::stats().misses, 16);
        GATE.add_permits(2);
        for answer in all(answers).await {
            assert_eq!(answer.unwrap(), "ok");
        }
        for error in all(errors).await {
            assert_eq!(error, Err(Refused));
        }
        let stats = fetch::stats();
        assert_eq!((stats.loads, stats.load_errors, stats.entries), (2, 1, 1));

        // The one that began it gets an error that cannot be shared, and the next in line tries.
        let calls = waiting(8, lonely).await;
        GATE.add_permits(2);
        let outcomes = all(calls).await;
        let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert_eq!((failed, lonely::stats().loads), (1, 2), "{outcomes:?}");

        // A fetch outlives its caller, and what is forgotten meanwhile is not kept.
        drop(waiting(1, || fetch("later")).await);
        let second = waiting(1, || fetch("later")).await;
        GATE.add_permits(1);
        assert_eq!(all(second).await, [Ok("later".to_owned())]);
        assert_eq!(fetch::stats().loads, 3);
        let third = waiting(1, || fetch("forgotten")).await;
        fetch::invalidate("forgotten");
        GATE.add_permits(1);
        assert_eq!(all(third).await, [Ok("forgotten".to_owned())]);
        assert_eq!(fetch::peek("forgotten"), None);

        // A panic is that of who began it, and harms nobody else.
        let mut calls = Vec::new();
        for _ in 0..3 {
            calls.push(tokio::spawn(fetch("panic")));
            tokio::task::yield_now().await;
        }
        let hits = fetch::stats().hits;
        assert_eq!(fetch("ok").await.unwrap(), "ok");
        assert_eq!(fetch::stats().hits, hits + 1, "another key is not held up");
        GATE.add_permits(3);
        for call in calls {
            let panic = call.await.unwrap_err().into_panic();
            let message = panic.downcast::<String>().unwrap();
            assert!(message.contains("no luck"), "{message}");
        }
        assert_eq!(fetch::peek("panic"), None);
    }

    mod controlled {
        use super::*;

        pub(super) static LOADS: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) async fn version() -> u32 {
            LOADS.up()
        }

        pub(super) static LOOKUPS: Count = Count::new();

        #[cached(ttl = "1h")]
        pub(super) async fn lookup(r#type: &str) -> Result<String, Refused> {
            let lookup = LOOKUPS.up();
            if lookup == 4 { Err(Refused) } else { Ok(format!("{} {lookup}", r#type)) }
        }
    }

    #[tokio::test]
    async fn kept_answers_are_seen_replaced_and_forgotten() {
        use controlled::{lookup, version};
        assert_eq!(version::peek(), None);
        assert_eq!(version().await, 1);
        assert_eq!(version::peek(), Some(1));
        assert_eq!(version::refresh().await, 2);
        assert_eq!(version().await, 2);
        version::invalidate();
        assert_eq!(version::peek(), None);
        assert_eq!(version().await, 3);

        assert_eq!(lookup("a").await.unwrap(), "a 1");
        assert_eq!(lookup("b").await.unwrap(), "b 2");
        lookup::invalidate("a");
        assert_eq!((lookup::peek("a"), lookup::peek("b")), (None, Some("b 2".into())));
        assert_eq!(lookup::refresh("b").await.unwrap(), "b 3");
        assert_eq!(lookup::refresh("b").await, Err(Refused));
        assert_eq!(lookup("b").await.unwrap(), "b 3", "an error replaces nothing");
        lookup::clear();
        assert_eq!(lookup::stats().entries, 0);
        assert_eq!(lookup("b").await.unwrap(), "b 5");
    }

    mod recursive {
        use super::*;

        #[cached(ttl = "1h")]
        pub(super) fn fib(n: u64) -> u64 {
            if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
        }

        #[cached(ttl = "1h")]
        pub(super) async fn slow_fib(n: u64) -> u64 {
            if n < 2 { n } else { slow_fib(n - 1).await + slow_fib(n - 2).await }
        }

        #[cached(ttl = "1h")]
        pub(super) fn squared(n: u64) -> Arc<u64> {
            Arc::new(n * n)
        }
    }

    #[tokio::test]
    async fn a_cached_function_may_call_itself() {
        use recursive::{fib, slow_fib};
        assert_eq!(fib(90), 2_880_067_194_370_816_120);
        assert_eq!(fib::stats().loads, 91);
        assert_eq!(slow_fib(50).await, 12_586_269_025);
        assert_eq!(slow_fib::stats().loads, 51);
    }

    #[test]
    fn threads_share_what_does_not_wait() {
        use recursive::squared;
        let line = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    line.wait();
                    assert_eq!(*squared(7), 49);
                });
            }
        });
        assert_eq!(squared::stats().loads, 1);
        assert!(Arc::ptr_eq(&squared(7), &squared(7)));
    }
}

/// `#[handler]`.
mod handler {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use rewarm::{Context, Error, InvocationError, LambdaEvent, cached, handler, init};
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use tower::Service;

    use super::*;

    #[init]
    async fn db() -> String {
        "db".to_owned()
    }

    #[cached(ttl = "1h")]
    async fn settings() -> Result<u32, Error> {
        Ok(20)
    }

    #[derive(Deserialize)]
    struct Order {
        sku: String,
    }

    #[derive(Debug, PartialEq, Serialize)]
    struct Receipt {
        sku: String,
        by: String,
        total: u32,
    }

    #[derive(Debug)]
    struct OutOfStock(String);

    impl fmt::Display for OutOfStock {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no {} left", self.0)
        }
    }

    impl StdError for OutOfStock {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&Refused)
        }
    }

    #[handler]
    async fn shop(
        order: Order,
        context: Context,
        db: &String,
        settings: u32,
        #[from(db)] same: Arc<String>,
        #[from(settings)] rate: &u32,
    ) -> Result<Receipt, OutOfStock> {
        assert_eq!((db, settings), (&*same, *rate));
        match order.sku.as_str() {
            "none" => return Err(OutOfStock(order.sku)),
            "cursed" => panic!("{} is cursed", order.sku),
            "never" => std::future::pending().await,
            _ => {}
        }
        Ok(Receipt { sku: order.sku, by: format!("{db} {}", context.request_id), total: settings })
    }

    fn order(sku: &str) -> LambdaEvent<Order> {
        let mut context = Context::default();
        context.request_id = "r-1".to_owned();
        LambdaEvent::new(Order { sku: sku.into() }, context)
    }

    async fn call<S, T>(mut service: S, event: LambdaEvent<T>) -> Result<Value, InvocationError>
    where
        S: Service<LambdaEvent<T>, Response: Serialize, Error = InvocationError>,
    {
        poll_fn(|context| service.poll_ready(context)).await?;
        let answer = service.call(event).await?;
        Ok(serde_json::to_value(&answer).unwrap())
    }

    #[tokio::test]
    async fn a_handler_is_still_a_function() {
        let (order, context) = order("tea").into_parts();
        let mine = Arc::new("mine".to_owned());
        let receipt = shop(order, context, &mine, 5, Arc::clone(&mine), &5).await;
        let expected = Receipt { sku: "tea".into(), by: "mine r-1".into(), total: 5 };
        assert_eq!(receipt.unwrap(), expected);
    }

    #[tokio::test]
    async fn its_service_fills_in_the_resources() {
        let answer = call(shop::service(), order("tea")).await.unwrap();
        assert_eq!(answer, json!({ "sku": "tea", "by": "db r-1", "total": 20 }));

        let error = call(shop::service(), order("none")).await.unwrap_err();
        assert_eq!(error.error_type, "OutOfStock");
        assert_eq!(error.error_message, format!("no none left: refused: {CAUSE}"));

        let error = call(shop::service(), order("cursed")).await.unwrap_err();
        assert_eq!(error.error_type, "Panic");
        assert!(error.error_message.starts_with("cursed is cursed"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn its_service_keeps_the_deadline() {
        let mut event = order("never");
        let deadline = SystemTime::now() + Duration::from_secs(30);
        let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        event.context.deadline = deadline.as_millis() as u64;
        let error = call(shop::service(), event).await.unwrap_err();
        assert_eq!(error.error_type, "DeadlineExceeded");
    }

    #[handler(deadline_margin = "1s", report_every = 0)]
    async fn whole(event: LambdaEvent<Value>) -> Value {
        assert!(rewarm::remaining().is_none(), "this test has no deadline");
        event.payload
    }

    #[handler]
    async fn r#loop(event: String) -> Result<String, String> {
        if event.is_empty() {
            return Err("nothing to repeat".to_owned());
        }
        Ok(event)
    }

    #[handler]
    async fn loose(event: u32) -> Result<u32, Box<dyn StdError + Send + Sync>> {
        Ok(event.checked_sub(1).ok_or("nothing left")?)
    }

    #[tokio::test]
    async fn events_answers_and_errors_are_of_any_type() {
        let event = |payload: Value| LambdaEvent::new(payload, Context::default());
        let answer = call(whole::service(), event(json!([1, null]))).await;
        assert_eq!(answer.unwrap(), json!([1, null]));

        let event = |text: &str| LambdaEvent::new(text.to_owned(), Context::default());
        let answer = call(r#loop::service(), event("again")).await;
        assert_eq!(answer.unwrap(), "again");
        let error = call(r#loop::service(), event("")).await.unwrap_err();
        assert_eq!(
            (error.error_type.as_str(), error.error_message.as_str()),
            ("String", "nothing to repeat")
        );

        let event = LambdaEvent::new(0, Context::default());
        let error = call(loose::service(), event).await.unwrap_err();
        assert_eq!(
            (error.error_type.as_str(), error.error_message.as_str()),
            ("Error", "nothing left")
        );
    }

    mod deferring {
        use super::*;

        pub(super) static DONE: Count = Count::new();

        #[handler]
        pub(super) async fn later(event: u32) -> u32 {
            for _ in 0..event {
                rewarm::defer(async {
                    DONE.up();
                    rewarm::defer(async {
                        DONE.up();
                    });
                });
            }
            rewarm::defer(async { panic!("harms nothing") });
            DONE.get()
        }
    }

    #[tokio::test]
    async fn what_is_deferred_is_done_when_the_service_answers() {
        use deferring::{DONE, later};
        let event = LambdaEvent::new(3, Context::default());
        let answer = call(later::service(), event).await.unwrap();
        assert_eq!(answer, 0, "nothing is done before the handler has answered");
        assert_eq!(DONE.get(), 6);
    }
}
