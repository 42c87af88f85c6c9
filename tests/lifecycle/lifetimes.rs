//! What becomes of cached values: lifetimes, stale and negative answers, time limits.

use super::*;

pub(crate) mod values {
    use super::*;

    pub static FETCHES: AtomicU64 = AtomicU64::new(0);
    pub static BROKEN: AtomicBool = AtomicBool::new(false);

    fn fetch() -> Result<u64, Error> {
        let n = FETCHES.fetch_add(1, SeqCst) + 1;
        if BROKEN.load(SeqCst) { Err(Error::msg(format_args!("fetch {n} failed"))) } else { Ok(n) }
    }

    #[cached(ttl = "5m", jitter = "0%")]
    pub async fn plain() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", stale_if_error = "1h")]
    pub async fn patient() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", stale_while_revalidate = "1m")]
    pub async fn eager() -> Result<u64, Error> {
        fetch()
    }

    #[cached(ttl = "5m", jitter = "0%", negative_ttl = "5s")]
    pub async fn pessimistic(key: &str) -> Result<Option<u64>, Error> {
        if key == "none" { fetch().map(|_| None) } else { fetch().map(Some) }
    }

    /// Asks the function that the event names.
    #[handler(report_every = 0)]
    pub async fn ask(event: Value) -> Result<Option<u64>, Error> {
        match event.as_str() {
            Some("plain") => plain().await.map(Some),
            Some("patient") => patient().await.map(Some),
            Some("eager") => eager().await.map(Some),
            Some(key) => pessimistic(key).await,
            None => Ok(None),
        }
    }
}

async fn ask(c: &mut rewarm::testing::Container<values::ask>, what: &str) -> Result<u64, String> {
    match c.invoke(what).await {
        Ok(value) => Ok(value.as_u64().unwrap_or(0)),
        Err(error) => Err(error.error_message),
    }
}

#[tokio::test]
async fn a_value_lives_for_its_ttl_by_either_clock() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "plain").await, Ok(1));
    c.idle(299 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(1));
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(2));
    c.idle_wall(300 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(3));
    c.idle_monotonic(300 * SECOND);
    assert_eq!(ask(&mut c, "plain").await, Ok(4));
    for _ in 0..10 {
        // Half a minute each, by one clock and then by the other.
        c.idle_wall(15 * SECOND);
        ask(&mut c, "plain").await.unwrap();
        c.idle_monotonic(15 * SECOND);
        ask(&mut c, "plain").await.unwrap();
    }
    assert_eq!(values::FETCHES.load(SeqCst), 5);
}

#[tokio::test]
async fn what_is_expired_is_gone_at_the_next_invocation() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    ask(&mut c, "plain").await.unwrap();
    assert_eq!(values::plain::stats().entries, 1);
    c.idle(300 * SECOND);
    c.invoke(Value::Null).await.unwrap();
    assert_eq!(values::plain::stats().entries, 0);
    c.restore().await.unwrap();
    assert_eq!(ask(&mut c, "plain").await, Ok(2));
}

#[tokio::test]
async fn errors_are_not_kept_and_stale_values_only_as_long_as_allowed() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "patient").await, Ok(1));
    values::BROKEN.store(true, SeqCst);
    c.idle(300 * SECOND);
    assert_eq!(ask(&mut c, "patient").await, Ok(1), "stale if error");
    assert_eq!(values::patient::stats().stale_hits, 1);
    assert_eq!(values::patient::stats().load_errors, 1);
    c.idle(3599 * SECOND);
    assert_eq!(ask(&mut c, "patient").await, Ok(1));
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "patient").await, Err("fetch 4 failed".to_owned()), "never longer");
    assert_eq!(
        ask(&mut c, "patient").await,
        Err("fetch 5 failed".to_owned()),
        "errors are not kept"
    );
    values::BROKEN.store(false, SeqCst);
    assert_eq!(ask(&mut c, "patient").await, Ok(6));
}

#[tokio::test]
async fn a_stale_value_is_refreshed_once_after_the_response() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "eager").await, Ok(1));
    c.idle(301 * SECOND);
    for answer in c.invoke_all(["eager"; 5]).await {
        assert_eq!(answer.unwrap(), json!(1), "the old value at once");
    }
    assert_eq!(values::FETCHES.load(SeqCst), 2, "one refresh");
    assert_eq!(ask(&mut c, "eager").await, Ok(2));
    c.idle(361 * SECOND);
    assert_eq!(ask(&mut c, "eager").await, Ok(3), "past the window it is waited for");
}

#[tokio::test]
async fn negative_answers_are_kept_for_their_own_time() {
    let _world = world().await;
    let mut c = values::ask::container().await;
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    c.idle(4 * SECOND);
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    assert_eq!(values::FETCHES.load(SeqCst), 1);
    c.idle(SECOND);
    assert_eq!(ask(&mut c, "none").await, Ok(0));
    assert_eq!(values::FETCHES.load(SeqCst), 2);

    values::BROKEN.store(true, SeqCst);
    assert_eq!(ask(&mut c, "some").await, Err("fetch 3 failed".to_owned()));
    assert_eq!(ask(&mut c, "some").await, Err("fetch 3 failed".to_owned()));
    values::BROKEN.store(false, SeqCst);
    c.idle(5 * SECOND);
    assert_eq!(ask(&mut c, "some").await, Ok(4));
}

mod limited {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub enum Failure {
        Resource(String),
    }

    impl From<rewarm::ResourceError> for Failure {
        fn from(error: rewarm::ResourceError) -> Self {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            Self::Resource(format!("{}: {}", error.resource(), source.unwrap_or_default()))
        }
    }

    /// Takes so many seconds, if that may be.
    #[cached(ttl = "1h", timeout = "2s", max_entries = 1)]
    pub async fn answer(seconds: u64) -> Result<u64, Failure> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(seconds)
    }

    #[handler(report_every = 0)]
    pub async fn any(_: Value) {}
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_limited_in_time() {
    use limited::{Failure, answer, any};
    let _world = world().await;
    let container = any::container().await;
    assert_eq!(answer(1).await, Ok(1));
    let start = tokio::time::Instant::now();
    let (one, other) = tokio::join!(answer(3), answer(3));
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(one, Err(Failure::Resource("answer: no answer after 2s".to_owned())));
    assert_eq!(one, other, "all who wait share it");
    assert_eq!((answer::stats().loads, answer::stats().load_errors), (2, 1));

    assert_eq!(answer(0).await, Ok(0));
    assert_eq!(answer::stats().evictions, 1);
    drop(container);
    let _another = any::container().await;
    assert_eq!(answer::stats(), rewarm::Stats::default(), "nothing of the container before");
}

mod fetching {
    use super::*;

    #[init(lazy)]
    static MISSING: String = std::env::var("REWARM_TEST_NOT_SET")?;

    #[cached(ttl = "1m")]
    async fn fetched(what: &str) -> u64 {
        rewarm::defer(async { note("deferred by the fetch") });
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
async fn a_fetch_is_a_part_of_the_invocation_that_starts_it() {
    let _world = world().await;
    let mut c = fetching::fetching::container().await;
    notes();
    assert_eq!(c.invoke("time").await, Ok(json!(30)));
    assert_eq!(notes(), ["deferred by the fetch"]);
    assert_eq!(c.invoke("missing").await.unwrap_err().error_type, "ResourceUnavailable");
}
