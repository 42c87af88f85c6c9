//! An attempt ends whatever user code in it does.

use std::fmt;

use super::*;

/// An error that cannot be displayed.
#[derive(Debug)]
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl StdError for Mute {}

/// A value whose destructor panics.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

mod mute {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    async fn check(_: &u32) -> Result<(), Mute> {
        Err(Mute)
    }

    #[init(lazy, check = check)]
    pub(super) async fn unchecked() -> u32 {
        BUILDS.up()
    }
}

#[tokio::test]
async fn an_error_that_cannot_be_displayed_fails_one_attempt() {
    let _turn = outside_containers().await;
    let error = chain(mute::unchecked().await.unwrap_err());
    assert!(error.contains("its check failed: an error that cannot be displayed"), "{error}");
    assert_eq!(mute::BUILDS.get(), 1, "there was one attempt");
}

mod bombs {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    async fn check(_: &Bomb) -> Result<(), Refused> {
        Err(Refused)
    }

    #[init(lazy, check = check)]
    pub(super) async fn unchecked() -> Bomb {
        BUILDS.up();
        Bomb
    }

    #[init(lazy, timeout = "10ms")]
    pub(super) async fn slow() -> u32 {
        let _bomb = Bomb;
        std::future::pending().await
    }

    #[init(lazy)]
    pub(super) async fn replaced() -> Bomb {
        Bomb
    }

    #[init(lazy)]
    pub(super) async fn dependent(replaced: &Bomb) -> u32 {
        let _ = replaced;
        DEPENDENTS.up()
    }

    pub(super) static DEPENDENTS: Count = Count::new();
}

#[tokio::test]
async fn a_destructor_that_panics_fails_one_attempt_or_none() {
    let _turn = outside_containers().await;
    let error = chain(bombs::unchecked().await.unwrap_err());
    assert!(error.contains("its check failed"), "{error}");
    assert_eq!(bombs::BUILDS.get(), 1, "there was one attempt");
    let error = chain(bombs::slow().await.unwrap_err());
    assert!(error.contains("not ready after 10ms"), "{error}");

    assert_eq!(*bombs::dependent().await.unwrap(), 1);
    std::mem::forget(bombs::replaced::rebuild().await.unwrap());
    assert_eq!(*bombs::dependent().await.unwrap(), 2, "the dependent was marked stale");
    std::mem::forget(bombs::replaced().await.unwrap());
}

mod panicking {
    use super::*;

    #[cached(ttl = "5m")]
    pub(super) async fn key() -> Result<String, Error> {
        panic!("no key")
    }

    #[init(lazy)]
    pub(super) async fn needs_key(key: &String) -> String {
        key.clone()
    }
}

#[tokio::test]
async fn a_panic_in_a_cached_dependency_is_an_error() {
    let _turn = outside_containers().await;
    let error = chain(panicking::needs_key().await.unwrap_err());
    assert!(error.contains("resource `key` is unavailable: panicked: no key"), "{error}");
}

mod queued {
    use super::*;

    #[init(lazy)]
    pub(super) fn third() -> u32 {
        3
    }

    #[init(lazy)]
    pub(super) fn first() -> u32 {
        std::thread::sleep(Duration::from_millis(50));
        *third().unwrap() - 2
    }

    #[init(lazy)]
    pub(super) fn second() -> u32 {
        std::thread::sleep(Duration::from_millis(50));
        *third().unwrap() - 1
    }

    #[init(lazy)]
    pub(super) async fn sum(first: &u32, second: &u32, third: &u32) -> u32 {
        first + second + third
    }
}

#[test]
fn initialisers_that_do_not_await_cannot_starve_one_another() {
    let _turn = outside_containers_blocking();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(2)
        .build()
        .unwrap();
    assert_eq!(*runtime.block_on(queued::sum()).unwrap(), 6);
}
