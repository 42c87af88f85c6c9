//! Events for sinks: INIT, invocations, caches, reports, SHUTDOWN.

use rewarm::metrics::{Event, Invocation, Sink};

use super::*;

static SEEN: Mutex<Vec<Event>> = Mutex::new(Vec::new());

struct Seen;

impl Sink for Seen {
    fn record(&self, event: &Event) {
        // A sink may call any function of the library.
        let _ = rewarm::container().snapshot();
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// Takes the events so far.
pub fn seen() -> Vec<Event> {
    std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The turn of a test, whose events are recorded.
pub async fn recording() -> tokio::sync::RwLockWriteGuard<'static, ()> {
    static INSTALLED: Once = Once::new();
    let turn = simulation().await;
    INSTALLED.call_once(|| rewarm::metrics::install(Seen));
    seen();
    turn
}

#[init]
async fn depot() -> u64 {
    tokio::time::sleep(Duration::from_millis(5)).await;
    1
}

#[cached(ttl = "1m", jitter = "0%")]
async fn rate(currency: &str) -> u64 {
    currency.len() as u64
}

/// An error of the user with the name of an error of rewarm.
#[derive(Debug)]
pub struct DeadlineExceeded;

impl std::fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bank took too long")
    }
}

impl std::error::Error for DeadlineExceeded {}

#[handler(warmup, report_every = 3)]
pub async fn pay(event: Value, depot: &u64) -> Result<u64, DeadlineExceeded> {
    if event == "late" {
        return Err(DeadlineExceeded);
    }
    if event == "hang" {
        std::future::pending::<()>().await;
    }
    let sum = rate("EUR").await + rate("EUR").await + rate("PLN").await;
    Ok(sum + depot)
}

fn invocations(events: &[Event]) -> Vec<&Invocation> {
    let invocations = events.iter().filter_map(|event| match event {
        Event::Invocation(invocation) => Some(invocation),
        _ => None,
    });
    invocations.collect()
}

#[tokio::test]
async fn events_come_in_the_order_of_the_lifecycle() {
    let _turn = recording().await;
    let mut c = pay::container().await;
    let events = seen();
    let [Event::Init(init)] = &events[..] else { panic!("{events:?}") };
    assert!(!init.restore && init.duration >= Duration::from_millis(5), "{init:?}");
    let names: Vec<_> = init.resources.iter().map(|r| (r.name, r.generation)).collect();
    assert_eq!(names, [("depot", 1)]);
    let init_duration = init.duration;

    c.invoke(json!({ "warmup": true })).await.unwrap();
    assert!(seen().is_empty(), "a ping is not an invocation");
    c.invoke(1).await.unwrap();
    let events = seen();
    let [Event::Cache(cache), Event::Invocation(first)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((cache.name, cache.stats.hits, cache.stats.misses), ("rate", 1, 2));
    assert_eq!((cache.stats.loads, cache.stats.entries), (2, 2));
    assert_eq!((first.handler, first.number, first.cold_start), ("pay", 1, false));
    assert_eq!((first.cache_hits, first.cache_misses), (1, 2));
    assert_eq!((first.init_duration, first.idle_gap), (Some(init_duration), Some(Duration::ZERO)));
    assert_eq!((first.container_id.clone(), &first.error), (c.snapshot().id, &None));

    c.idle(Duration::from_secs(30));
    c.invoke("late").await.unwrap_err();
    c.invoke(1).await.unwrap();
    let events = seen();
    let [late, third] = &invocations(&events)[..] else { panic!("{events:?}") };
    assert_eq!(late.error.as_deref(), Some("DeadlineExceeded"));
    assert!(!late.deadline_exceeded, "the handler's own error of that name");
    assert_eq!((late.idle_gap, late.init_duration), (Some(Duration::from_secs(30)), None));
    assert_eq!((third.cache_hits, third.cache_misses), (3, 0), "since the last invocation");
    let Some(Event::Report(report)) = events.last() else { panic!("{events:?}") };
    assert_eq!((report.invocations, report.errors, report.pings), (3, 1, 1));
    assert_eq!(report.uptime, Duration::from_secs(30));

    c.restore().await.unwrap();
    c.invoke(1).await.unwrap();
    let events = seen();
    let Some(Event::Init(restored)) = events.first() else { panic!("{events:?}") };
    assert!(restored.restore && restored.container_id != init_id(first), "{restored:?}");
    assert_eq!(restored.resources[0].generation, 2);
    let fourth = invocations(&events)[0];
    assert_eq!((fourth.init_duration, fourth.idle_gap), (Some(restored.duration), None));

    c.shutdown().await;
    let events = seen();
    let [Event::Shutdown(shutdown), Event::Report(last)] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(shutdown.unclosed.is_empty());
    assert_eq!((last.invocations, last.errors, last.error_rate_percent), (4, 1, 25.0));
}

fn init_id(first: &Invocation) -> String {
    first.container_id.clone()
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_handler_is_counted() {
    let _turn = recording().await;
    let mut c = pay::container().await;
    seen();
    c.deadline(Duration::from_secs(5));
    c.invoke("hang").await.unwrap_err();
    let events = seen();
    let recorded = invocations(&events)[0];
    assert!(recorded.deadline_exceeded && recorded.cold_start);
    assert_eq!(recorded.duration.as_millis(), 4750);
    assert_eq!((c.snapshot().deadline_exceeded, c.snapshot().errors), (1, 1));
}

#[tokio::test]
async fn concurrent_invocations_are_recorded_once_each() {
    let _turn = recording().await;
    let mut c = pay::container().await;
    seen();
    c.invoke_all((0..20).map(|n| if n % 5 == 0 { json!("late") } else { json!(n) })).await;
    let events = seen();
    let recorded = invocations(&events);
    assert_eq!(recorded.len(), 20);
    assert_eq!(recorded.iter().filter(|it| it.error.is_some()).count(), 4);
    assert_eq!(recorded.iter().filter(|it| it.cold_start).count(), 1);
    assert_eq!(recorded.iter().filter(|it| it.init_duration.is_some()).count(), 1);
    assert_eq!(recorded.iter().filter_map(|it| it.idle_gap).count(), 0, "never idle");
    let ids: BTreeSet<_> = recorded.iter().map(|it| &it.request_id).collect();
    assert_eq!(ids.len(), 20);
    let rate = rate::stats();
    let sums = recorded
        .iter()
        .fold((0, 0), |(hits, misses), it| (hits + it.cache_hits, misses + it.cache_misses));
    assert_eq!(sums, (rate.hits, rate.misses));
}

/// A subscriber that panics at each event of the metrics.
struct BrokenLog;

impl tracing::Subscriber for BrokenLog {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("rewarm::metrics")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        panic!("the disk is full");
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_subscriber_that_panics_does_not_fail_the_invocation() {
    let _turn = recording().await;
    async {
        let mut c = pay::container().await;
        for _ in 0..3 {
            assert_eq!(c.invoke(1).await, Ok(json!(10)));
        }
        let events = seen();
        assert_eq!(invocations(&events).len(), 3, "the other sinks receive their events");
        assert!(matches!(events.last(), Some(Event::Report(_))), "{events:?}");
        c.shutdown().await;
    }
    .with_subscriber(BrokenLog)
    .await;
}

#[derive(Default)]
struct Count(AtomicU64);

impl Sink for Count {
    fn record(&self, event: &Event) {
        self.0.fetch_add(matches!(event, Event::Invocation(_)).into(), SeqCst);
    }
}

#[tokio::test]
async fn a_sink_may_be_shared() {
    static BORROWED: Count = Count(AtomicU64::new(0));
    let _turn = recording().await;
    let shared = Arc::new(Count::default());
    rewarm::metrics::install(Arc::clone(&shared));
    rewarm::metrics::install(Arc::clone(&shared) as Arc<dyn Sink>);
    rewarm::metrics::install(Box::new(Arc::clone(&shared)) as Box<dyn Sink>);
    rewarm::metrics::install(&BORROWED);
    pay::container().await.invoke(1).await.unwrap();
    assert_eq!((shared.0.load(SeqCst), BORROWED.0.load(SeqCst)), (3, 1));
}

#[tokio::test]
async fn a_service_of_a_handler_is_recorded() {
    let _turn = recording().await;
    let c = pay::container().await;
    seen();
    let mut service = pay::service();
    let event = rewarm::LambdaEvent::new(json!(1), rewarm::Context::default());
    let response = tower::Service::call(&mut service, event).await.map_err(Error::from);
    assert_eq!(response.unwrap().get(), "10");
    let events = seen();
    assert_eq!(invocations(&events).len(), 1);
    drop(c);
}
