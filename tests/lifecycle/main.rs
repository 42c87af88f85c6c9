//! What a container goes through, in simulated time: idle gaps, checks, rebuilds, restores,
//! lifetimes of cached values, deferred work and shutdown.

mod graph;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use futures_util::FutureExt;
use rewarm::testing::assert_reuse_safe;
use rewarm::{Error, cached, handler, init};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

/// The world outside the containers, which tests change: one test at a time.
async fn world() -> tokio::sync::MutexGuard<'static, ()> {
    static WORLD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let turn = WORLD.lock().await;
    pool::MADE.store(0, SeqCst);
    pool::ALIVE.store(true, SeqCst);
    pool::BUILDS.store(true, SeqCst);
    values::FETCHES.store(0, SeqCst);
    values::BROKEN.store(false, SeqCst);
    notes();
    turn
}

/// What the functions of this file note as they run.
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(text: impl Into<String>) {
    NOTES.lock().unwrap().push(text.into());
}

fn notes() -> Vec<String> {
    std::mem::take(&mut NOTES.lock().unwrap())
}

mod pool {
    use super::*;

    pub static ALIVE: AtomicBool = AtomicBool::new(true);
    pub static BUILDS: AtomicBool = AtomicBool::new(true);
    pub static MADE: AtomicU64 = AtomicU64::new(0);

    #[derive(Debug)]
    pub struct Pool(pub u64);

    pub async fn ping(pool: &Pool) -> Result<(), String> {
        note(format!("check {}", pool.0));
        if ALIVE.load(SeqCst) { Ok(()) } else { Err("connection reset".to_owned()) }
    }

    pub async fn hang_up(pool: &Pool) {
        note(format!("close {}", pool.0));
    }

    #[init(check = ping, idle = "1m", close = hang_up, retry_after = "30s")]
    pub async fn db() -> Result<Pool, String> {
        if !BUILDS.load(SeqCst) {
            return Err("no route to host".to_owned());
        }
        let pool = Pool(MADE.fetch_add(1, SeqCst) + 1);
        note(format!("build {}", pool.0));
        ALIVE.store(true, SeqCst);
        Ok(pool)
    }

    async fn done(_: &u64) {
        note("close repository");
    }

    #[init(close = done)]
    pub async fn repository(db: &Pool) -> u64 {
        note(format!("repository on {}", db.0));
        db.0 * 100
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value, db: &Pool, repository: &u64) -> (u64, u64) {
        rewarm::defer(async { note("deferred") });
        (db.0, *repository)
    }
}

#[tokio::test]
async fn a_check_runs_after_a_long_enough_gap_before_the_handler_sees_the_value() {
    let _world = world().await;
    let mut c = pool::app::container().await;
    let (first, repository) = pair(c.invoke(0).await);
    notes();

    c.idle(60 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (first, repository));
    assert_eq!(notes(), ["deferred"], "a gap of exactly `idle` is not longer than it");

    c.idle(61 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (first, repository));
    assert_eq!(notes(), [format!("check {first}"), "deferred".to_owned()]);

    pool::ALIVE.store(false, SeqCst);
    c.idle_wall(61 * SECOND);
    let (second, rebuilt) = pair(c.invoke(0).await);
    assert_eq!((second, rebuilt), (2, 200), "the next generation, and what is built from it");
    assert_eq!(
        notes(),
        [
            format!("check {first}"),
            "build 2".to_owned(),
            "check 2".to_owned(),
            "repository on 2".to_owned(),
            // After the answer: what was replaced, and then what the handler deferred.
            "close repository".to_owned(),
            format!("close {first}"),
            "deferred".to_owned(),
        ]
        .map(|text| text.to_owned())
    );
    c.shutdown().await;
    assert_eq!(notes(), ["close repository", "close 2"], "dependents first");
}

#[tokio::test]
async fn a_failed_check_rebuilds_once_however_many_invocations_arrive() {
    let _world = world().await;
    let mut c = pool::app::container().await;
    pool::ALIVE.store(false, SeqCst);
    c.idle(120 * SECOND);
    notes();
    for answer in c.invoke_all([0; 8]).await {
        assert_eq!(pair(answer), (2, 200));
    }
    let builds = notes().iter().filter(|note| note.starts_with("build")).count();
    assert_eq!(builds, 1);
}

#[tokio::test]
async fn a_recoverable_resource_is_tried_again_after_its_time() {
    let _world = world().await;
    let mut c = pool::app::container().await;
    pool::ALIVE.store(false, SeqCst);
    pool::BUILDS.store(false, SeqCst);
    c.idle(120 * SECOND);
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(
        error.error_message.ends_with("resource `db` is unavailable: no route to host"),
        "{error}"
    );

    pool::BUILDS.store(true, SeqCst);
    c.idle(29 * SECOND);
    let again = c.invoke(0).await.unwrap_err().error_message;
    assert!(again.ends_with("no route to host"), "remembered for 30 s: {again}");
    c.idle(2 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (2, 200));
    assert_eq!(c.snapshot().errors, 2);
}

#[tokio::test]
async fn a_restore_checks_what_has_a_check_and_rebuilds_what_awaited() {
    let _world = world().await;
    let mut c = pool::app::container().await;
    let before = c.snapshot();
    notes();
    c.restore().await.unwrap();
    let after = c.snapshot();
    assert_ne!(before.id, after.id);
    let generations = |snapshot: &rewarm::ContainerSnapshot| -> Vec<(&str, u64)> {
        let of = |name| snapshot.resources.iter().find(|r| r.name == name).unwrap().generation;
        ["db", "repository"].map(|name| (name, of(name))).to_vec()
    };
    assert_eq!(generations(&before), [("db", 1), ("repository", 1)]);
    assert_eq!(generations(&after), [("db", 1), ("repository", 2)]);
    let seen = notes();
    assert!(seen[0].starts_with("check "), "{seen:?}");
    assert!(seen[1].starts_with("repository on "), "{seen:?}");
    c.invoke(0).await.unwrap();

    pool::ALIVE.store(false, SeqCst);
    pool::BUILDS.store(false, SeqCst);
    c.restore().await.expect("`db` is recoverable, and so is what cannot be had for want of it");
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(error.error_message.ends_with("`db` is unavailable: no route to host"), "{error}");
}

/// What was looked at is settled: nothing is built or checked again for the same reason.
mod settled {
    use super::*;

    pub static CHECKS: AtomicU64 = AtomicU64::new(0);
    pub static GOOD: AtomicBool = AtomicBool::new(true);

    async fn is_good(_: &u64) -> Result<(), Error> {
        CHECKS.fetch_add(1, SeqCst);
        match GOOD.swap(true, SeqCst) {
            true => Ok(()),
            false => Err(Error::msg("gone")),
        }
    }

    async fn is_fine(_: &u64) -> Result<(), Error> {
        CHECKS.fetch_add(1, SeqCst);
        Ok(())
    }

    #[init]
    pub async fn base() -> u64 {
        1
    }

    #[init(check = is_fine)]
    pub async fn client(base: &u64) -> u64 {
        tokio::task::yield_now().await;
        base + 1
    }

    #[init(check = is_good)]
    pub async fn alone() -> u64 {
        3
    }

    #[init]
    pub fn table() -> u64 {
        4
    }

    #[init(restore = keep)]
    pub async fn kept() -> u64 {
        7
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value, client: &u64, alone: &u64, table: &u64, kept: &u64) -> u64 {
        client + alone + table + kept
    }

    pub fn generations() -> [u64; 5] {
        let resources = rewarm::container().resources();
        let of = |name| resources.iter().find(|resource| resource.name == name).unwrap();
        ["base", "client", "alone", "table", "kept"].map(|name| of(name).generation)
    }
}

#[tokio::test]
async fn what_was_looked_at_is_not_looked_at_again() {
    let mut c = settled::app::container().await;
    c.invoke(0).await.unwrap();
    assert_eq!(settled::generations(), [1; 5]);
    c.restore().await.unwrap();
    assert_eq!(settled::generations(), [2, 2, 1, 1, 1], "what only computes is kept");
    for _ in 0..3 {
        c.invoke(0).await.unwrap();
    }
    assert_eq!(settled::generations(), [2, 2, 1, 1, 1]);

    settled::base::rebuild().await.unwrap();
    c.invoke(0).await.unwrap();
    c.invoke(0).await.unwrap();
    assert_eq!(settled::generations(), [3, 3, 1, 1, 1]);

    settled::alone::rebuild().await.unwrap();
    assert!(settled::client::get().is_some(), "it is not made from `alone`");

    let before = settled::CHECKS.load(SeqCst);
    settled::GOOD.store(false, SeqCst);
    c.idle(60 * SECOND);
    c.invoke(0).await.unwrap();
    assert_eq!(settled::generations()[2], 3, "`alone` failed its check");
    let checks = settled::CHECKS.load(SeqCst);
    assert_eq!(checks - before, 3, "each once, and the next generation");
    c.invoke(0).await.unwrap();
    assert_eq!(settled::CHECKS.load(SeqCst), checks, "no gap, no check");
}

mod attempts {
    use super::*;

    pub static MADE: AtomicU64 = AtomicU64::new(0);

    #[init(lazy)]
    pub async fn broken() -> Result<u8, Error> {
        MADE.fetch_add(1, SeqCst);
        Err(Error::msg("down"))
    }

    #[init(lazy)]
    pub async fn above(broken: &u8) -> u8 {
        *broken
    }

    #[handler(report_every = 0)]
    pub async fn app(_: Value, above: &u8, broken: &u8) -> u8 {
        above + broken
    }

    /// Statics that need each other.
    pub mod circle {
        use rewarm::init;

        #[init(lazy)]
        pub static A: u32 = *B + 1;
        #[init(lazy)]
        pub static B: u32 = *A + 1;
    }

    #[handler(report_every = 0)]
    pub async fn needs_circle(_: Value) -> u32 {
        *circle::A
    }
}

#[tokio::test]
async fn whoever_asks_at_the_same_time_shares_an_attempt_that_fails_at_once() {
    let mut c = attempts::app::container().await;
    let error = c.invoke(0).await.unwrap_err();
    assert!(error.error_message.ends_with("`broken` is unavailable: down"), "{error}");
    assert_eq!(attempts::MADE.load(SeqCst), 1);
}

#[tokio::test]
async fn statics_that_need_each_other_are_an_error() {
    let mut c = attempts::needs_circle::container().await;
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(error.error_message.ends_with("its initialiser needs itself"), "{error}");
}

fn pair(answer: Result<Value, rewarm::InvocationError>) -> (u64, u64) {
    serde_json::from_value(answer.unwrap()).unwrap()
}

mod values {
    use super::*;

    pub static FETCHES: AtomicU64 = AtomicU64::new(0);
    pub static BROKEN: AtomicBool = AtomicBool::new(false);

    fn fetch() -> Result<u64, Error> {
        let n = FETCHES.fetch_add(1, SeqCst) + 1;
        if BROKEN.load(SeqCst) { Err(Error::msg(format_args!("fetch {n} failed"))) } else { Ok(n) }
    }

    #[cached(ttl = "5m", jitter = "0%")]
    pub async fn plain() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", stale_if_error = "1h")]
    pub async fn patient() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", stale_while_revalidate = "1m")]
    pub async fn eager() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", negative_ttl = "5s")]
    pub async fn pessimistic(key: &str) -> Result<Option<u64>, Error> {
        if key == "none" { fetch().map(|_| None) } else { fetch().map(Some) }
    }

    /// Asks the function that the event names.
    #[handler(report_every = 0)]
    pub async fn ask(event: Value) -> Result<Option<u64>, Error> {
        match event.as_str() {
            Some("plain") => plain().await.map(Some),
            Some("patient") => patient().await.map(Some),
            Some("eager") => eager().await.map(Some),
            Some(key) => pessimistic(key).await,
            None => Ok(None),
        }
    }
}

async fn ask(c: &mut rewarm::testing::Container<values::ask>, what: &str) -> Result<u64, String> {
    match c.invoke(what).await {
        Ok(value) => Ok(value.as_u64().unwrap_or(0)),
        Err(error) => Err(error.error_message),
    }
}

#[tokio::test]
async fn a_value_lives_for_its_ttl_by_either_clock() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "plain").await, Ok(1));
    c.idle(299 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(1));
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(2));
    c.idle_wall(300 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(3));
    c.idle_monotonic(300 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(4));
    for _ in 0..10 {
        // Half a minute each, by one clock and then by the other.
        c.idle_wall(15 * SECOND);
        ask(&mut c, "plain").await.unwrap();
        c.idle_monotonic(15 * SECOND);
        ask(&mut c, "plain").await.unwrap();
    }
    assert_eq!(values::FETCHES.load(SeqCst), 5);
}

#[tokio::test]
async fn what_is_expired_is_gone_at_the_next_invocation() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    ask(&mut c, "plain").await.unwrap();
    assert_eq!(values::plain::stats().entries, 1);
    c.idle(300 * SECOND);
    c.invoke(Value::Null).await.unwrap();
    assert_eq!(values::plain::stats().entries, 0);
    c.restore().await.unwrap();
    assert_eq!(ask(&mut c, "plain").await, Ok(2));
}

#[tokio::test]
async fn errors_are_not_kept_and_stale_values_only_as_long_as_allowed() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "patient").await, Ok(1));
    values::BROKEN.store(true, SeqCst);
    c.idle(300 * SECOND);
    assert_eq!(ask(&mut c, "patient").await, Ok(1), "stale if error");
    assert_eq!(values::patient::stats().stale_hits, 1);
    assert_eq!(values::patient::stats().load_errors, 1);
    c.idle(3599 * SECOND);
    assert_eq!(ask(&mut c, "patient").await, Ok(1));
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "patient").await, Err("fetch 4 failed".to_owned()), "never longer");
    assert_eq!(
        ask(&mut c, "patient").await,
        Err("fetch 5 failed".to_owned()),
        "errors are not kept"
    );
    values::BROKEN.store(false, SeqCst);
    assert_eq!(ask(&mut c, "patient").await, Ok(6));
}

#[tokio::test]
async fn a_stale_value_is_refreshed_once_after_the_response() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "eager").await, Ok(1));
    c.idle(301 * SECOND);
    for answer in c.invoke_all(["eager"; 5]).await {
        assert_eq!(answer.unwrap(), json!(1), "the old value at once");
    }
    assert_eq!(values::FETCHES.load(SeqCst), 2, "one refresh");
    assert_eq!(ask(&mut c, "eager").await, Ok(2));
    c.idle(361 * SECOND);
    assert_eq!(ask(&mut c, "eager").await, Ok(3), "past the window it is waited for");
}

#[tokio::test]
async fn negative_answers_are_kept_for_their_own_time() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    c.idle(4 * SECOND);
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    assert_eq!(values::FETCHES.load(SeqCst), 1);
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    assert_eq!(values::FETCHES.load(SeqCst), 2);

    values::BROKEN.store(true, SeqCst);
    assert_eq!(ask(&mut c, "some").await, Err("fetch 3 failed".to_owned()));
    assert_eq!(ask(&mut c, "some").await, Err("fetch 3 failed".to_owned()));
    values::BROKEN.store(false, SeqCst);
    c.idle(5 * SECOND);
    assert_eq!(ask(&mut c, "some").await, Ok(4));
}

mod limited {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub enum Failure {
        Resource(String),
    }

    impl From<rewarm::ResourceError> for Failure {
        fn from(error: rewarm::ResourceError) -> Self {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            Self::Resource(format!("{}: {}", error.resource(), source.unwrap_or_default()))
        }
    }

    /// Takes so many seconds, if that may be.
    #[cached(ttl = "1h", timeout = "2s", max_entries = 1)]
    pub async fn answer(seconds: u64) -> Result<u64, Failure> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(seconds)
    }

    #[handler(report_every = 0)]
    pub async fn any(_: Value) {}
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_limited_in_time() {
    use limited::{Failure, answer, any};
    let _world = world().await;
    let container = any::container().await;
    assert_eq!(answer(1).await, Ok(1));
    let start = tokio::time::Instant::now();
    let (one, other) = tokio::join!(answer(3), answer(3));
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(one, Err(Failure::Resource("answer: no answer after 2s".to_owned())));
    assert_eq!(one, other, "all who wait share it");
    assert_eq!((answer::stats().loads, answer::stats().load_errors), (2, 1));

    assert_eq!(answer(0).await, Ok(0));
    assert_eq!(answer::stats().evictions, 1);
    drop(container);
    let _another = any::container().await;
    assert_eq!(answer::stats(), rewarm::Stats::default(), "nothing of the container before");
}

mod guard {
    use super::*;

    /// Does what the event says.
    #[handler(deadline_margin = "1s", report_every = 0)]
    pub async fn act(event: String) -> Result<u64, Error> {
        match event.as_str() {
            "hang" => std::future::pending().await,
            "panic" => panic!("on purpose"),
            "defer" => {
                rewarm::defer(async {
                    note("first");
                    rewarm::defer(async { note("third") });
                });
                rewarm::defer(async { panic!("in deferred work") });
                rewarm::defer(async { note("second") });
                note("answer");
                Ok(1)
            }
            "defer forever" => {
                rewarm::defer(std::future::pending::<()>());
                Ok(2)
            }
            _ => Ok(rewarm::remaining().unwrap().as_secs()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_guard_keeps_the_container() {
    let _world = world().await;
    let mut c = guard::act::container().await;
    c.deadline(Duration::from_secs(5));
    assert_eq!(c.invoke("left").await.unwrap(), json!(5));
    let start = tokio::time::Instant::now();
    let error = c.invoke("hang").await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
    assert_eq!(start.elapsed().as_secs(), 4);
    assert_eq!(c.invoke("defer forever").await.unwrap(), json!(2));
    assert_eq!(c.invoke("left").await.unwrap(), json!(5));
    assert_eq!((c.snapshot().invocations, c.snapshot().errors), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_is_dropped_has_ended_and_failed() {
    use tower::{Service, ServiceBuilder};
    let _world = world().await;
    let c = guard::act::container().await;
    let mut hurried = ServiceBuilder::new().timeout(SECOND).service(guard::act::service());
    let event = rewarm::LambdaEvent::new("hang".to_owned(), Default::default());
    assert!(hurried.call(event).await.is_err(), "the layer's time limit");
    let after = c.snapshot();
    assert_eq!((after.invocations, after.errors, after.in_flight), (1, 1, 0));
}

#[tokio::test]
async fn panics_and_deferred_work() {
    let _world = world().await;
    let mut c = guard::act::container().await;
    notes();
    let error = c.invoke("panic").await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(error.error_message.starts_with("on purpose, at tests/lifecycle/main.rs:"), "{error}");
    c.invoke("defer").await.unwrap();
    assert_eq!(notes(), ["answer", "first", "second", "third"]);
    assert_eq!(c.snapshot().in_flight, 0);
}

#[handler(warmup, report_every = 0)]
async fn warm(event: Value) -> bool {
    note(format!("handler got {event}"));
    rewarm::container().is_cold_start()
}

#[tokio::test]
async fn a_warm_up_ping_is_answered_without_the_handler() {
    let _world = world().await;
    let mut c = warm::container().await;
    let plugin = json!({ "source": "serverless-plugin-warmup" });
    assert_eq!(c.invoke(plugin).await, Ok(Value::Null));
    assert_eq!(c.invoke(json!({ "warmup": true, "more": [1] })).await, Ok(Value::Null));
    notes();
    for event in [json!({ "warmup": false }), json!({ "source": "aws.events" }), json!("warmup")] {
        assert_eq!(c.invoke(event.clone()).await, Ok(json!(false)), "a ping took the cold start");
        assert_eq!(notes(), [format!("handler got {event}")]);
    }
    assert_eq!((c.snapshot().invocations, rewarm::container().pings()), (3, 2));
}

#[tokio::test]
async fn only_the_first_invocation_is_cold() {
    let _world = world().await;
    let mut c = warm::container().await;
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    c.restore().await.unwrap();
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
}

#[tokio::test]
async fn a_snapshot_says_when_the_last_invocation_was_and_whether_it_was_cold() {
    #[handler(report_every = 0)]
    async fn looks(_: Value) -> bool {
        rewarm::container().snapshot().is_cold_start
    }
    let _world = world().await;
    let mut c = looks::container().await;
    let seen = |c: &rewarm::testing::Container<looks>| {
        let snapshot = c.snapshot();
        (snapshot.last_invocation, snapshot.is_cold_start)
    };
    assert_eq!(seen(&c), (None, false));
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    c.idle(60 * SECOND);
    assert_eq!(seen(&c), (Some(60 * SECOND), true), "of the invocation that was last");
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
    c.restore().await.unwrap();
    assert_eq!(seen(&c), (None, false));
    let answers = c.invoke_all([1, 2]).await;
    assert_eq!(answers, [Ok(json!(false)), Ok(json!(false))]);

    drop(c);
    let mut c = looks::container().await;
    let answers = c.invoke_all([1, 2]).await;
    assert_eq!(answers, [Ok(json!(true)), Ok(json!(false))], "each its own");
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
}

mod doomed {
    use super::*;

    async fn never(_: &u8) -> Result<(), String> {
        Err("not good enough".to_owned())
    }

    #[init(lazy, check = never)]
    pub async fn doomed() -> u8 {
        note("doomed is built");
        1
    }
}

#[tokio::test]
async fn a_value_that_fails_its_first_check_is_never_seen() {
    let _world = world().await;
    let _c = pool::app::container().await;
    notes();
    for _ in 0..2 {
        let error = rewarm::Error::from(doomed::doomed().await.unwrap_err()).to_string();
        assert_eq!(error, "resource `doomed` is unavailable: its check failed: not good enough");
        assert_eq!(notes(), ["doomed is built"], "each use tries once");
        assert!(doomed::doomed::get().is_none());
    }
}

mod fetching {
    use super::*;

    #[init(lazy)]
    static MISSING: String = std::env::var("REWARM_TEST_NOT_SET")?;

    #[cached(ttl = "1m")]
    async fn fetched(what: &str) -> u64 {
        rewarm::defer(async { note("deferred by the fetch") });
        match what {
            "missing" => MISSING.len() as u64,
            _ => rewarm::remaining().map_or(0, |left| left.as_secs()),
        }
    }

    #[handler(report_every = 0)]
    pub async fn fetching(what: String) -> u64 {
        fetched(&what).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_a_part_of_the_invocation_that_starts_it() {
    let _world = world().await;
    let mut c = fetching::fetching::container().await;
    notes();
    assert_eq!(c.invoke("time").await, Ok(json!(30)));
    assert_eq!(notes(), ["deferred by the fetch"]);
    assert_eq!(c.invoke("missing").await.unwrap_err().error_type, "ResourceUnavailable");
}

mod safety {
    use super::*;

    #[handler(report_every = 0)]
    pub async fn pure(event: u64) -> u64 {
        event * 2
    }

    #[init]
    async fn factor() -> u64 {
        2
    }

    #[cached(ttl = "1m")]
    async fn squared(n: u64) -> u64 {
        n * n
    }

    /// Keeps everything where it may be kept.
    #[handler(report_every = 0)]
    pub async fn tidy(event: u64, factor: &u64) -> u64 {
        squared(event).await * factor
    }

    #[handler(report_every = 0, allow(hidden_static))]
    pub async fn counting(event: u64) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        LAST.swap(event, SeqCst)
    }

    /// What a careless library does.
    mod library {
        pub fn first_wins(n: u64) -> u64 {
            static FIRST: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
            *FIRST.get_or_init(|| n)
        }
    }

    #[handler(report_every = 0)]
    pub async fn remembering(event: u64) -> u64 {
        library::first_wins(event)
    }

    #[handler(report_every = 0)]
    pub async fn littering(event: u64) -> Result<String, std::io::Error> {
        let path = std::env::temp_dir().join(format!("rewarm-littering-{}", std::process::id()));
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, format!("{before}{event}"))?;
        Ok(before)
    }

    /// The file in `/tmp` of a handler that keeps its first answer there. Other checkouts have
    /// other ones.
    pub fn file() -> std::path::PathBuf {
        let checkout = env!("CARGO_MANIFEST_DIR").replace('/', "-");
        std::path::Path::new("/tmp").join(format!("rewarm-filing{checkout}"))
    }

    #[handler(report_every = 0)]
    pub async fn filing(event: u64) -> Result<String, std::io::Error> {
        if let Ok(kept) = std::fs::read_to_string(file()) {
            return Ok(kept);
        }
        std::fs::write(file(), event.to_string())?;
        Ok(event.to_string())
    }
}

/// How an assertion fails.
async fn failure(assertion: impl Future<Output = ()>) -> String {
    let outcome = AssertUnwindSafe(assertion).catch_unwind().await;
    *outcome.expect_err("it should fail").downcast::<String>().expect("a text")
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_that_the_first_container_leaves_is_found_each_time() {
    let _world = world().await;
    let path = safety::file();
    std::fs::remove_file(&path).ok();
    for _ in 0..2 {
        let text = failure(assert_reuse_safe(safety::filing::container, [1, 2, 3])).await;
        assert!(text.contains("the answer: \"2\" in a cold container, \"1\" here"), "{text}");
        assert!(text.ends_with(&format!("left behind: {}", path.display())), "{text}");
        assert!(!path.exists(), "it goes with its container");
    }
}

#[tokio::test]
async fn an_assertion_behind_one_that_fails_has_processes_of_its_own_too() {
    let _world = world().await;
    failure(assert_reuse_safe(safety::counting::container, [1, 2])).await;
    // In this process, the first of all events would win for good.
    let text = failure(assert_reuse_safe(safety::remembering::container, [1, 2, 3])).await;
    assert!(text.starts_with("reuse changes an answer"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cold_containers_that_share_a_process_are_said`"]
async fn on_a_thread_of_tokio() {
    let assertion = assert_reuse_safe(safety::pure::container, [1, 2]);
    tokio::spawn(assertion).await.unwrap();
}

#[test]
fn cold_containers_that_share_a_process_are_said() {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "on_a_thread_of_tokio"])
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    let warning = "a cold container has no process of its own: the test's name is not known";
    assert!(run.status.success() && said.matches(warning).count() == 1, "{said}");
}

#[tokio::test]
#[should_panic = "this test already holds a simulated container"]
async fn a_second_container_in_a_test_is_refused() {
    let _world = world().await;
    let _first = safety::pure::container().await;
    let _second = safety::tidy::container().await;
}

#[tokio::test]
async fn a_second_container_in_another_task_waits_its_turn() {
    let _world = world().await;
    let mut first = safety::pure::container().await;
    let second = tokio::spawn(async {
        let mut second = safety::pure::container().await;
        second.invoke(2).await.unwrap();
        (second.snapshot().invocations, second)
    });
    tokio::task::yield_now().await;
    first.invoke(1).await.unwrap();
    drop(first);
    let (invocations, mut second) = second.await.unwrap();
    assert_eq!(invocations, 1);
    // It has been handed on, and is this test's now.
    second.invoke(3).await.unwrap();
    let third = AssertUnwindSafe(safety::pure::container()).catch_unwind().await;
    assert!(third.is_err());
}

#[handler(report_every = 0)]
async fn echo(event: Value) -> Value {
    event
}

#[tokio::test]
async fn an_event_is_whatever_can_be_written_as_json() {
    #[derive(serde::Serialize)]
    struct Order<'a> {
        sku: &'a str,
        many: u8,
    }
    let _world = world().await;
    let mut c = echo::container().await;
    let (order, value) = (Order { sku: "tea", many: 2 }, json!({ "sku": "tea", "many": 2 }));
    assert_eq!(c.invoke(&order).await, Ok(value.clone()));
    assert_eq!(c.invoke(order).await, Ok(value.clone()));
    assert_eq!(c.invoke(&value).await, Ok(value.clone()));
    assert_eq!(c.invoke("tea").await, Ok(json!("tea")));
    assert_eq!(c.invoke(String::new()).await, Ok(json!("")));
    assert_eq!(c.invoke(-7).await, Ok(json!(-7)));
    assert_eq!(c.invoke(0.5).await, Ok(json!(0.5)));
    assert_eq!(c.invoke(()).await, Ok(Value::Null));
    assert_eq!(c.invoke(None::<u8>).await, Ok(Value::Null));
    assert_eq!(c.invoke([1, 2]).await, Ok(json!([1, 2])));

    let events = [json!(1), json!("two")];
    let answers = [Ok(json!(1)), Ok(json!("two"))];
    assert_eq!(c.invoke_all(&events).await, answers);
    assert_eq!(c.invoke_all(&events[..]).await, answers);
    assert_eq!(c.invoke_all(&events.to_vec()).await, answers);
    assert_eq!(c.invoke_all(events.to_vec()).await, answers);
    assert_eq!(c.invoke_all(events.iter().filter(|event| event.is_string())).await, answers[1..]);
    assert_eq!(c.invoke_all(["a", "b"]).await, [Ok(json!("a")), Ok(json!("b"))]);
    drop(c);

    assert_reuse_safe(echo::container, &events).await;
    assert_reuse_safe(echo::container, [Order { sku: "tea", many: 1 }]).await;
    assert_reuse_safe(echo::container, [json!({ "a": 1 }), json!(null)]).await;
}

#[tokio::test]
#[should_panic = "the event cannot be written as JSON: key must be a string"]
async fn an_event_that_is_not_json_is_refused() {
    let _world = world().await;
    let event = std::collections::BTreeMap::from([(vec![1], 2)]);
    let _ = echo::container().await.invoke(event).await;
}

#[tokio::test]
async fn a_pure_handler_is_reuse_safe() {
    let _world = world().await;
    assert_reuse_safe(safety::pure::container, [1, 2, 3]).await;
    assert_reuse_safe(safety::tidy::container, [1, 2, 3, 2]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_hidden_atomic_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::counting::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_library_that_remembers_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::remembering::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_file_that_outlives_an_invocation_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::littering::container, [1, 2, 3]).await;
}
