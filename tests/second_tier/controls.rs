//! `invalidate`, `clear` and `refresh` reach the store.

use super::*;

static FETCHES: Count = Count::new();

#[cached(ttl = "5m", jitter = "0%", store = shared, allow(global_state))]
async fn price(_sku: &str) -> Result<u32, Error> {
    let number = FETCHES.up();
    let stop = *STOP.lock().unwrap();
    match stop {
        None => Ok(number),
        Some(Stop::Fail) => Err(Error::msg("no price")),
        Some(Stop::Wait) => {
            while STOP.lock().unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(number)
        }
    }
}

#[derive(Clone, Copy)]
enum Stop {
    Fail,
    Wait,
}

static STOP: Mutex<Option<Stop>> = Mutex::new(None);

#[handler(report_every = 0)]
async fn app(sku: String) -> Result<u32, Error> {
    price(&sku).await
}

async fn reset() {
    OUTSIDE.reset().await;
    *STOP.lock().unwrap() = None;
}

#[tokio::test]
async fn an_invalidated_value_is_gone_for_containers_that_ask_the_store() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    let tea = c.invoke("tea").await.unwrap();
    let oil = c.invoke("oil").await.unwrap();
    price::invalidate("tea").await.unwrap();
    assert_eq!(price::peek("tea"), None);
    drop(c);
    let mut other = app::container().await;
    assert_ne!(other.invoke("tea").await.unwrap(), tea);
    assert_eq!(other.invoke("oil").await.unwrap(), oil);
    price::clear().await.unwrap();
    drop(other);
    assert_ne!(app::container().await.invoke("oil").await.unwrap(), oil);
}

#[tokio::test]
async fn a_fetch_that_began_before_an_invalidation_does_not_bring_its_value_back() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    for clears in [false, true] {
        *STOP.lock().unwrap() = Some(Stop::Wait);
        let late = tokio::spawn(price("tea"));
        tokio::time::sleep(Duration::from_millis(20)).await;
        match clears {
            true => price::clear().await.unwrap(),
            false => price::invalidate("tea").await.unwrap(),
        }
        *STOP.lock().unwrap() = None;
        let old = late.await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(price::peek("tea"), None);
        assert!(price("tea").await.unwrap() > old);
    }
    c.invoke("tea").await.unwrap();
}

#[tokio::test]
async fn a_refresh_reaches_other_containers() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    let tea = c.invoke("tea").await.unwrap().as_u64().unwrap();
    let refreshed = price::refresh("tea").await.unwrap().unwrap();
    assert!(u64::from(refreshed) > tea);
    assert_eq!(price::peek("tea"), Some(refreshed));
    drop(c);
    assert_eq!(app::container().await.invoke("tea").await.unwrap(), refreshed);
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_value_everywhere() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    let tea = c.invoke("tea").await.unwrap();
    *STOP.lock().unwrap() = Some(Stop::Fail);
    price::refresh("tea").await.unwrap().unwrap_err();
    assert_eq!(c.invoke("tea").await.unwrap(), tea);
    drop(c);
    assert_eq!(app::container().await.invoke("tea").await.unwrap(), tea);
}

#[tokio::test]
async fn the_caller_learns_that_the_store_failed() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    let tea = c.invoke("tea").await.unwrap();
    OUTSIDE.set(Fault::Down);
    let error = price::invalidate("tea").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(price::peek("tea"), None, "it is removed here");
    price::clear().await.unwrap_err();
    price::refresh("tea").await.unwrap_err();
    assert!(price::peek("tea").is_some(), "it is fetched here");
    OUTSIDE.set(Fault::Hangs);
    let error = price::invalidate("tea").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    assert_eq!(
        rewarm::Error::from(error).to_string(),
        "the store `shared` did not respond in time: no response after 100ms"
    );
    OUTSIDE.set(Fault::None);
    drop(c);
    assert_eq!(app::container().await.invoke("tea").await.unwrap(), tea, "of the store");
}

#[tokio::test]
async fn a_call_during_an_invalidation_does_not_bring_the_value_back() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    for clears in [false, true] {
        let old = price("tea").await.unwrap();
        OUTSIDE.set(Fault::Slow(30));
        let call = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            OUTSIDE.set(Fault::None);
            price("tea").await.unwrap()
        };
        let removal = async {
            match clears {
                true => price::clear().await.unwrap(),
                false => price::invalidate("tea").await.unwrap(),
            }
        };
        let ((), meanwhile) = tokio::join!(removal, call);
        assert_eq!(meanwhile, old, "the store still has it");
        assert_eq!(price::peek("tea"), None);
        assert!(price("tea").await.unwrap() > old);
    }
    c.invoke("tea").await.unwrap();
}

#[tokio::test]
async fn a_refresh_that_began_before_an_invalidation_does_not_bring_its_value_back() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    for clears in [false, true] {
        price("tea").await.unwrap();
        *STOP.lock().unwrap() = Some(Stop::Wait);
        let late = tokio::spawn(async { price::refresh("tea").await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        match clears {
            true => price::clear().await.unwrap(),
            false => price::invalidate("tea").await.unwrap(),
        }
        *STOP.lock().unwrap() = None;
        let old = late.await.unwrap().unwrap().unwrap();
        assert_eq!(price::peek("tea"), None);
        assert!(price("tea").await.unwrap() > old);
    }
    c.invoke("tea").await.unwrap();
}

#[tokio::test]
async fn a_slow_refresh_does_not_replace_the_value_of_a_later_one() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    c.invoke("tea").await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    *STOP.lock().unwrap() = Some(Stop::Wait);
    let late = tokio::spawn(async { price::refresh("tea").await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Another container refreshes meanwhile.
    OUTSIDE.memory.remove(&key).await.unwrap();
    OUTSIDE.write(&key, entry.fetched_ms() + 1000, b"7777").await;
    *STOP.lock().unwrap() = None;
    late.await.unwrap().unwrap().unwrap();
    assert_eq!(OUTSIDE.memory.get(&key).await.unwrap().unwrap().json(), b"7777");
}

#[tokio::test]
async fn a_refresh_voids_the_lease_of_a_fetch_that_began_earlier() {
    let _turn = simulation().await;
    reset().await;
    let mut c = app::container().await;
    c.invoke("tea").await.unwrap();
    let (key, entry) = OUTSIDE.last_put();
    let lease = OUTSIDE.memory.lease(&key, Some(entry.fetched_ms()), 60 * SECOND).await.unwrap();
    let Lease::Granted(token) = lease else { panic!("{lease:?}") };
    let refreshed = price::refresh("tea").await.unwrap().unwrap();
    assert!(!OUTSIDE.memory.put(&key, &token, entry, SECOND).await.unwrap());
    let entry = OUTSIDE.memory.get(&key).await.unwrap().unwrap();
    assert_eq!(entry.json(), refreshed.to_string().as_bytes());
    // Two at once share a fetch, whose value is stored.
    let (one, two) = tokio::join!(price::refresh("tea"), price::refresh("tea"));
    let (_, two) = (one.unwrap().unwrap(), two.unwrap().unwrap());
    let entry = OUTSIDE.memory.get(&key).await.unwrap().unwrap();
    assert_eq!(entry.json(), two.to_string().as_bytes());
}
