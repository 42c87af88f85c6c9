//! A graph of resources with a failure or a cancelled caller at each of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

use super::*;

/// The bodies that ran since the last call of `ran`.
static RAN: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn ran() -> Vec<&'static str> {
    let mut ran = std::mem::take(&mut *RAN.lock().unwrap());
    ran.sort_unstable();
    ran
}

/// The resource that fails, and its failure.
static FAULT: Mutex<Option<(&str, Fault)>> = Mutex::new(None);

#[derive(Clone, Copy, Debug)]
enum Fault {
    Error,
    Panic,
    Hang,
}

/// The body of each resource: a few awaits, and the failure if this one fails.
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

/// Each resource, the resources that it is built from (itself included), and its value.
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
async fn a_failed_resource_stops_its_dependents_only() {
    let _turn = simulation().await;
    for (faulty, ..) in HOUSE {
        for fault in [Fault::Error, Fault::Panic, Fault::Hang] {
            *FAULT.lock().unwrap() = Some((faulty, fault));
            ran();
            let mut c = house::container().await;
            for round in ["in INIT", "while it is remembered"] {
                for (name, from, value) in HOUSE {
                    let response = c.invoke(name).await;
                    let case = format!("{faulty} {fault:?}, {name} {round}: {response:?}");
                    if !from.contains(&faulty) {
                        assert_eq!(response, Ok(json!(value)), "{case}");
                        continue;
                    }
                    let error = response.expect_err(&case);
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
            assert_eq!(
                ran(),
                expected,
                "{faulty} {fault:?}: each once, no dependent of the failed one"
            );

            *FAULT.lock().unwrap() = None;
            c.idle(Duration::from_secs(31));
            for (name, _, value) in HOUSE {
                assert_eq!(c.invoke(name).await, Ok(json!(value)), "{faulty} {fault:?}, {name}");
            }
        }
    }
}

/// Polls a call so many times, lets other tasks run in between, and drops it.
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
async fn a_caller_may_be_cancelled_at_any_poll() {
    let _turn = simulation().await;
    for polls in 0..40 {
        let c = climb::container().await;
        ran();
        cancelled_after(polls, attic()).await;
        assert_eq!(*attic().await.unwrap(), 4);
        assert_eq!(generation(&c.snapshot().resources, "attic"), 1);
        cancelled_after(polls, room(7)).await;
        cancelled_after(polls, room::refresh(8)).await;
        assert_eq!(room(7).await.unwrap(), 12);
        assert_eq!(ran().iter().filter(|name| **name == "attic").count(), 1, "{polls} polls");
        let stats = room::stats();
        // The refresh may have been dropped before it began.
        assert_eq!(stats.loads, stats.entries as u64, "{polls} polls: {stats:?}");
    }
}
