//! Resources that need themselves.

use std::fmt::{Debug, Display};

use super::*;

mod cycle {
    use super::*;

    #[init(lazy)]
    pub async fn hen() -> Result<u32, ResourceError> {
        tokio::task::yield_now().await;
        Ok(*egg().await? + 1)
    }

    #[init(lazy)]
    pub async fn egg() -> Result<u32, ResourceError> {
        let (hen, _) = tokio::join!(hen(), tokio::task::yield_now());
        Ok(*hen? + 1)
    }

    #[init(lazy)]
    pub fn day() -> Result<u32, ResourceError> {
        Ok(*night()? + 1)
    }

    #[init(lazy)]
    pub fn night() -> Result<u32, ResourceError> {
        Ok(*day()? + 1)
    }

    #[cached(ttl = "1h")]
    pub async fn settings() -> Result<u32, Error> {
        flags("beta").await.map(u32::from)
    }

    #[cached(ttl = "1h")]
    pub async fn flags(name: &str) -> Result<bool, Error> {
        Ok(settings().await? > name.len() as u32)
    }

    #[cached(ttl = "1h")]
    pub fn ends(#[skip] left: u32, key: u8) -> Result<u32, ResourceError> {
        if left == 0 { Ok(u32::from(key)) } else { ends(left - 1, key) }
    }

    async fn ping(_: &u32) -> Result<(), ResourceError> {
        checks_itself().await.map(drop)
    }

    #[init(lazy, check = ping)]
    pub async fn checks_itself() -> u32 {
        1
    }
}

/// Statics that need each other.
mod statics {
    use rewarm::init;

    #[init(lazy)]
    pub static A: u32 = *B + 1;
    #[init(lazy)]
    pub static B: u32 = *A + 1;
}

#[handler(report_every = 0)]
async fn needs_statics(_: Value) -> u32 {
    *statics::A
}

#[handler(report_every = 0)]
async fn idle(_: Value) {}

/// Asserts that work which waits for itself fails at once and does not hang.
fn circular(outcome: Result<impl Debug, impl Display>) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("needs itself"), "{error}");
}

#[tokio::test]
async fn a_body_that_needs_itself_is_an_error() {
    let _turn = simulation().await;
    let _container = idle::container().await;
    use cycle::*;
    circular(hen().await.map_err(chain));
    circular(egg().await.map_err(chain));
    let (a, b) = tokio::join!(hen(), egg());
    circular(a.map_err(chain));
    circular(b.map_err(chain));
    circular(day().map_err(chain));
    circular(night().map_err(chain));
    circular(checks_itself().await.map_err(chain));
    circular(settings().await);
    circular(flags("beta").await);
    circular(ends(3, 7).map_err(chain));
}

#[tokio::test(flavor = "multi_thread")]
async fn cycles_are_found_across_threads() {
    let _turn = simulation().await;
    for _ in 0..50 {
        let _container = idle::container().await;
        use cycle::{day, egg, hen, night};
        let blocking = [
            tokio::task::spawn_blocking(|| day().is_err()),
            tokio::task::spawn_blocking(|| night().is_err()),
        ];
        let waiting = [
            tokio::spawn(async { hen().await.is_err() }),
            tokio::spawn(async { egg().await.is_err() }),
        ];
        for task in blocking.into_iter().chain(waiting) {
            assert!(task.await.unwrap());
        }
    }
}

#[tokio::test]
async fn statics_that_need_each_other_are_an_error() {
    let _turn = simulation().await;
    let mut c = needs_statics::container().await;
    let error = c.invoke(0).await.unwrap_err();
    assert_eq!(error.error_type, "ResourceUnavailable");
    assert!(error.error_message.ends_with("its initialiser needs itself"), "{error}");
}
