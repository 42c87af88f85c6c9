//! `peek`, `refresh`, `invalidate` and `clear`.

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;

mod controlled {
    use super::*;

    pub(super) static LOADS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn version() -> u32 {
        LOADS.up()
    }

    pub(super) static LOOKUPS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn lookup(r#type: &str) -> Result<String, Refused> {
        let lookup = LOOKUPS.up();
        if lookup == 4 { Err(Refused) } else { Ok(format!("{} {lookup}", r#type)) }
    }
}

#[tokio::test]
async fn cached_values_are_peeked_refreshed_and_invalidated() {
    let _turn = outside_containers().await;
    use controlled::{lookup, version};
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 1);
    assert_eq!(version::peek(), Some(1));
    assert_eq!(version::refresh().await, 2);
    assert_eq!(version().await, 2);
    version::invalidate();
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 3);

    assert_eq!(lookup("a").await.unwrap(), "a 1");
    assert_eq!(lookup("b").await.unwrap(), "b 2");
    lookup::invalidate("a");
    assert_eq!((lookup::peek("a"), lookup::peek("b")), (None, Some("b 2".into())));
    assert_eq!(lookup::refresh("b").await.unwrap(), "b 3");
    assert_eq!(lookup::refresh("b").await, Err(Refused));
    assert_eq!(lookup("b").await.unwrap(), "b 3", "an error replaces nothing");
    lookup::clear();
    assert_eq!(lookup::stats().entries, 0);
    assert_eq!(lookup("b").await.unwrap(), "b 5");
}

mod slow {
    use super::*;

    pub(super) static FETCHES: Count = Count::new();
    /// Fetches that may end, by their numbers.
    pub(super) static GATES: [Semaphore; 9] = [const { Semaphore::const_new(0) }; 9];

    #[cached(ttl = "10s", stale_while_revalidate = "1h", jitter = "0%")]
    pub(super) async fn row() -> u32 {
        let fetch = FETCHES.up();
        GATES[fetch as usize].acquire().await.unwrap().forget();
        fetch
    }

    #[handler(report_every = 0)]
    pub(super) async fn app(_: Value) -> u32 {
        row().await
    }

    /// Begins a refresh and waits until its fetch runs.
    pub(super) async fn begin_refresh() -> JoinHandle<u32> {
        let before = FETCHES.get();
        let refresh = tokio::spawn(row::refresh());
        while FETCHES.get() == before {
            tokio::task::yield_now().await;
        }
        refresh
    }
}

#[tokio::test]
async fn a_value_is_followed_by_none_that_was_fetched_before() {
    let _turn = simulation().await;
    use slow::{GATES, app, begin_refresh, row};
    let mut c = app::container().await;
    GATES[1].add_permits(1);
    assert_eq!(c.invoke(0).await.unwrap(), 1);

    // The fetches take longer than the TTL, so that a refresh does not wait for an earlier one.
    let mut refreshes = Vec::new();
    for _ in 2..=4 {
        c.idle(11 * SECOND);
        refreshes.push(begin_refresh().await);
    }
    let [second, third, fourth] = refreshes.try_into().unwrap();
    GATES[3].add_permits(1);
    assert_eq!(third.await.unwrap(), 3);
    assert_eq!(c.invoke(0).await.unwrap(), 3, "while the fourth is under way");
    GATES[2].add_permits(1);
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(c.invoke(0).await.unwrap(), 3, "the second began before the third");
    GATES[4].add_permits(1);
    assert_eq!(fourth.await.unwrap(), 4);
    assert_eq!(row::peek(), Some(4));

    let mut refreshes = Vec::new();
    for _ in 5..=6 {
        c.idle(11 * SECOND);
        refreshes.push(begin_refresh().await);
    }
    let [fifth, sixth] = refreshes.try_into().unwrap();
    row::invalidate();
    for (gate, refresh) in [(5, fifth), (6, sixth)] {
        GATES[gate].add_permits(1);
        assert_eq!(refresh.await.unwrap() as usize, gate);
    }
    assert_eq!(row::stats().entries, 0, "they began before the invalidation");
}
