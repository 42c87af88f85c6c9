//! What a container tells of its life: CloudWatch's embedded metric format on stdout, reports,
//! events for sinks of the user's own, spans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use rewarm::metrics::{Event, Invocation as Told, Sink};
use rewarm::{Error, cached, handler, init};
use rewarm_tests::{
    EmfLine, Function, FunctionBuilder, Invocation, RuntimeApi, emf_lines, emf_sums,
};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span;

fn shop() -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_shop")).env("RUST_BACKTRACE", "0")
}

async fn sell(api: &RuntimeApi) -> Value {
    api.invoke(json!({ "do": "sell", "sku": 1 })).await.json()
}

/// Waits until everything is told of the last invocation, and reads what CloudWatch does.
async fn measured(api: &RuntimeApi, function: &Function, invocations: usize) -> Vec<EmfLine> {
    api.wait_for_next().await;
    let _ = function.wait_for_output(&format!("\"invocation\":{invocations},")).await;
    emf_lines(&function.stdout())
}

// CloudWatch.

#[tokio::test]
async fn what_is_measured_adds_up_to_what_happened() {
    let api = RuntimeApi::start().await;
    let function = shop().env("AWS_LAMBDA_MAX_CONCURRENCY", "8").spawn(&api);
    let deeds = ["sell", "fail", "panic", "defer", "sell", "dance", "hang", "sell", "sell", "ping"];
    let mut pending = Vec::new();
    for n in 0..110 {
        let (event, deadline) = match deeds[n % deeds.len()] {
            "ping" => (json!({ "do": "sell", "warmup": true }), 30_000),
            "dance" => (json!({ "do": 7 }), 30_000),
            "hang" => (json!({ "do": "hang" }), 350),
            deed => (json!({ "do": deed, "sku": n % 7 }), 30_000),
        };
        let event = Invocation::json(event).deadline(Duration::from_millis(deadline));
        pending.push((deeds[n % deeds.len()], api.send(event)));
    }
    let mut outcomes = BTreeMap::new();
    let mut requests = BTreeSet::new();
    for (deed, pending) in pending {
        if deed != "ping" {
            requests.insert(pending.request_id().to_owned());
        }
        let outcome = pending.outcome().await;
        let kind = outcome.result.map_or_else(|error| error.error_type, |_| "answer".to_owned());
        *outcomes.entry((deed, kind)).or_insert(0) += 1;
    }
    let expected = [
        (("sell", "answer"), 44),
        (("fail", "Error"), 11),
        (("panic", "Panic"), 11),
        (("defer", "answer"), 11),
        (("dance", "InvalidEvent"), 11),
        (("hang", "DeadlineExceeded"), 11),
        (("ping", "answer"), 11),
    ];
    assert_eq!(outcomes, expected.map(|((deed, kind), n)| ((deed, kind.to_owned()), n)).into());
    api.wait_for_pollers(8).await;
    // The last to look at the caches is alone with them.
    let caches = sell(&api).await;
    let lines = measured(&api, &function, 100).await;

    assert_eq!(lines.len(), 100, "no ping, and nothing else, is an invocation");
    let sums = emf_sums(&lines);
    for (metric, sum) in
        [("Invocations", 100.0), ("ColdStart", 1.0), ("Errors", 44.0), ("DeadlineExceeded", 11.0)]
    {
        assert_eq!(sums[metric], sum, "{metric}");
    }
    for (metric, count) in
        [("CacheHits", "hits"), ("CacheMisses", "misses"), ("CacheStaleHits", "stale_hits")]
    {
        let sum: f64 = (0..2).filter_map(|n| caches["caches"][n][count].as_f64()).sum();
        assert_eq!(sums[metric], sum, "{metric}");
    }
    assert!(sums["CacheHits"] > 300.0);

    let of = |member: &str| -> Vec<&Value> {
        lines.iter().filter_map(|line| line.members.get(member)).collect()
    };
    let numbers: BTreeSet<_> = of("invocation").iter().filter_map(|n| n.as_u64()).collect();
    assert_eq!(numbers, (1..=100).collect());
    let last = of("request_id").last().and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    let measured: BTreeSet<_> =
        of("request_id").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    assert!(requests.iter().all(|request| measured.contains(request)) && !requests.contains(&last));
    assert!(of("container_id").windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(of("InitDuration").len(), 1, "INIT is told once");
    let init = of("InitDuration")[0].as_f64().unwrap();
    assert!((20.0..2_000.0).contains(&init), "{init}");
    for line in &lines {
        let member = |name: &str| line.members[name].as_f64().unwrap();
        assert!(member("Duration") <= member("ContainerAge") + 10.0, "{line:?}");
        // Cancelled 250 ms before a deadline of 350 ms, less the way there, on a busy machine.
        let hung = member("DeadlineExceeded") == 1.0;
        assert!(!hung || (1.0..=2_000.0).contains(&member("Duration")), "{line:?}");
        assert_eq!(line.members["start"], "on-demand");
    }
    for metric in lines.iter().flat_map(|line| &line.metrics) {
        let dimensions = [("function", "test"), ("stage", "prod")];
        assert_eq!(metric.dimensions, dimensions.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(metric.namespace, "Shop");
        let is_time = ["Duration", "InitDuration", "IdleGap", "ContainerAge"];
        let unit = if is_time.contains(&&*metric.name) { "Milliseconds" } else { "Count" };
        assert_eq!(metric.unit, unit, "{}", metric.name);
    }
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

#[tokio::test]
async fn a_first_invocation_is_cold_only_if_its_caller_waited() {
    for (how, start, cold) in [
        ("on-demand", "on-demand", 1.0),
        ("provisioned-concurrency", "provisioned", 0.0),
        ("snap-start", "snap-start", 0.0),
        ("lambda-managed-instances", "managed-instances", 0.0),
    ] {
        let api = RuntimeApi::start().await;
        let function = shop().env("AWS_LAMBDA_INITIALIZATION_TYPE", how).spawn(&api);
        if how == "snap-start" {
            api.wait_for_restore_next().await;
            api.restore();
        }
        sell(&api).await;
        sell(&api).await;
        let lines = measured(&api, &function, 2).await;
        assert_eq!(lines.len(), 2);
        assert_eq!(emf_sums(&lines)["ColdStart"], cold, "{how}");
        assert_eq!(lines[0].members["start"], start);
        let has = |line: &EmfLine, member: &str| line.members.contains_key(member);
        assert!(has(&lines[0], "InitDuration") && !has(&lines[1], "InitDuration"));
        assert!(!has(&lines[0], "IdleGap") && has(&lines[1], "IdleGap"));
    }
}

#[tokio::test]
async fn dimension_values_that_cloudwatch_does_not_take_are_mended() {
    for (name, value) in [("Größe\n", "Gr??e?"), (" ", "unknown"), ("x y", "x y")] {
        let api = RuntimeApi::start().await;
        let function = shop().env("AWS_LAMBDA_FUNCTION_NAME", name).spawn(&api);
        sell(&api).await;
        let lines = measured(&api, &function, 1).await;
        assert_eq!(lines[0].metrics[0].dimensions[0].1, value);
    }
}

// The report.

#[tokio::test]
async fn the_container_is_reported_every_tenth_time_and_at_shutdown() {
    let api = RuntimeApi::start().await;
    let function = shop().env("SINKS", "print").spawn(&api);
    for n in 0..12 {
        let deed = if n % 4 == 0 { "fail" } else { "sell" };
        api.invoke(json!({ "do": deed })).await;
    }
    api.wait_for_next().await;
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let reports = told(&function, "report");
    let counts = |report: &Value| {
        ["invocations", "errors", "error_rate_percent"].map(|name| report[name].as_f64().unwrap())
    };
    let [tenth, last] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(counts(tenth), [10.0, 3.0, 30.0]);
    assert_eq!(counts(last), [12.0, 3.0, 25.0]);
    assert_eq!(told(&function, "shutdown").len(), 1);
    let log = function.stdout().join("\n");
    for part in ["invocations=10 errors=3 error_rate_percent=30.0", "uptime_s=0.", " shutdown"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    let first = log.lines().find(|line| line.contains("resource=\"stock\"")).unwrap();
    assert!(first.contains(" init resource=\"stock\" ms="), "{first}");
}

// Sinks of the user's own, installed in `main`.

/// The events of a kind, as the function's sink has printed them.
fn told(function: &Function, kind: &str) -> Vec<Value> {
    let events = function.stderr();
    let events = events.iter().filter_map(|line| line.strip_prefix("event after "));
    let events = events.filter_map(|line| line.split_once(": "));
    let events = events.map(|(_, json)| serde_json::from_str::<Value>(json).unwrap());
    events.filter(|event| event["event"] == kind).collect()
}

#[tokio::test]
async fn a_sink_that_panics_harms_nothing() {
    let api = RuntimeApi::start().await;
    let function = shop().env("SINKS", "broken").spawn(&api);
    for _ in 0..10 {
        sell(&api).await;
    }
    let lines = measured(&api, &function, 10).await;
    assert_eq!(emf_sums(&lines)["Invocations"], 10.0);
    assert_eq!(told(&function, "invocation").len(), 10, "those behind it are told, too");
    assert_eq!(told(&function, "init").len(), 1);
    let log = function.stdout();
    let logged = log.iter().filter(|line| line.contains("a metrics sink panicked"));
    assert_eq!(logged.count(), 1, "{log:?}");
    assert!(log.iter().any(|line| line.contains("no more paper, at ")), "{log:?}");
}

#[tokio::test]
async fn without_lambda_stdout_belongs_to_the_answers() {
    let api = RuntimeApi::start().await;
    let events = r#"{"do": "quiet"}"#;
    let function = Function::builder(env!("CARGO_BIN_EXE_shop"))
        .outside_lambda()
        .args(["--event", events, "--repeat", "20", "--idle", "1m"])
        .spawn(&api);
    assert_eq!(function.wait().await.code(), Some(0));
    assert!(emf_lines(&function.stdout()).is_empty());
    let lines = emf_lines(&function.stderr());
    assert_eq!(emf_sums(&lines)["Invocations"], 20.0);
    assert_eq!(lines[0].metrics[0].dimensions[0].1, "shop", "the handler's own name");
    assert_eq!(lines[0].members["request_id"], "local-1");
    let gap = lines[1].members["IdleGap"].as_f64().unwrap();
    assert!((60_000.0..61_000.0).contains(&gap), "{gap}");
    let reports = function.stderr().iter().filter(|line| line.contains("uptime_s=")).count();
    assert!(reports >= 2, "{:?}", function.stderr());
}

// In simulated containers.

static SEEN: Mutex<Vec<Event>> = Mutex::new(Vec::new());

struct Seen;

impl Sink for Seen {
    fn record(&self, event: &Event) {
        // A sink may ask what it likes.
        let _ = rewarm::container().snapshot();
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// What was told since the last time.
fn seen() -> Vec<Event> {
    std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One test at a time sees what is told.
async fn eyes() -> tokio::sync::MutexGuard<'static, ()> {
    static EYES: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    static INSTALLED: Once = Once::new();
    let turn = EYES.lock().await;
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

/// Its own error, of a name that rewarm has, too.
#[derive(Debug)]
struct DeadlineExceeded;

impl std::fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bank took too long")
    }
}

impl std::error::Error for DeadlineExceeded {}

#[handler(warmup, report_every = 3)]
async fn pay(event: Value, depot: &u64) -> Result<u64, DeadlineExceeded> {
    if event == "late" {
        return Err(DeadlineExceeded);
    }
    if event == "hang" {
        std::future::pending::<()>().await;
    }
    let sum = rate("EUR").await + rate("EUR").await + rate("PLN").await;
    Ok(sum + depot)
}

fn invocations(events: &[Event]) -> Vec<&Told> {
    let invocations = events.iter().filter_map(|event| match event {
        Event::Invocation(invocation) => Some(invocation),
        _ => None,
    });
    invocations.collect()
}

#[tokio::test]
async fn a_life_is_told_in_order() {
    let _eyes = eyes().await;
    let mut c = pay::container().await;
    let events = seen();
    let [Event::Init(init)] = &events[..] else { panic!("{events:?}") };
    assert!(!init.restore && init.duration >= Duration::from_millis(5), "{init:?}");
    let names: Vec<_> = init.resources.iter().map(|r| (r.name, r.generation)).collect();
    assert_eq!(names, [("depot", 1)]);
    let took = init.duration;

    c.invoke(json!({ "warmup": true })).await.unwrap();
    assert!(seen().is_empty(), "a ping is no invocation");
    c.invoke(1).await.unwrap();
    let events = seen();
    let [Event::Cache(cache), Event::Invocation(first)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((cache.name, cache.stats.hits, cache.stats.misses), ("rate", 1, 2));
    assert_eq!((cache.stats.loads, cache.stats.entries), (2, 2));
    assert_eq!((first.handler, first.number, first.cold_start), ("pay", 1, false));
    assert_eq!((first.cache_hits, first.cache_misses), (1, 2));
    assert_eq!((first.init_duration, first.idle_gap), (Some(took), Some(Duration::ZERO)));
    assert_eq!((first.container_id.clone(), &first.error), (c.snapshot().id, &None));

    c.idle(Duration::from_secs(30));
    c.invoke("late").await.unwrap_err();
    c.invoke(1).await.unwrap();
    let events = seen();
    let [late, third] = &invocations(&events)[..] else { panic!("{events:?}") };
    assert_eq!(late.error.as_deref(), Some("DeadlineExceeded"));
    assert!(!late.deadline_exceeded, "the handler's own error of that name");
    assert_eq!((late.idle_gap, late.init_duration), (Some(Duration::from_secs(30)), None));
    assert_eq!((third.cache_hits, third.cache_misses), (3, 0), "since the last time");
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
    let [Event::Shutdown(over), Event::Report(last)] = &events[..] else { panic!("{events:?}") };
    assert!(over.unclosed.is_empty());
    assert_eq!((last.invocations, last.errors, last.error_rate_percent), (4, 1, 25.0));
}

fn init_id(first: &Told) -> String {
    first.container_id.clone()
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_came_near_is_counted() {
    let _eyes = eyes().await;
    let mut c = pay::container().await;
    seen();
    c.deadline(Duration::from_secs(5));
    c.invoke("hang").await.unwrap_err();
    let events = seen();
    let told = invocations(&events)[0];
    assert!(told.deadline_exceeded && told.cold_start);
    assert_eq!(told.duration.as_millis(), 4750);
    assert_eq!((c.snapshot().deadline_exceeded, c.snapshot().errors), (1, 1));
}

#[tokio::test]
async fn at_the_same_time_each_is_told_once() {
    let _eyes = eyes().await;
    let mut c = pay::container().await;
    seen();
    c.invoke_all((0..20).map(|n| if n % 5 == 0 { json!("late") } else { json!(n) })).await;
    let events = seen();
    let told = invocations(&events);
    assert_eq!(told.len(), 20);
    assert_eq!(told.iter().filter(|told| told.error.is_some()).count(), 4);
    assert_eq!(told.iter().filter(|told| told.cold_start).count(), 1);
    assert_eq!(told.iter().filter(|told| told.init_duration.is_some()).count(), 1);
    assert_eq!(told.iter().filter_map(|told| told.idle_gap).count(), 0, "never idle");
    let ids: BTreeSet<_> = told.iter().map(|told| &told.request_id).collect();
    assert_eq!(ids.len(), 20);
    let rate = rate::stats();
    let sums = told
        .iter()
        .fold((0, 0), |(hits, misses), told| (hits + told.cache_hits, misses + told.cache_misses));
    assert_eq!(sums, (rate.hits, rate.misses));
}

/// The log of a program whose subscriber panics at whatever the metrics log.
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
async fn a_log_that_panics_harms_nothing() {
    let _eyes = eyes().await;
    async {
        let mut c = pay::container().await;
        for _ in 0..3 {
            assert_eq!(c.invoke(1).await, Ok(json!(10)));
        }
        let events = seen();
        assert_eq!(invocations(&events).len(), 3, "the others are told, too");
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
    static LENT: Count = Count(AtomicU64::new(0));
    let _eyes = eyes().await;
    let shared = Arc::new(Count::default());
    rewarm::metrics::install(Arc::clone(&shared));
    rewarm::metrics::install(Arc::clone(&shared) as Arc<dyn Sink>);
    rewarm::metrics::install(Box::new(Arc::clone(&shared)) as Box<dyn Sink>);
    rewarm::metrics::install(&LENT);
    pay::container().await.invoke(1).await.unwrap();
    assert_eq!((shared.0.load(SeqCst), LENT.0.load(SeqCst)), (3, 1));
}

// Spans.

/// Keeps the fields of all spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span()
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        spans.push(fields);
        span::Id::from_u64(spans.len() as u64)
    }
    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        let place = span.into_u64() as usize - 1;
        values.record(&mut Fields(&mut self.0.lock().unwrap()[place]));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn spans_follow_the_conventions_for_faas() {
    let _eyes = eyes().await;
    let spans = Spans::default();
    async {
        let mut c = pay::container().await;
        c.invoke(1).await.unwrap();
        c.invoke("late").await.unwrap_err();
    }
    .with_subscriber(spans.clone())
    .await;
    let spans = spans.0.lock().unwrap();
    let [first, second] = &spans[..] else { panic!("{spans:?}") };
    let is = |fields: &BTreeMap<String, String>, expected: &[(&str, &str)]| {
        let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(fields, &expected.collect::<BTreeMap<String, String>>());
    };
    let common = |id, cold| {
        [
            ("requestId", id),
            ("faas.invocation_id", id),
            ("faas.coldstart", cold),
            ("faas.trigger", "other"),
            ("faas.name", "pay"),
            ("otel.name", "pay"),
            ("otel.kind", "server"),
        ]
    };
    is(first, &common("test-1", "true"));
    let failed = [
        ("otel.status_code", "ERROR"),
        ("otel.status_description", "the bank took too long"),
        ("error.type", "DeadlineExceeded"),
    ];
    is(second, &[&common("test-2", "false")[..], &failed[..]].concat());
}

#[tokio::test]
async fn the_log_says_which_invocation_a_line_is_of() {
    let api = RuntimeApi::start().await;
    let function = shop().spawn(&api);
    let event = Invocation::json(json!({ "do": "sell", "sku": 4 }));
    api.invoke_raw(event.request_id("r-4").trace_id("Root=1-x")).await.json();
    let line = function.wait_for_output("sku=4").await;
    for part in ["requestId=r-4", "xrayTraceId=Root=1-x", "faas.coldstart=true"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("otel."), "only exporters have use for that: {line}");
}

// A tower service, for those who have a runtime of their own.

#[tokio::test]
async fn a_service_is_told_of_too() {
    let _eyes = eyes().await;
    let c = pay::container().await;
    seen();
    let mut service = pay::service();
    let event = rewarm::LambdaEvent::new(json!(1), rewarm::Context::default());
    let answer = tower::Service::call(&mut service, event).await.map_err(Error::from);
    assert_eq!(answer.unwrap().get(), "10");
    let events = seen();
    assert_eq!(invocations(&events).len(), 1);
    drop(c);
}
