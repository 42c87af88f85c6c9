//! The examples as processes, under the Runtime API and under the local runner, with databases in
//! files and an API of the tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rewarm_tests::{Backend, Function, Invocation, Local, RuntimeApi};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const AUTHORIZER: &str = env!("CARGO_BIN_EXE_authorizer");
const COGNITO_TRIGGER: &str = env!("CARGO_BIN_EXE_cognito_trigger");
const CONSUMER: &str = env!("CARGO_BIN_EXE_consumer");
const KINESIS_STREAM: &str = env!("CARGO_BIN_EXE_kinesis_stream");
const PRODUCER: &str = env!("CARGO_BIN_EXE_producer");
const CONNECTION_POOL: &str = env!("CARGO_BIN_EXE_connection_pool");
const ERROR_RECOVERY: &str = env!("CARGO_BIN_EXE_error_recovery");
const EVENT_PROCESSOR: &str = env!("CARGO_BIN_EXE_event_processor");

/// Asserts that each event has the same response in a cold container and in a warm one.
async fn assert_reuse_changes_nothing(program: &str, events: &[Value]) {
    let mut warm = Local::spawn(program, "2m", &[]);
    for event in events.iter().chain(events.iter().rev()) {
        let alone = Local::spawn(program, "0s", &[]).invoke(event.clone()).await;
        assert_eq!(warm.invoke(event.clone()).await, alone, "{event}");
    }
}

#[tokio::test]
async fn examples_respond_alike_cold_and_warm() {
    let users = [json!({ "user_id": 1 }), json!({ "user_id": 9 }), json!({ "user_id": "x" })];
    assert_reuse_changes_nothing(CONNECTION_POOL, &users).await;
    let jobs = [json!({ "steps": 2 }), json!({ "steps": 2, "fails_at": 1 }), json!({})];
    assert_reuse_changes_nothing(EVENT_PROCESSOR, &jobs).await;
}

// connection_pool

#[tokio::test]
async fn the_pool_has_sample_users_without_a_database() {
    let mut pool = Local::spawn(CONNECTION_POOL, "1m", &[]);
    for _ in 0..3 {
        let user = pool.invoke(json!({ "user_id": 2 })).await;
        assert_eq!(user, Ok(json!({ "id": 2, "name": "Grace" })));
    }
    let said = pool.stderr().join("\n");
    assert_eq!(said.matches("DATABASE_URL is not set").count(), 1, "{said}");
}

#[tokio::test]
async fn a_missing_database_fails_invocations_but_not_the_container() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("late.db");
    let _ = std::fs::remove_file(&file);
    let api = RuntimeApi::start().await;
    let url = format!("sqlite://{}", file.display());
    let function = Function::builder(CONNECTION_POOL).env("DATABASE_URL", url).spawn(&api);
    let event = json!({ "user_id": 1 });

    let outcome = api.invoke(event.clone()).await;
    assert_eq!(outcome.error().error_type, "ResourceUnavailable");
    assert!(outcome.error().error_message.contains("resource `db`"), "{:?}", outcome.error());

    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    let users = "CREATE TABLE users (id BIGINT, name TEXT); INSERT INTO users VALUES (1, 'Joan');";
    sqlx::raw_sql(users).execute(&mut connection).await.expect("users");
    tokio::time::sleep(Duration::from_millis(1100)).await; // `retry_after`
    assert_eq!(api.invoke(event.clone()).await.json()["name"], "Joan");

    // A failed query fails only its invocation.
    sqlx::raw_sql("ALTER TABLE users RENAME TO gone").execute(&mut connection).await.expect("gone");
    let outcome = api.invoke(event.clone()).await;
    assert!(outcome.error().error_message.contains("no such table"), "{:?}", outcome.error());
    sqlx::raw_sql("ALTER TABLE gone RENAME TO users").execute(&mut connection).await.expect("back");
    assert_eq!(api.invoke(event).await.json()["name"], "Joan");

    api.wait_for_next().await;
    function.signal("TERM");
    assert_eq!(function.wait().await.code(), Some(0));
    assert_eq!(api.init_errors().len(), 0);
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

// error_recovery

/// An API that is healthy while the test says so, and its number of requests to `/health`.
struct Weather {
    backend: Backend,
    healthy: Arc<AtomicBool>,
    checks: Arc<AtomicUsize>,
}

impl Weather {
    async fn start(healthy: bool) -> Self {
        let healthy = Arc::new(AtomicBool::new(healthy));
        let checks = Arc::new(AtomicUsize::new(0));
        let (health, count) = (Arc::clone(&healthy), Arc::clone(&checks));
        let backend = Backend::start(move |path, _| match (path, health.load(Ordering::SeqCst)) {
            ("/health", healthy) => {
                count.fetch_add(1, Ordering::SeqCst);
                (if healthy { 200 } else { 503 }, String::new())
            }
            ("/weather", true) => (200, json!({ "degrees": 3.5 }).to_string()),
            _ => (500, String::new()),
        });
        Self { backend: backend.await, healthy, checks }
    }

    fn is(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::SeqCst);
    }

    #[track_caller]
    fn assert_checks(&self, times: usize) {
        assert_eq!(self.checks.load(Ordering::SeqCst), times, "requests to /health");
    }
}

fn riga() -> Value {
    json!({ "city": "Riga" })
}

/// The response of a client of that age.
fn in_riga(client_age_s: u64) -> Result<Value, Value> {
    Ok(json!({ "city": "Riga", "degrees": 3.5, "client_age_s": client_age_s }))
}

#[track_caller]
fn assert_unavailable(response: Result<Value, Value>, why: &str) {
    let error = response.expect_err("the API is down");
    assert_eq!(error["errorType"], "ResourceUnavailable");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("`api`") && message.contains(why), "{message}");
}

#[tokio::test]
async fn a_failure_is_remembered_for_60_seconds_and_then_tried_again() {
    let weather = Weather::start(false).await;
    let url = weather.backend.url();
    let mut function = Local::spawn(ERROR_RECOVERY, "25s", &[("API_URL", &url)]);
    assert_unavailable(function.invoke(riga()).await, "503");
    weather.assert_checks(1);
    weather.is(true);
    for _ in ["25 s", "50 s"] {
        assert_unavailable(function.invoke(riga()).await, "503");
        weather.assert_checks(1);
    }
    assert_eq!(function.invoke(riga()).await, in_riga(0));
    weather.assert_checks(2);
    // Gaps of 25 seconds need no check.
    assert_eq!(function.invoke(riga()).await, in_riga(25));
    assert_eq!(function.invoke(riga()).await, in_riga(50));
    weather.assert_checks(2);
}

#[tokio::test]
async fn a_client_is_checked_after_an_idle_gap() {
    let weather = Weather::start(true).await;
    let url = weather.backend.url();
    let mut function = Local::spawn(ERROR_RECOVERY, "40s", &[("API_URL", &url)]);
    assert_eq!(function.invoke(riga()).await, in_riga(0));
    weather.assert_checks(1);
    assert_eq!(function.invoke(riga()).await, in_riga(40));
    weather.assert_checks(2);
    weather.is(false);
    assert_unavailable(function.invoke(riga()).await, "503");
    weather.assert_checks(4); // of the old client and of a new one
    weather.is(true);
    // The old client passes its check: a remembered failure does not take it away.
    assert_eq!(function.invoke(riga()).await, in_riga(120));
    weather.assert_checks(5);
    assert_eq!(function.invoke(riga()).await, in_riga(160));
    weather.assert_checks(6);
}

#[tokio::test]
async fn an_api_that_fails_a_call_fails_that_invocation() {
    let weather = Weather::start(true).await;
    let url = weather.backend.url();
    let mut function = Local::spawn(ERROR_RECOVERY, "1s", &[("API_URL", &url)]);
    assert_eq!(function.invoke(riga()).await, in_riga(0));
    weather.is(false);
    let error = function.invoke(riga()).await.expect_err("a call that fails");
    assert_eq!(error["errorType"], "Error");
    assert!(error["errorMessage"].to_string().contains("500"), "{error}");
    weather.is(true);
    assert_eq!(function.invoke(riga()).await, in_riga(2));
    weather.assert_checks(1);
}

#[tokio::test]
async fn without_an_api_there_is_sample_data_or_an_error() {
    let response = Local::spawn(ERROR_RECOVERY, "1s", &[]).invoke(riga()).await;
    assert_eq!(response, Ok(json!({ "city": "Riga", "degrees": 21.0, "client_age_s": 0 })));

    let url = Weather::start(true).await.backend.url(); // already stopped
    let mut function = Local::spawn(ERROR_RECOVERY, "1s", &[("API_URL", &url)]);
    assert_unavailable(function.invoke(riga()).await, "refused");
}

// event_processor

#[tokio::test]
async fn no_listener_outlives_its_invocation() {
    let api = RuntimeApi::start().await;
    let _function = Function::spawn(&api, EVENT_PROCESSOR);
    let completes = json!({ "steps": 2 });
    let assert_alone = async || {
        let receipt = api.invoke(completes.clone()).await.json();
        assert_eq!(receipt, json!({ "steps": 2, "listeners": 1 }));
    };
    assert_alone().await;

    let failed = api.invoke(json!({ "steps": 3, "fails_at": 2 })).await;
    assert_eq!(failed.error().error_message, "step 2 of 3 failed");
    assert_alone().await;

    let panicked = api.invoke(json!({ "steps": 3, "panics_at": 2 })).await;
    assert!(panicked.error().error_message.contains("the step panicked"), "{:?}", panicked.error());
    assert_alone().await;

    // Work that would take hours: the listener gives up 5 seconds before the deadline.
    let endless = Invocation::json(json!({ "steps": 1_000_000 })).deadline(Duration::from_secs(6));
    let outcome = api.invoke_raw(endless).await;
    let took = outcome.answered - outcome.delivered;
    assert!(
        outcome.error().error_message.starts_with("no outcome within"),
        "{:?}",
        outcome.error()
    );
    assert!((700..2500).contains(&took.as_millis()), "{took:?}");
    assert_alone().await;
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

#[tokio::test]
async fn concurrent_invocations_each_receive_their_own_events() {
    let api = RuntimeApi::start().await;
    let _function =
        Function::builder(EVENT_PROCESSOR).env("AWS_LAMBDA_MAX_CONCURRENCY", "8").spawn(&api);
    api.wait_for_pollers(8).await;
    let pending: Vec<_> = (1..=24)
        .map(|n| match n % 3 {
            0 => api.send(json!({ "steps": n, "fails_at": n })),
            _ => api.send(json!({ "steps": n })),
        })
        .collect();
    for (n, pending) in (1..).zip(pending) {
        let outcome = pending.outcome().await;
        match n % 3 {
            0 => assert_eq!(outcome.error().error_message, format!("step {n} of {n} failed")),
            _ => assert_eq!(outcome.json()["steps"], n),
        }
    }
    assert_eq!(api.invoke(json!({ "steps": 1 })).await.json()["listeners"], 1);
}

#[tokio::test]
async fn memory_is_flat_over_thousands_of_invocations() {
    let api = RuntimeApi::start().await;
    let function = Function::spawn(&api, EVENT_PROCESSOR);
    let invoke = async |times| {
        for n in 0..times {
            match n % 100 {
                0 => drop(api.invoke(json!({ "steps": 1, "fails_at": 1 })).await.error()),
                1 => drop(api.invoke(json!({ "steps": 1, "panics_at": 1 })).await.error()),
                _ => drop(api.invoke(json!({ "steps": 0 })).await.json()),
            }
        }
    };
    invoke(500).await;
    let before = function.resident_bytes();
    invoke(3000).await;
    let grown = function.resident_bytes().saturating_sub(before);
    assert!(grown < 512 * 1024, "{grown} bytes more after 3,000 invocations more");
}

// workspace

/// A message of SQS with this body.
fn message(id: &str, body: &Value) -> Value {
    json!({ "messageId": id, "body": body.to_string(), "eventSource": "aws:sqs" })
}

#[tokio::test]
async fn a_consumer_runs_without_the_configuration_of_the_producer() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jobs.db");
    let _ = std::fs::remove_file(&file);
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut consumer = Local::spawn(CONSUMER, "1m", &[("DATABASE_URL", &url)]);
    let event = json!({ "Records": [
        message("a", &json!({ "id": 1, "pages": 3 })),
        message("b", &json!({ "id": 2 })),
        message("c", &json!({ "id": 3, "pages": 1 })),
    ] });
    for _ in 0..2 {
        let response = consumer.invoke(event.clone()).await;
        assert_eq!(response, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] })));
    }
    let said = consumer.stderr().join("\n");
    assert!(!said.contains("queue"), "a resource that it does not need is left out: {said}");
    let mut connection = SqliteConnection::connect(&url).await.expect("the database");
    let done = sqlx::query_scalar::<_, i64>("SELECT id FROM done ORDER BY id");
    assert_eq!(done.fetch_all(&mut connection).await.expect("jobs"), [1, 3]);
}

#[tokio::test]
async fn a_producer_needs_its_queue_and_nothing_else() {
    // A database that cannot be opened: the producer does not need it.
    let database = ("DATABASE_URL", "sqlite:///none/jobs.db");
    let api = RuntimeApi::start().await;
    let producer = Function::builder(PRODUCER).env(database.0, database.1).spawn(&api);
    assert!(!producer.wait().await.success());
    let [error] = &api.init_errors()[..] else { panic!("{:?}", api.init_errors()) };
    assert_eq!(error.error_message, "resource `queue` is unavailable: QUEUE_URL is not set");

    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let queue = Backend::start(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        (200, String::new())
    });
    let queue = queue.await;
    let mut producer = Local::spawn(PRODUCER, "1m", &[("QUEUE_URL", &queue.url()), database]);
    for id in 1..=3 {
        assert_eq!(producer.invoke(json!({ "id": id, "pages": 1 })).await, Ok(Value::Null));
    }
    let refused = producer.invoke(json!({ "id": 4, "pages": 0 })).await.unwrap_err();
    assert_eq!(refused["errorMessage"], "a job has at least one page");
    assert_eq!(sent.load(Ordering::SeqCst), 3);
}

// kinesis_stream, cognito_trigger, authorizer

#[tokio::test]
async fn a_batch_is_delivered_again_from_the_record_that_failed() {
    use base64::Engine;
    let record = |number: &str, body: &str| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "s1",
                "sequenceNumber": number,
                "data": base64::engine::general_purpose::STANDARD.encode(body),
                "approximateArrivalTimestamp": 1480641523.477
            },
            "eventSource": "aws:kinesis",
            "eventID": format!("shardId-000000000000:{number}"),
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/sales"
        })
    };
    let sale = r#"{"sku":"tea","cents":450}"#;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sales.db");
    let _ = std::fs::remove_file(&file);
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut stream = Local::spawn(KINESIS_STREAM, "1m", &[("DATABASE_URL", &url)]);
    let event = json!({ "Records": [record("1", sale), record("2", "tea"), record("3", sale)] });
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] });
    assert_eq!(stream.invoke(event).await, Ok(failed));
    let event = json!({ "Records": [record("1", sale), record("3", sale)] });
    assert_eq!(stream.invoke(event).await, Ok(json!({ "batchItemFailures": [] })));
    let mut connection = SqliteConnection::connect(&url).await.expect("the database");
    let total = sqlx::query_scalar::<_, i64>("SELECT SUM(cents) FROM sale");
    let total = total.fetch_one(&mut connection).await.expect("sales");
    assert_eq!(total, 900, "each record counts once");
}

#[tokio::test]
async fn only_some_domains_may_sign_up() {
    let event = |email: &str| {
        json!({
            "version": "1",
            "triggerSource": "PreSignUp_SignUp",
            "region": "eu-central-1",
            "userPoolId": "pool",
            "userName": "ada",
            "callerContext": { "awsSdkVersion": "3", "clientId": "web" },
            "request": {
                "userAttributes": { "email": email },
                "validationData": null,
                "clientMetadata": { "from": "app" }
            },
            "response": {
                "autoConfirmUser": false,
                "autoVerifyEmail": false,
                "autoVerifyPhone": false
            }
        })
    };
    let domains = [("ALLOWED_DOMAINS", "example.com, Example.org")];
    let mut trigger = Local::spawn(COGNITO_TRIGGER, "1m", &domains);
    let response = trigger.invoke(event("ada@EXAMPLE.org")).await.expect("allowed");
    assert_eq!(response["response"]["autoConfirmUser"], true);
    assert_eq!(response["userName"], "ada", "Cognito wants the event back");
    let refused = trigger.invoke(event("ada@example.net")).await.unwrap_err();
    assert_eq!(refused["errorMessage"], "addresses of this domain cannot sign up");
    let mut without = Local::spawn(COGNITO_TRIGGER, "1m", &[]);
    let error = without.invoke(event("ada@example.com")).await.unwrap_err();
    assert_eq!(error["errorType"], "ResourceUnavailable");
}

#[tokio::test]
async fn a_token_is_looked_up_once() {
    let request = |authorization: &str| {
        json!({
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:api/test/GET/orders",
            "identitySource": [authorization],
            "routeKey": "$default",
            "rawPath": "/orders",
            "rawQueryString": "",
            "headers": { "Authorization": authorization },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "http": {
                    "method": "GET",
                    "path": "/orders",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.1",
                    "userAgent": "agent"
                },
                "requestId": "id",
                "routeKey": "$default",
                "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1583348638390_u64
            }
        })
    };
    let mut authorizer = Local::spawn(AUTHORIZER, "1s", &[]);
    for _ in 0..3 {
        let response = authorizer.invoke(request("Bearer t-1")).await;
        assert_eq!(response, Ok(json!({ "isAuthorized": true, "context": { "user": "Ada" } })));
    }
    for refused in ["Bearer t-2", "Basic t-1", ""] {
        let response = authorizer.invoke(request(refused)).await;
        assert_eq!(response, Ok(json!({ "isAuthorized": false, "context": { "user": null } })));
    }
}
