//! Concurrent callers share one attempt to build a resource.

use std::future::poll_fn;
use std::task::Poll;

use super::*;

mod shared {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    #[init(lazy)]
    pub(super) async fn db() -> u32 {
        GATE.acquire().await.unwrap().forget();
        BUILDS.up()
    }
}

#[tokio::test]
async fn concurrent_callers_share_one_attempt() {
    let _turn = outside_containers().await;
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

    #[init(lazy)]
    pub(super) async fn db() -> Result<u32, Refused> {
        let build = BUILDS.up();
        GATE.acquire().await.unwrap().forget();
        Ok(build)
    }
}

#[tokio::test]
async fn a_cancelled_caller_does_not_restart_the_attempt() {
    let _turn = outside_containers().await;
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
async fn waiting_callers_share_an_error_and_the_next_use_tries_again() {
    let _turn = outside_containers().await;
    use failing::{ATTEMPTS, GATE, api, db};
    let calls = waiting(8, db).await;
    let dependents = waiting(2, api).await;
    tokio::task::yield_now().await; // so that they wait for the attempt of `db`
    GATE.add_permits(1);
    let errors: Vec<_> = all(calls).await.into_iter().map(Result::unwrap_err).collect();
    let first = errors[0].source().unwrap();
    for error in &errors {
        assert_eq!(error.resource(), "db");
        assert!(std::ptr::addr_eq(error.source().unwrap(), first));
    }
    assert_eq!(
        chain(errors[0].clone()),
        format!("resource `db` is unavailable: refused: {}", Refused::CAUSE)
    );
    for outcome in all(dependents).await {
        assert_eq!(
            chain(outcome.unwrap_err()),
            format!(
                "resource `api` is unavailable: resource `db` is unavailable: refused: {}",
                Refused::CAUSE
            )
        );
    }
    assert_eq!(ATTEMPTS.get(), 1);
    assert!(db::get().is_none());

    GATE.add_permits(8);
    assert_eq!(*api().await.unwrap(), 2);
    assert_eq!(*db().await.unwrap(), 2);
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
}

#[tokio::test]
async fn concurrent_uses_share_an_attempt_that_fails_at_once() {
    let _turn = simulation().await;
    let mut c = attempts::app::container().await;
    let error = c.invoke(0).await.unwrap_err();
    assert!(error.error_message.ends_with("`broken` is unavailable: down"), "{error}");
    assert_eq!(attempts::MADE.load(SeqCst), 1);
}

mod blocking {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    #[init(lazy)]
    pub(super) fn pattern() -> std::io::Result<u32> {
        Ok(BUILDS.up())
    }

    #[init(lazy)]
    pub(super) async fn matcher(pattern: &u32) -> u32 {
        10 * pattern
    }
}

#[test]
fn threads_share_an_attempt_of_a_plain_function() {
    let _turn = outside_containers_blocking();
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
async fn a_task_without_budget_does_not_hang() {
    let _turn = outside_containers().await;
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
