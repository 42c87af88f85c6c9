//! `#[init]`.

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
    assert_eq!(story(errors[0].clone()), format!("resource `db` is unavailable: refused: {CAUSE}"));
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
