//! `check` and `idle`.

use super::pool::{note, notes};
use super::*;

#[tokio::test]
async fn a_check_runs_after_an_idle_gap_before_the_handler() {
    let _turn = simulation().await;
    pool::reset();
    let mut c = pool::app::container().await;
    let (first, repository) = pair(c.invoke(0).await);
    notes();

    c.idle(60 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (first, repository));
    assert_eq!(notes(), ["deferred"], "a gap of exactly `idle` needs no check");

    c.idle(61 * SECOND);
    assert_eq!(pair(c.invoke(0).await), (first, repository));
    assert_eq!(notes(), [format!("check {first}"), "deferred".to_owned()]);

    pool::ALIVE.store(false, SeqCst);
    c.idle_wall(61 * SECOND);
    let (second, rebuilt) = pair(c.invoke(0).await);
    assert_eq!((second, rebuilt), (2, 200), "the next generation and its dependent");
    assert_eq!(
        notes(),
        [
            format!("check {first}"),
            "build 2".to_owned(),
            "check 2".to_owned(),
            "repository on 2".to_owned(),
            // After the response: the deferred work, and then the replaced values.
            "deferred".to_owned(),
            "close repository".to_owned(),
            format!("close {first}"),
        ]
        .map(|text| text.to_owned())
    );
    c.shutdown().await;
    assert_eq!(notes(), ["close repository", "close 2"], "dependents first");
}

#[tokio::test]
async fn a_failed_check_rebuilds_once_for_concurrent_invocations() {
    let _turn = simulation().await;
    pool::reset();
    let mut c = pool::app::container().await;
    pool::ALIVE.store(false, SeqCst);
    c.idle(120 * SECOND);
    notes();
    for response in c.invoke_all([0; 8]).await {
        assert_eq!(pair(response), (2, 200));
    }
    let builds = notes().iter().filter(|note| note.starts_with("build")).count();
    assert_eq!(builds, 1);
}

/// Resources with and without a check, and counts of their checks.
mod checked {
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
        ["base", "client", "alone", "table", "kept"].map(|name| generation(&resources, name))
    }
}

#[tokio::test]
async fn a_resource_is_checked_once_per_reason() {
    let _turn = simulation().await;
    let mut c = checked::app::container().await;
    c.invoke(0).await.unwrap();
    assert_eq!(checked::generations(), [1; 5]);
    c.restore().await.unwrap();
    assert_eq!(
        checked::generations(),
        [2, 2, 1, 1, 1],
        "a restore keeps `table`, which does not await"
    );
    for _ in 0..3 {
        c.invoke(0).await.unwrap();
    }
    assert_eq!(checked::generations(), [2, 2, 1, 1, 1]);

    checked::base::rebuild().await.unwrap();
    c.invoke(0).await.unwrap();
    c.invoke(0).await.unwrap();
    assert_eq!(checked::generations(), [3, 3, 1, 1, 1]);

    checked::alone::rebuild().await.unwrap();
    assert!(checked::client::get().is_some(), "it is not built from `alone`");

    let before = checked::CHECKS.load(SeqCst);
    checked::GOOD.store(false, SeqCst);
    c.idle(60 * SECOND);
    c.invoke(0).await.unwrap();
    assert_eq!(checked::generations()[2], 3, "`alone` failed its check");
    let checks = checked::CHECKS.load(SeqCst);
    assert_eq!(checks - before, 3, "each once, and the next generation of `alone`");
    c.invoke(0).await.unwrap();
    assert_eq!(checked::CHECKS.load(SeqCst), checks, "no gap, no check");
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
async fn a_value_that_fails_its_first_check_is_not_used() {
    let _turn = simulation().await;
    pool::reset();
    let _c = pool::app::container().await;
    notes();
    for _ in 0..2 {
        let error = rewarm::Error::from(doomed::doomed().await.unwrap_err()).to_string();
        assert_eq!(error, "resource `doomed` is unavailable: its check failed: not good enough");
        assert_eq!(notes(), ["doomed is built"], "each use tries once");
        assert!(doomed::doomed::get().is_none());
    }
}

/// An expired value whose destructor invokes the function again, in the same moment.
mod same_moment {
    use lambda_runtime::LambdaEvent;
    use tower::Service;

    use super::*;

    pub static CHECKS: AtomicU64 = AtomicU64::new(0);
    pub static SECOND_SAW: AtomicU64 = AtomicU64::new(0);

    async fn ping(_: &u64) -> Result<(), Error> {
        CHECKS.fetch_add(1, SeqCst);
        Ok(())
    }

    #[init(check = ping)]
    pub async fn checked_connection() -> u64 {
        1
    }

    #[derive(Clone)]
    pub struct Expiring(#[expect(dead_code, reason = "dropped")] Arc<Inner>);

    pub struct Inner;

    impl Drop for Inner {
        fn drop(&mut self) {
            let second = std::thread::spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let event = LambdaEvent::new(Value::Null, Default::default());
                runtime.unwrap().block_on(app::service().call(event)).unwrap()
            });
            let response = second.join().unwrap();
            SECOND_SAW.store(response.get().parse().unwrap(), SeqCst);
        }
    }

    #[cached(ttl = "10s", jitter = "0%")]
    async fn expiring() -> Expiring {
        Expiring(Arc::new(Inner))
    }

    /// Returns the number of checks before it uses the connection.
    #[handler(report_every = 0)]
    pub async fn app(event: Value, checked_connection: &u64) -> u64 {
        assert_eq!(*checked_connection, 1);
        if event == "fetch" {
            expiring().await;
        }
        CHECKS.load(SeqCst)
    }
}

#[tokio::test]
async fn a_second_invocation_in_the_same_moment_sees_no_unchecked_connection() {
    let _turn = simulation().await;
    let mut c = same_moment::app::container().await;
    let checks = c.invoke("fetch").await.unwrap().as_u64().unwrap();
    c.idle(61 * SECOND);
    assert_eq!(c.invoke("").await.unwrap(), checks + 1);
    let second_saw = same_moment::SECOND_SAW.load(SeqCst);
    assert_eq!(second_saw, checks + 1, "checked in the second invocation");
}
