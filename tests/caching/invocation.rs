//! A fetch and the invocation that starts it.

use std::sync::Mutex;

use super::*;

static NOTES: Mutex<Vec<&str>> = Mutex::new(Vec::new());

mod fetching {
    use super::*;

    #[init(lazy)]
    static MISSING: String = std::env::var("REWARM_TEST_NOT_SET")?;

    #[cached(ttl = "1m", allow(global_state))]
    async fn fetched(what: &str) -> u64 {
        rewarm::defer(async { NOTES.lock().unwrap().push("deferred by the fetch") });
        match what {
            "missing" => MISSING.len() as u64,
            _ => rewarm::remaining().map_or(0, |left| left.as_secs()),
        }
    }

    #[handler(report_every = 0)]
    pub async fn fetching(what: String) -> u64 {
        fetched(&what).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_belongs_to_the_invocation_that_starts_it() {
    let _turn = simulation().await;
    let mut c = fetching::fetching::container().await;
    assert_eq!(c.invoke("time").await, Ok(json!(30)));
    assert_eq!(*NOTES.lock().unwrap(), ["deferred by the fetch"]);
    assert_eq!(c.invoke("missing").await.unwrap_err().error_type, "ResourceUnavailable");
}
