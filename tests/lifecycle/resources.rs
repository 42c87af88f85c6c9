//! What becomes of resources: gaps, checks, rebuilds, restores, attempts that fail.

use super::*;

pub(crate) mod pool {
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
