//! No caller sees a new generation of a resource and then a dependent of the old one, and a usable
//! value is never taken away by a failure.

use super::*;

async fn let_others_run() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

mod chained {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    #[init(lazy)]
    pub(super) async fn chained_db() -> u32 {
        BUILDS.up()
    }

    #[init(lazy)]
    pub(super) async fn chained_repository(chained_db: &u32) -> u32 {
        let chained_db = *chained_db;
        GATE.acquire().await.unwrap().forget();
        chained_db
    }
}

#[tokio::test]
async fn who_asks_after_a_rebuild_gets_no_dependent_of_the_old_generation() {
    let _turn = outside_containers().await;
    use chained::{GATE, chained_db, chained_repository};
    // An attempt is busy with the first generation of `db`.
    let before = waiting(1, chained_repository).await;
    let_others_run().await;
    assert_eq!(*chained_db::rebuild().await.unwrap(), 2);
    let after = waiting(1, chained_repository).await;
    GATE.add_permits(2);
    assert_eq!(*all(before).await.remove(0).unwrap(), 1, "asked for before the rebuild");
    assert_eq!(*chained_db().await.unwrap(), 2);
    assert_eq!(*all(after).await.remove(0).unwrap(), 2);
}

mod raced {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn raced_db() -> u32 {
        BUILDS.up()
    }

    #[init(lazy)]
    pub(super) async fn raced_repository(raced_db: &u32) -> u32 {
        *raced_db
    }
}

#[test]
fn readers_beside_rebuilds_never_see_generations_go_back() {
    let _turn = outside_containers_blocking();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let readers = (0..4).map(|_| {
            tokio::spawn(async {
                for _ in 0..500 {
                    let db = *raced::raced_db().await.unwrap();
                    let repository = *raced::raced_repository().await.unwrap();
                    assert!(repository >= db, "the repository of {repository} after db {db}");
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        for _ in 0..200 {
            raced::raced_db::rebuild().await.unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
    });
}

mod written {
    use super::*;

    pub(super) static ROW: AtomicU64 = AtomicU64::new(1);
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    #[init(lazy)]
    pub(super) async fn row() -> u64 {
        let row = ROW.load(SeqCst);
        GATE.acquire().await.unwrap().forget();
        row
    }
}

#[tokio::test]
async fn a_rebuild_sees_what_was_written_before_the_call() {
    let _turn = outside_containers().await;
    use written::{GATE, ROW, row};
    let first = waiting(1, row::rebuild).await;
    let_others_run().await;
    ROW.store(2, SeqCst);
    let second = waiting(3, row::rebuild).await;
    GATE.add_permits(2);
    assert_eq!(*all(first).await.remove(0).unwrap(), 1);
    for rebuilt in all(second).await {
        assert_eq!(*rebuilt.unwrap(), 2, "one attempt for the three of them");
    }
}

mod failing {
    use super::*;

    pub(super) static IS_DOWN: AtomicBool = AtomicBool::new(false);
    pub(super) static CHECKS: Count = Count::new();

    async fn check(_: &u64) -> Result<(), Refused> {
        CHECKS.up();
        Ok(())
    }

    #[init(lazy, retry_after = "1h", check = check)]
    pub(super) async fn failing_db() -> Result<u64, Refused> {
        if IS_DOWN.load(SeqCst) { Err(Refused) } else { Ok(7) }
    }

    #[handler]
    pub(super) async fn app(_event: u64, failing_db: &u64) -> u64 {
        *failing_db
    }
}

#[tokio::test]
async fn a_failed_rebuild_takes_no_usable_value_away() {
    let _turn = simulation().await;
    use failing::{IS_DOWN, app, failing_db};
    IS_DOWN.store(false, SeqCst);
    let mut c = app::container().await;
    assert_eq!(c.invoke(0).await.unwrap(), 7);
    IS_DOWN.store(true, SeqCst);
    failing_db::rebuild().await.unwrap_err();
    assert_eq!(c.invoke(0).await.unwrap(), 7);
    c.idle(60 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), 7, "its check passes");
    IS_DOWN.store(false, SeqCst);
}

mod viewed {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn viewed_db() -> u32 {
        BUILDS.up()
    }

    #[init(lazy)]
    pub(super) async fn viewed_repository(viewed_db: &u32) -> u32 {
        *viewed_db
    }

    #[cached(ttl = "1h")]
    pub(super) async fn pairs(
        #[from(viewed_repository)] repository: &u32,
        #[from(viewed_db)] db: &u32,
        number: u64,
    ) -> (u32, u32) {
        let _ = number;
        (*repository, *db)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_resources_of_one_call_are_of_one_view() {
    let _turn = outside_containers().await;
    use viewed::{pairs, viewed_db};
    let rebuilding = tokio::spawn(async {
        for _ in 0..500 {
            viewed_db::rebuild().await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for number in 0.. {
        let (repository, db) = pairs(number).await;
        assert_eq!(repository, db, "in call {number}");
        if rebuilding.is_finished() {
            break;
        }
    }
    rebuilding.await.unwrap();
}

mod shared_rebuild {
    use super::*;

    pub(super) static IS_UP: AtomicBool = AtomicBool::new(true);

    async fn ping(_: &u64) -> Result<(), Error> {
        Ok(())
    }

    #[init(lazy, check = ping, idle = "30s")]
    pub(super) async fn rebuilt_by_another() -> Result<u64, Error> {
        tokio::task::yield_now().await;
        match IS_UP.load(SeqCst) {
            true => Ok(1),
            false => Err(Error::msg("no more connections")),
        }
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(event: String) -> Result<u64, Error> {
        Ok(match event.as_str() {
            "rebuild" => *rebuilt_by_another::rebuild().await?,
            _ => *rebuilt_by_another().await?,
        })
    }
}

#[tokio::test]
async fn the_failed_rebuild_of_another_caller_takes_no_usable_value_away() {
    let _turn = simulation().await;
    let mut c = shared_rebuild::app::container().await;
    c.invoke("use").await.unwrap();
    c.idle(60 * SECOND);
    shared_rebuild::IS_UP.store(false, SeqCst);
    let responses = c.invoke_all(["rebuild", "use", "use"]).await;
    assert!(responses[0].is_err());
    assert_eq!(responses[1..], [Ok(json!(1)), Ok(json!(1))]);
}

mod through_a_cache {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static IS_ALIVE: AtomicBool = AtomicBool::new(true);

    async fn alive(_: &u32) -> Result<(), Error> {
        match IS_ALIVE.swap(true, SeqCst) {
            true => Ok(()),
            false => Err(Error::msg("the connection is dead")),
        }
    }

    #[init(lazy, check = alive, idle = "1s")]
    pub(super) async fn dying_pool() -> u32 {
        BUILDS.up()
    }

    #[cached(ttl = "1h")]
    pub(super) async fn session(#[from] dying_pool: &u32) -> u32 {
        *dying_pool
    }

    #[init(lazy)]
    pub(super) async fn of_session(session: &u32) -> u32 {
        *session
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(
        _event: Value,
        dying_pool: &u32,
        of_session: &u32,
        session: u32,
    ) -> [u32; 3] {
        [*dying_pool, session, *of_session]
    }
}

#[tokio::test]
async fn a_cached_value_is_not_older_than_what_it_is_built_from() {
    let _turn = simulation().await;
    use through_a_cache::{IS_ALIVE, app, dying_pool, session};
    let mut c = app::container().await;
    let first = c.invoke(0).await.unwrap();
    c.idle(60 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), first, "the check passes");
    assert_eq!(session::stats().loads, 1, "an idle gap alone fetches nothing again");
    c.idle(60 * SECOND);
    IS_ALIVE.store(false, SeqCst);
    let second = first[0].as_u64().unwrap() + 1;
    assert_eq!(c.invoke(0).await.unwrap(), json!([second, second, second]));
    dying_pool::rebuild().await.unwrap();
    let third = second + 1;
    assert_eq!(c.invoke(0).await.unwrap(), json!([third, third, third]));
}
