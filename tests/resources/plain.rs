//! Initialisers that do not await, and take resources as parameters.

use std::sync::mpsc;
use std::thread;

use super::*;

mod chain_of {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    #[init(lazy)]
    pub(super) async fn config() -> u32 {
        GATE.acquire().await.unwrap().forget();
        7
    }

    #[init(lazy)]
    pub(super) fn factor() -> u32 {
        10
    }

    #[init(lazy)]
    pub(super) static NAME: String = "api_client".to_owned();

    #[init(lazy)]
    pub(super) fn api_client(
        config: &u32,
        factor: Arc<u32>,
        #[from(NAME)] name: &String,
    ) -> String {
        BUILDS.up();
        format!("{name} {}", config * *factor)
    }

    #[init(lazy)]
    pub(super) async fn service(api_client: &String) -> String {
        format!("service of {api_client}")
    }
}

#[tokio::test]
async fn a_plain_fn_takes_resources() {
    let _turn = outside_containers().await;
    use chain_of::{BUILDS, GATE, api_client, config, service};
    // This thread is the only one of the runtime: a wait for `config` would never end.
    let error = api_client().unwrap_err();
    assert_eq!(error.resource(), "api_client");
    assert_eq!(
        chain(error),
        "resource `api_client` is unavailable: resource `config` is unavailable: it is not ready, and \
         only a caller that awaits can wait for it; take it as a parameter, or await `config` before"
    );
    assert_eq!(BUILDS.get(), 0);

    // An attempt waits for `config`: a caller that blocks cannot.
    let services = waiting(3, service).await;
    tokio::task::yield_now().await;
    assert!(chain(api_client().unwrap_err()).contains("`config` is unavailable: it is not ready"));
    GATE.add_permits(1);
    for service in all(services).await {
        assert_eq!(*service.unwrap(), "service of api_client 70");
    }
    assert_eq!(*api_client().unwrap(), "api_client 70");
    assert_eq!(BUILDS.get(), 1);

    // A rebuild of what it is built from rebuilds it.
    GATE.add_permits(1);
    config::rebuild().await.unwrap();
    assert_eq!(*api_client().unwrap(), "api_client 70");
    assert_eq!(BUILDS.get(), 2);
    api_client::rebuild().await.unwrap();
    assert_eq!(BUILDS.get(), 3);
    assert_eq!(*service().await.unwrap(), "service of api_client 70");
    assert_eq!(BUILDS.get(), 3);
}

mod blocked {
    use super::*;

    #[init(lazy)]
    pub(super) fn root() -> u32 {
        1
    }

    #[init(lazy)]
    pub(super) fn left(root: &u32) -> u32 {
        root + 1
    }

    #[init(lazy)]
    pub(super) fn right(root: &u32, left: &u32) -> u32 {
        root + left
    }

    #[init(lazy)]
    pub(super) static TOP: u32 = *right()? + *left()?;
}

#[test]
fn resources_that_do_not_await_need_no_runtime() {
    let _turn = outside_containers_blocking();
    use blocked::{TOP, right};
    thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| assert_eq!(*right().unwrap(), 3));
            threads.spawn(|| assert_eq!(*TOP, 5));
        }
    });
}

#[tokio::test]
async fn a_blocking_caller_takes_over_an_attempt_that_waits() {
    let _turn = outside_containers().await;
    #[init(lazy)]
    fn number() -> u32 {
        1
    }
    #[init(lazy)]
    fn doubled(number: &u32) -> u32 {
        2 * number
    }

    // The attempt has begun in a task that this thread does not poll while it blocks.
    let calls = waiting(2, doubled::rebuild).await;
    assert_eq!(*doubled().unwrap(), 2);
    for call in all(calls).await {
        assert_eq!(*call.unwrap(), 2);
    }
}

mod failing {
    use super::*;

    pub(super) static IS_DOWN: AtomicBool = AtomicBool::new(true);

    #[init(lazy, retry_after = "30s")]
    pub(super) fn origin() -> Result<u32, Refused> {
        if IS_DOWN.load(SeqCst) { Err(Refused) } else { Ok(1) }
    }

    #[init(lazy)]
    pub(super) fn above(origin: &u32) -> Result<u32, std::num::ParseIntError> {
        format!("{origin}").parse()
    }

    #[init(lazy)]
    pub(super) fn panics(above: &u32) -> u32 {
        assert!(*above > 1, "{above} is too small");
        *above
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value, above: &u32) -> u32 {
        *above
    }
}

#[tokio::test(start_paused = true)]
async fn errors_name_the_chain() {
    let _turn = simulation().await;
    use failing::{IS_DOWN, above, app, panics};
    let mut c = app::container().await;
    let message = format!(
        "resource `above` is unavailable: resource `origin` is unavailable: refused: {}",
        Refused::CAUSE
    );
    assert_eq!(chain(above().unwrap_err()), message);
    assert_eq!(c.invoke(0).await.unwrap_err().error_message, message);
    IS_DOWN.store(false, SeqCst);
    assert_eq!(c.invoke(0).await.unwrap_err().error_message, message, "it is remembered");
    c.idle(31 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    let text = chain(panics().unwrap_err());
    assert!(
        text.starts_with("resource `panics` is unavailable: panicked: 1 is too small"),
        "{text}"
    );
}

mod generations_of {
    use super::*;

    pub(super) static BUILT: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn db() -> u32 {
        tokio::task::yield_now().await;
        BUILT.up()
    }

    #[init(lazy)]
    pub(super) fn catalogue(db: &u32) -> u32 {
        *db
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value, db: &u32, catalogue: &u32) -> (u32, u32) {
        (*db, *catalogue)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_caller_has_a_dependent_of_an_older_generation() {
    let _turn = simulation().await;
    use generations_of::{app, catalogue, db};
    let _container = app::container().await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn(async {
                for _ in 0..200 {
                    let seen = *db().await.unwrap();
                    match tokio::task::spawn_blocking(catalogue).await.unwrap() {
                        Ok(value) => assert!(*value >= seen, "{value} after {seen}"),
                        Err(error) => {
                            assert!(chain(error).contains("`db` is unavailable: it is not ready"))
                        }
                    }
                }
            })
        })
        .collect();
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn(async {
                for _ in 0..200 {
                    let seen = *db().await.unwrap();
                    assert!(*catalogue::rebuild().await.unwrap() >= seen);
                }
            })
        })
        .collect();
    for _ in 0..100 {
        db::rebuild().await.unwrap();
    }
    for task in readers.into_iter().chain(waiters) {
        task.await.unwrap();
    }
}

/// More of them than the blocking pool has threads.
#[test]
fn callers_on_all_threads_of_the_pool_wait_for_one_another() {
    let _turn = outside_containers_blocking();
    #[init(lazy)]
    fn ground() -> u32 {
        1
    }
    #[init(lazy)]
    fn house(ground: &u32) -> u32 {
        *ground
    }
    #[init(lazy)]
    async fn street(house: &u32) -> u32 {
        *house
    }

    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    (tokio::spawn(street()), tokio::task::spawn_blocking(|| house().map(|it| *it)))
                })
                .collect();
            for (street, house) in tasks {
                assert_eq!(*street.await.unwrap().unwrap(), 1);
                assert_eq!(house.await.unwrap().unwrap(), 1);
            }
        });
        done.send(()).unwrap();
    });
    result.recv_timeout(10 * SECOND).expect("they do not wait for one another for ever");
}

mod cache {
    use super::*;

    pub(super) static FETCHES: Count = Count::new();

    #[cached(ttl = "1m", jitter = "0%")]
    pub(super) async fn settings() -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(FETCHES.up())
    }

    #[init(lazy)]
    pub(super) async fn pool() -> u32 {
        tokio::task::yield_now().await;
        100
    }

    #[cached(ttl = "1h", jitter = "0%")]
    pub(super) fn limit(#[from] pool: &u32, #[from] settings: &u32) -> Result<u32, Error> {
        Ok(pool + settings)
    }

    #[cached(ttl = "1h", jitter = "0%")]
    pub(super) fn price(#[from] pool: Arc<u32>, sku: &str) -> Result<u32, Error> {
        Ok(*pool + sku.len() as u32)
    }

    #[init(lazy)]
    pub(super) fn report(limit: &u32) -> String {
        format!("at most {limit}")
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(
        sku: String,
        limit: u32,
        report: &String,
    ) -> Result<(u32, u32, String), Error> {
        Ok((limit, price(&sku)?, report.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_cached_function_takes_resources() {
    let _turn = simulation().await;
    use cache::{FETCHES, app, limit, pool, price, settings};
    let mut c = app::container().await;
    let error = price("tea").unwrap_err().to_string();
    assert!(error.starts_with("resource `pool` is unavailable: it is not ready"), "{error}");
    assert!(limit().is_err());
    assert_eq!(FETCHES.get(), 0);
    let response = c.invoke("tea").await.unwrap();
    assert_eq!(response, json!([101, 103, "at most 101"]));
    assert_eq!(price("coffee").unwrap(), 106);
    assert_eq!(limit().unwrap(), 101);
    settings::refresh().await.unwrap();
    c.idle(2 * 3600 * SECOND);
    // Both have expired: `limit` waits for `settings`.
    let response = c.invoke("tea").await.unwrap();
    assert_eq!(response[0], 100 + FETCHES.get());
    pool::rebuild().await.unwrap();
    assert_eq!(c.invoke("tea").await.unwrap()[0], response[0]);
}
