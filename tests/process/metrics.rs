//! CloudWatch's embedded metric format, reports, logs, and sinks that `main` installs.

use super::*;

fn shop() -> FunctionBuilder {
    Function::builder(env!("CARGO_BIN_EXE_shop")).env("RUST_BACKTRACE", "0")
}

async fn sell(api: &RuntimeApi) -> Value {
    api.invoke(json!({ "do": "sell", "sku": 1 })).await.json()
}

/// Waits for the metrics of the last invocation, and reads all metrics like CloudWatch.
async fn measured(api: &RuntimeApi, function: &Function, invocations: usize) -> Vec<EmfLine> {
    api.wait_for_next().await;
    let _ = function.wait_for_output(&format!("\"invocation\":{invocations},")).await;
    emf_lines(&function.stdout())
}

/// The events of a kind that the sink of the function has printed.
fn recorded(function: &Function, kind: &str) -> Vec<Value> {
    let events = function.stderr();
    let events = events.iter().filter_map(|line| line.strip_prefix("event after "));
    let events = events.filter_map(|line| line.split_once(": "));
    let events = events.map(|(_, json)| serde_json::from_str::<Value>(json).unwrap());
    events.filter(|event| event["event"] == kind).collect()
}

#[tokio::test]
async fn metrics_add_up_to_the_outcomes() {
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
    // The last invocation reads the statistics of the caches alone.
    let caches = sell(&api).await;
    let lines = measured(&api, &function, 100).await;

    assert_eq!(lines.len(), 100, "a ping is not an invocation");
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
    assert_eq!(of("InitDuration").len(), 1, "INIT is recorded once");
    let init = of("InitDuration")[0].as_f64().unwrap();
    assert!((20.0..2_000.0).contains(&init), "{init}");
    for line in &lines {
        let member = |name: &str| line.members[name].as_f64().unwrap();
        assert!(member("Duration") <= member("ContainerAge") + 10.0, "{line:?}");
        // Cancelled 250 ms before a deadline of 350 ms, on a busy machine.
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
async fn a_first_invocation_is_cold_only_on_demand() {
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
async fn invalid_dimension_values_are_replaced() {
    for (name, value) in [("Größe\n", "Gr??e?"), (" ", "unknown"), ("x y", "x y")] {
        let api = RuntimeApi::start().await;
        let function = shop().env("AWS_LAMBDA_FUNCTION_NAME", name).spawn(&api);
        sell(&api).await;
        let lines = measured(&api, &function, 1).await;
        assert_eq!(lines[0].metrics[0].dimensions[0].1, value);
    }
}

#[tokio::test]
async fn a_report_comes_every_tenth_invocation_and_at_shutdown() {
    let api = RuntimeApi::start().await;
    let function = shop().env("SINKS", "print").spawn(&api);
    for n in 0..12 {
        let deed = if n % 4 == 0 { "fail" } else { "sell" };
        api.invoke(json!({ "do": deed })).await;
    }
    api.wait_for_next().await;
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    let reports = recorded(&function, "report");
    let counts = |report: &Value| {
        ["invocations", "errors", "error_rate_percent"].map(|name| report[name].as_f64().unwrap())
    };
    let [tenth, last] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(counts(tenth), [10.0, 3.0, 30.0]);
    assert_eq!(counts(last), [12.0, 3.0, 25.0]);
    assert_eq!(recorded(&function, "shutdown").len(), 1);
    let log = function.stdout().join("\n");
    for part in ["invocations=10 errors=3 error_rate_percent=30.0", "uptime_s=0.", " shutdown"] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    let first = log.lines().find(|line| line.contains("resource=\"stock\"")).unwrap();
    assert!(first.contains(" init resource=\"stock\" ms="), "{first}");
}

#[tokio::test]
async fn a_sink_that_panics_does_not_fail_the_invocation() {
    let api = RuntimeApi::start().await;
    let function = shop().env("SINKS", "broken").spawn(&api);
    for _ in 0..10 {
        sell(&api).await;
    }
    let lines = measured(&api, &function, 10).await;
    assert_eq!(emf_sums(&lines)["Invocations"], 10.0);
    assert_eq!(recorded(&function, "invocation").len(), 10, "the other sinks receive their events");
    assert_eq!(recorded(&function, "init").len(), 1);
    let log = function.stdout();
    let logged = log.iter().filter(|line| line.contains("a metrics sink panicked"));
    assert_eq!(logged.count(), 1, "{log:?}");
    assert!(log.iter().any(|line| line.contains("no more paper, at ")), "{log:?}");
}

#[tokio::test]
async fn log_lines_have_the_request_id() {
    let api = RuntimeApi::start().await;
    let function = shop().spawn(&api);
    let event = Invocation::json(json!({ "do": "sell", "sku": 4 }));
    api.invoke_raw(event.request_id("r-4").trace_id("Root=1-x")).await.json();
    let line = function.wait_for_output("sku=4").await;
    for part in ["requestId=r-4", "xrayTraceId=Root=1-x", "faas.coldstart=true"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("otel."), "fields for exporters are not logged: {line}");
}
