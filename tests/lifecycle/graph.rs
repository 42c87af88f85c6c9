//! Resources that are built from each other: a failure, a cancelled caller or a circle at each place
//! of the graph.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use rewarm::{Error, ResourceError, cached, handler, init};
use serde_json::{Value, json};

use super::world;

/// The bodies that ran, since it was last asked.
static RAN: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn ran() -> Vec<&'static str> {
    let mut ran = std::mem::take(&mut *RAN.lock().unwrap());
    ran.sort_unstable();
    ran
}

/// How the resource of that name fails.
static FAULT: Mutex<Option<(&str, Fault)>> = Mutex::new(None);

#[derive(Clone, Copy, Debug)]
enum Fault {
    Error,
    Panic,
    Hang,
}

/// The body of each resource: a few awaits, and the fault if it is this one's turn.
async fn made(name: &'static str) -> Result<u32, Error> {
    RAN.lock().unwrap().push(name);
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    let fault = FAULT.lock().unwrap().filter(|(faulty, _)| *faulty == name);
    match fault {
        None => Ok(1),
        Some((_, Fault::Error)) => Err(Error::msg("out of order")),
        Some((_, Fault::Panic)) => panic!("out of order"),
        Some((_, Fault::Hang)) => std::future::pending().await,
    }
}

#[init(retry_after = "30s", timeout = "2s")]
async fn cellar() -> Result<u32, Error> {
    made("cellar").await
}

#[init(retry_after = "30s", timeout = "2s")]
async fn left(cellar: &u32) -> Result<u32, Error> {
    Ok(cellar + made("left").await?)
}

#[init(retry_after = "30s", timeout = "2s")]
async fn right(cellar: &u32) -> Result<u32, Error> {
    Ok(cellar + made("right").await?)
}

#[init(retry_after = "30s", timeout = "2s")]
async fn roof(left: &u32, right: &u32) -> Result<u32, Error> {
    Ok(left + right + made("roof").await?)
}

/// Each resource, what it is built from (itself included), and what it is.
const HOUSE: [(&str, &[&str], u32); 4] = [
    ("cellar", &["cellar"], 1),
    ("left", &["left", "cellar"], 2),
    ("right", &["right", "cellar"], 2),
    ("roof", &["roof", "left", "right", "cellar"], 5),
];

#[handler(report_every = 0)]
async fn house(which: String) -> Result<u32, ResourceError> {
    Ok(*match which.as_str() {
        "cellar" => cellar().await,
        "left" => left().await,
        "right" => right().await,
        _ => roof().await,
    }?)
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_each_place_stops_what_is_built_on_it_and_nothing_else() {
    let _turn = world().await;
    for (faulty, ..) in HOUSE {
        for fault in [Fault::Error, Fault::Panic, Fault::Hang] {
            *FAULT.lock().unwrap() = Some((faulty, fault));
            ran();
            let mut c = house::container().await;
            for round in ["in INIT", "while it is remembered"] {
                for (name, from, value) in HOUSE {
                    let answer = c.invoke(name).await;
                    let case = format!("{faulty} {fault:?}, {name} {round}: {answer:?}");
                    if !from.contains(&faulty) {
                        assert_eq!(answer, Ok(json!(value)), "{case}");
                        continue;
                    }
                    let error = answer.expect_err(&case);
                    assert_eq!(error.error_type, "ResourceError", "{case}");
                    assert!(error.error_message.contains(faulty), "{case}");
                    let reason = match fault {
                        Fault::Hang => "not ready after 2s",
                        _ => "out of order",
                    };
                    assert!(error.error_message.contains(reason), "{case}");
                }
            }
            let mut expected: Vec<&str> = HOUSE
                .iter()
                .filter(|(name, from, _)| *name == faulty || !from.contains(&faulty))
                .map(|(name, ..)| *name)
                .collect();
            expected.sort_unstable();
            assert_eq!(ran(), expected, "{faulty} {fault:?}: each once, none in vain");

            *FAULT.lock().unwrap() = None;
            c.idle(Duration::from_secs(31));
            for (name, _, value) in HOUSE {
                assert_eq!(c.invoke(name).await, Ok(json!(value)), "{faulty} {fault:?}, {name}");
            }
        }
    }
}

/// Polls a call so often, with whatever else there is to be done in between, and drops it.
async fn cancelled_after(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    for _ in 0..polls {
        let done = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
        if done {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[init(lazy)]
async fn attic(left: &u32, ladder: u32) -> Result<u32, Error> {
    Ok(left + ladder + made("attic").await?)
}

#[cached(ttl = "1h")]
async fn ladder() -> Result<u32, Error> {
    made("ladder").await
}

#[cached(ttl = "1h")]
async fn room(#[from] attic: &u32, n: u32) -> Result<u32, Error> {
    Ok(attic + n + made("room").await?)
}

#[handler(report_every = 0)]
async fn climb(n: u32, attic: &u32) -> Result<u32, Error> {
    Ok(room(n).await? + attic)
}

#[tokio::test(start_paused = true)]
async fn a_caller_cancelled_at_any_point_changes_nothing() {
    let _turn = world().await;
    for polls in 0..40 {
        let c = climb::container().await;
        ran();
        cancelled_after(polls, attic()).await;
        assert_eq!(*attic().await.unwrap(), 4);
        assert_eq!(
            c.snapshot().resources.iter().find(|r| r.name == "attic").unwrap().generation,
            1
        );
        cancelled_after(polls, room(7)).await;
        cancelled_after(polls, room::refresh(8)).await;
        assert_eq!(room(7).await.unwrap(), 12);
        assert_eq!(ran().iter().filter(|name| **name == "attic").count(), 1, "{polls} polls");
        let stats = room::stats();
        // The refresh may have been dropped before it was begun.
        assert_eq!(stats.loads, stats.entries as u64, "{polls} polls: {stats:?}");
    }
}

mod circle {
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

#[handler(report_every = 0)]
async fn around(_: Value) {}

/// The error of work that waits for itself. It is there at once: nothing hangs.
fn circular(outcome: Result<impl Debug, impl std::fmt::Display>) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("needs itself"), "{error}");
}

#[tokio::test]
async fn what_needs_itself_through_its_body_is_an_error() {
    let _turn = world().await;
    let _container = around::container().await;
    use circle::*;
    let chain = |error: ResourceError| rewarm::Error::from(error).to_string();
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
async fn circles_are_found_across_threads() {
    let _turn = world().await;
    for _ in 0..50 {
        let _container = around::container().await;
        use circle::{day, egg, hen, night};
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
