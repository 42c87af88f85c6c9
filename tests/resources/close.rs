//! `close` runs once for each value, whatever became of the value.

use std::fmt;
use std::sync::Mutex;

use super::*;

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(text: String) {
    NOTES.lock().unwrap().push(text);
}

fn notes() -> Vec<String> {
    std::mem::take(&mut NOTES.lock().unwrap())
}

/// An error whose destructor panics.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad")
    }
}

impl StdError for Bomb {}

mod checked {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    async fn check(value: &u32) -> Result<(), Bomb> {
        if *value == 1 { Err(Bomb) } else { Ok(()) }
    }

    async fn close(value: &u32) {
        note(format!("close {value}"));
    }

    #[init(lazy, check = check, close = close)]
    pub(super) async fn badly_checked() -> u32 {
        BUILDS.up()
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value) -> Result<u32, Error> {
        Ok(*badly_checked().await?)
    }
}

#[tokio::test]
async fn a_value_that_failed_its_check_is_closed_after_the_response() {
    let _turn = simulation().await;
    notes();
    let mut c = checked::app::container().await;
    let error = c.invoke(0).await.unwrap_err();
    assert!(error.error_message.contains("its check failed: bad"), "{}", error.error_message);
    assert_eq!(notes(), ["close 1"]);
    assert_eq!(c.invoke(0).await.unwrap(), 2);
    c.shutdown().await;
    assert_eq!(notes(), ["close 2"]);
}

mod recovered {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static CHECKS: Count = Count::new();

    async fn check(_: &u32) -> Result<(), Refused> {
        // After the idle gap it fails, and after the rebuild that failed it passes again.
        if CHECKS.up() == 2 { Err(Refused) } else { Ok(()) }
    }

    #[init(lazy, check = check)]
    pub(super) async fn flaky() -> Result<u32, Bomb> {
        match BUILDS.up() {
            1 => Ok(1),
            _ => Err(Bomb),
        }
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value) -> Result<u32, Error> {
        Ok(*flaky().await?)
    }
}

#[tokio::test]
async fn a_value_that_recovered_is_used_whatever_the_error_of_its_rebuild_does() {
    let _turn = simulation().await;
    let mut c = recovered::app::container().await;
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    c.idle(60 * SECOND);
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    assert_eq!((recovered::BUILDS.get(), recovered::CHECKS.get()), (2, 3));
}

mod slow {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    async fn close(value: &u32) {
        GATE.acquire().await.unwrap().forget();
        note(format!("close {value}"));
    }

    #[init(lazy, close = close)]
    pub(super) async fn slowly_closed() -> u32 {
        BUILDS.up()
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(event: Value) -> u32 {
        if event == "rebuild" {
            slowly_closed::rebuild().await.unwrap();
        }
        *slowly_closed().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_that_a_deadline_cuts_off_goes_on() {
    let _turn = simulation().await;
    notes();
    let mut c = slow::app::container().await;
    assert_eq!(c.invoke("").await.unwrap(), 1);
    // The handler has 250 ms less.
    c.deadline(Duration::from_millis(320));
    assert_eq!(c.invoke("rebuild").await.unwrap(), 2);
    assert_eq!(notes(), [""; 0], "it had no time before the deadline");
    slow::GATE.add_permits(2);
    c.shutdown().await;
    let mut closed = notes();
    closed.sort();
    assert_eq!(closed, ["close 1", "close 2"]);
}

mod hanging {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    async fn close(value: &u32) {
        note(format!("close {value}"));
        if *value < 3 {
            std::future::pending::<()>().await;
        }
    }

    #[init(lazy, close = close)]
    pub(super) async fn never_closed() -> u32 {
        BUILDS.up()
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value) -> u32 {
        rewarm::defer(async { note("deferred".to_owned()) });
        never_closed::rebuild().await.unwrap();
        *never_closed().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_that_hangs_is_given_up_and_holds_up_neither_deferred_work_nor_other_values() {
    let _turn = simulation().await;
    notes();
    let mut c = hanging::app::container().await;
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    assert_eq!(notes(), ["deferred"]);
    assert_eq!(c.invoke(0).await.unwrap(), 2);
    assert_eq!(notes(), ["deferred", "close 1"]);
    // Without a limit, as in the local runner.
    c.deadline(Duration::MAX);
    assert_eq!(c.invoke(0).await.unwrap(), 3);
    assert_eq!(notes(), ["deferred", "close 2"]);
    c.shutdown().await;
    assert_eq!(notes(), ["close 3"], "no value is closed twice");
}

mod late {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static GATE: Semaphore = Semaphore::const_new(0);

    async fn close_below(_: &u32) {
        GATE.add_permits(1);
        tokio::time::sleep(Duration::from_millis(10)).await;
        note("close below".to_owned());
    }

    #[init(lazy, close = close_below)]
    pub(super) async fn below() -> u32 {
        0
    }

    async fn close(value: &u32) {
        note(format!("close {value}"));
    }

    #[init(lazy, close = close)]
    pub(super) async fn built_late(below: &u32) -> u32 {
        let build = below + BUILDS.up();
        if build == 2 {
            GATE.acquire().await.unwrap().forget();
        }
        build
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value) -> u32 {
        *built_late().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_built_during_shutdown_is_closed_and_the_one_before_it_once() {
    let _turn = simulation().await;
    notes();
    let mut c = late::app::container().await;
    assert_eq!(c.invoke(0).await.unwrap(), 1);
    let rebuild = tokio::spawn(late::built_late::rebuild());
    while late::BUILDS.get() < 2 {
        tokio::task::yield_now().await;
    }
    c.shutdown().await;
    assert_eq!(notes(), ["close 1", "close below", "close 2"]);
    drop(rebuild);
}
