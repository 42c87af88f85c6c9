//! The examples against the real services: MariaDB, PostgreSQL, moto for AWS; and release binaries
//! under AWS's Runtime Interface Emulator and under cargo-lambda. `scripts/services.sh` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rewarm_tests::services::{Service, free_port, program};
use rewarm_tests::{Backend, Function, Local, RuntimeApi, build_binary, request, runs_all};
use serde_json::{Value, json};

/// The reason why a short run leaves out the tests of databases and of AWS.
const BUILDS_EXAMPLES: &str = "it builds database drivers and the AWS SDK, which takes minutes";

/// The reason why a short run leaves out the tests of runtimes.
const BUILDS_RELEASE: &str = "it builds the release build of an example, which takes minutes";

/// An example with all its features. One build serves all of them.
fn example(name: &str) -> PathBuf {
    let example = format!("--example={name}");
    build_binary(&["--package=rewarm-examples", "--features=aws,mysql,postgres", &example])
}

fn connection_pool() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| example("connection_pool"))
}

/// The release build of the quickstart, as it is deployed.
fn quickstart() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        build_binary(&["--release", "--package=rewarm-examples", "--example=quickstart"])
    })
}

// connection_pool

#[tokio::test]
async fn a_function_survives_restarts_of_mariadb() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(mut mariadb) = Service::mariadb() else { return };
    let url = format!("mysql://app:app@127.0.0.1:{}/test", mariadb.port());
    comes_and_goes(&mut mariadb, &url).await;
    comes_late(&mut mariadb, &url).await;
    goes_in_an_idle_gap(&mut mariadb, &url).await;
}

#[tokio::test]
async fn a_function_survives_restarts_of_postgres() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(mut postgres) = Service::postgres() else { return };
    let url = format!("postgres://app@127.0.0.1:{}/postgres", postgres.port());
    comes_and_goes(&mut postgres, &url).await;
    comes_late(&mut postgres, &url).await;
    goes_in_an_idle_gap(&mut postgres, &url).await;
}

fn ada() -> Value {
    json!({ "id": 1, "name": "Ada" })
}

/// The database is killed and restarted between two invocations: the second succeeds. While the
/// database is down, an invocation fails in time, and the container survives.
async fn comes_and_goes(database: &mut Service, url: &str) {
    let api = RuntimeApi::start().await;
    let function = Function::builder(connection_pool()).env("DATABASE_URL", url).spawn(&api);
    let event = json!({ "user_id": 1 });
    for _ in ["cold", "warm"] {
        assert_eq!(api.invoke(event.clone()).await.json(), ada());
    }
    let outcome = api.invoke(json!({ "user_id": 2 })).await;
    assert_eq!(outcome.error().error_message, "there is no user 2");

    database.kill();
    database.restart();
    assert_eq!(api.invoke(event.clone()).await.json(), ada());

    database.kill();
    let outcome = api.invoke(event.clone()).await;
    let took = outcome.answered - outcome.delivered;
    assert!(outcome.result.is_err(), "{:?}", outcome.result);
    assert!(took < Duration::from_secs(8), "{took:?}");
    database.restart();
    assert_eq!(api.invoke(event).await.json(), ada());
    assert_eq!(function.exit_status(), None);
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

/// The database is down in INIT: the container works as soon as it is up.
async fn comes_late(database: &mut Service, url: &str) {
    database.kill();
    let api = RuntimeApi::start().await;
    let _function = Function::builder(connection_pool()).env("DATABASE_URL", url).spawn(&api);
    let outcome = api.invoke(json!({ "user_id": 1 })).await;
    assert_eq!(outcome.error().error_type, "ResourceUnavailable");
    database.restart();
    tokio::time::sleep(Duration::from_millis(1100)).await; // `retry_after`
    assert_eq!(api.invoke(json!({ "user_id": 1 })).await.json(), ada());
    assert!(api.init_errors().is_empty(), "{:?}", api.init_errors());
}

/// The database is restarted in an idle gap: the pool is checked before the handler runs.
async fn goes_in_an_idle_gap(database: &mut Service, url: &str) {
    let mut function = Local::spawn(connection_pool(), "1h", &[("DATABASE_URL", url)]);
    let event = json!({ "user_id": 1 });
    assert_eq!(function.invoke(event.clone()).await, Ok(ada()));
    database.kill();
    database.restart();
    assert_eq!(function.invoke(event.clone()).await, Ok(ada()));
    database.kill();
    let error = function.invoke(event.clone()).await.expect_err("the database is down");
    assert_eq!(error["errorType"], "ResourceUnavailable", "{error}");
    database.restart();
    assert_eq!(function.invoke(event).await, Ok(ada()));
}

#[tokio::test]
async fn the_pool_closes_its_connections_at_shutdown() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(mariadb) = Service::mariadb() else { return };
    let url = format!("mysql://app:app@127.0.0.1:{}/test", mariadb.port());
    let api = RuntimeApi::start().await;
    let aborted = || mariadb.log().matches("to db: 'test' user: 'app'").count();
    for (signal, expected) in [("TERM", 0), ("KILL", 1)] {
        let function = Function::builder(connection_pool()).env("DATABASE_URL", &url).spawn(&api);
        assert_eq!(api.invoke(json!({ "user_id": 1 })).await.json(), ada());
        api.wait_for_next().await;
        function.signal(signal);
        function.wait().await;
        let start = Instant::now();
        while aborted() < expected && start.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(aborted(), expected, "after SIG{signal}\n{}", mariadb.log());
    }
}

// On AWS's services

/// The server of moto, and the calls that the tests need.
struct Aws(Service);

impl Aws {
    fn start() -> Option<Self> {
        Service::moto().map(Self)
    }

    fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.0.port())),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    /// Calls an operation in the JSON protocol of a service.
    async fn call(&self, service: &str, target: &str, body: Value) {
        let kind = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target)];
        self.send(service, "POST", "/", &kind, &body.to_string()).await;
    }

    async fn put_object(&self, bucket: &str, key: &str, text: &str) {
        self.send("s3", "PUT", &format!("/{bucket}"), &[], "").await;
        self.send("s3", "PUT", &format!("/{bucket}/{key}"), &[], text).await;
    }

    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let credential = format!("test/20260101/us-east-1/{service}/aws4_request");
        let signature =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        let mut headers = headers.to_vec();
        headers.push(("Authorization", &signature));
        let response = request(self.0.port(), method, path, &headers, body).await;
        let (status, text) = response.expect("a response of moto");
        assert!(status < 300, "{method} {path} {headers:?}: {status} {text}");
    }

    /// The number of its responses.
    fn requests(&self) -> usize {
        self.0.log().matches(" HTTP/1.").count()
    }

    async fn put_parameters(&self) {
        for (name, kind, value) in
            [("/shop/currency", "String", "EUR"), ("/shop/tax_percent", "SecureString", "20")]
        {
            let body = json!({ "Name": name, "Type": kind, "Value": value, "Overwrite": true });
            self.call("ssm", "AmazonSSM.PutParameter", body).await;
        }
    }

    async fn delete_parameters(&self) {
        let body = json!({ "Names": ["/shop/currency", "/shop/tax_percent"] });
        self.call("ssm", "AmazonSSM.DeleteParameters", body).await;
    }

    async fn create_secret(&self, text: &str) {
        let body = json!({ "Name": "shop/payments", "SecretString": text });
        self.call("secretsmanager", "secretsmanager.CreateSecret", body).await;
    }

    async fn rotate_secret(&self, text: &str) {
        let body = json!({ "SecretId": "shop/payments", "SecretString": text });
        self.call("secretsmanager", "secretsmanager.PutSecretValue", body).await;
    }
}

/// A service with a password, and its number of requests.
async fn payments(password: &str) -> (Backend, Arc<Mutex<(String, usize)>>) {
    let state = Arc::new(Mutex::new((password.to_owned(), 0)));
    let shared = Arc::clone(&state);
    let backend = Backend::start(move |_, headers| {
        let mut state = shared.lock().expect("the state of payments");
        state.1 += 1;
        let wanted = format!("Bearer {}", state.0);
        (if headers.get("authorization") == Some(&wanted) { 200 } else { 401 }, String::new())
    });
    (backend.await, state)
}

/// The example under its local runner, on moto.
fn cached_config(program: &Path, idle: &str, aws: &Aws, payments: &Backend) -> Local {
    let environment = aws.environment();
    let url = payments.url();
    let mut environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
    environment.push(("PAYMENTS_URL", &url));
    Local::spawn(program, idle, &environment)
}

fn order() -> Value {
    json!({ "net": 100.0 })
}

fn bill() -> Value {
    json!({ "total": 120.0, "currency": "EUR" })
}

#[tokio::test]
async fn parameters_are_stale_for_one_hour_at_most() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(aws) = Aws::start() else { return };
    let program = example("cached_config");
    let (payments, _) = payments("sesame").await;
    aws.put_parameters().await;
    aws.create_secret("sesame").await;
    let mut function = cached_config(&program, "20m", &aws, &payments);
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    aws.delete_parameters().await;
    for minutes in [20, 40, 60] {
        assert_eq!(function.invoke(order()).await, Ok(bill()), "after {minutes} minutes");
    }
    let error = function.invoke(order()).await.expect_err("80 minutes are too many");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("there is no parameter /shop/currency"), "{error}");
    aws.put_parameters().await;
    assert_eq!(function.invoke(order()).await, Ok(bill()));
}

#[tokio::test]
async fn cached_values_outlast_an_outage_of_aws() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(mut aws) = Aws::start() else { return };
    let program = example("cached_config");
    let (payments, _) = payments("sesame").await;
    aws.put_parameters().await;
    aws.create_secret("sesame").await;
    let mut function = cached_config(&program, "6m", &aws, &payments);
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    let requests = aws.requests();
    aws.0.kill();
    for minutes in [6, 12] {
        assert_eq!(function.invoke(order()).await, Ok(bill()), "after {minutes} minutes");
    }
    // The secret is 15 minutes old at most.
    function.invoke(order()).await.expect_err("18 minutes are too many for a secret");
    aws.0.restart();
    aws.put_parameters().await;
    aws.create_secret("sesame").await;
    let before = aws.requests();
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    assert_eq!(aws.requests() - before, requests - 3, "the fetches of a cold container");
}

#[tokio::test]
async fn a_rotated_secret_is_fetched_once_after_it_is_refused() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(aws) = Aws::start() else { return };
    let program = example("cached_config");
    let (payments, state) = payments("sesame").await;
    aws.put_parameters().await;
    aws.create_secret("sesame").await;
    let mut function = cached_config(&program, "1s", &aws, &payments);
    let tries = || state.lock().expect("the state of payments").1;
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    assert_eq!(tries(), 2);

    aws.rotate_secret("open").await;
    state.lock().expect("the state of payments").0 = "open".to_owned();
    let before = aws.requests();
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    assert_eq!((aws.requests() - before, tries()), (1, 4));
    assert_eq!(function.invoke(order()).await, Ok(bill()));
    assert_eq!((aws.requests() - before, tries()), (1, 5));

    // A new secret that is refused is an error after one more fetch.
    state.lock().expect("the state of payments").0 = "another".to_owned();
    let error = function.invoke(order()).await.expect_err("a wrong password");
    assert_eq!(error["errorMessage"], "the payment was refused: 401 Unauthorized");
    assert_eq!((aws.requests() - before, tries()), (2, 7));
    let stderr = function.stderr().join("\n");
    assert!(!stderr.contains("sesame") && !stderr.contains("open"), "{stderr}");
}

#[tokio::test]
async fn a_function_survives_an_outage_of_s3_and_dynamodb() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let Some(mut aws) = Aws::start() else { return };
    let program = example("sdk_clients");
    let api = RuntimeApi::start().await;
    let mut function = Function::builder(program);
    for (key, value) in aws.environment() {
        function = function.env(key, value);
    }
    let function = function.spawn(&api);
    let event = json!({ "order": "7" });
    let expected = json!({ "status": "paid", "invoice": "one pot" });

    let outcome = api.invoke(event.clone()).await;
    assert!(outcome.result.is_err(), "there is no table and no bucket");
    put_order(&aws).await;
    for _ in ["first", "second"] {
        assert_eq!(api.invoke(event.clone()).await.json(), expected);
    }
    let outcome = api.invoke(json!({ "order": "8" })).await;
    assert!(outcome.result.is_err(), "{:?}", outcome.result);

    aws.0.kill();
    let outcome = api.invoke(event.clone()).await;
    let took = outcome.answered - outcome.delivered;
    assert!(outcome.result.is_err() && took < Duration::from_secs(4), "{took:?}");
    aws.0.restart();
    put_order(&aws).await;
    assert_eq!(api.invoke(event).await.json(), expected);
    assert_eq!(function.exit_status(), None);
    assert!(api.violations().is_empty(), "{:?}", api.violations());
}

async fn put_order(aws: &Aws) {
    let table = json!({
        "TableName": "orders",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    aws.call("dynamodb", "DynamoDB_20120810.CreateTable", table).await;
    let item = json!({ "id": { "S": "7" }, "status": { "S": "paid" } });
    let put = json!({ "TableName": "orders", "Item": item });
    aws.call("dynamodb", "DynamoDB_20120810.PutItem", put).await;
    aws.put_object("invoices", "invoices/7.txt", "one pot").await;
}

/// Each service responds after a request to the other one, or fails after one second.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s3_and_dynamodb_are_requested_concurrently() {
    if !runs_all(BUILDS_EXAMPLES) {
        return;
    }
    let program = example("sdk_clients");
    let (requests, arrived) = (Mutex::new(0), Condvar::new());
    let is_alone = move || {
        let mut requests = requests.lock().expect("the number of requests");
        *requests += 1;
        arrived.notify_all();
        let both = *requests + *requests % 2;
        let waited = arrived.wait_timeout_while(requests, Duration::from_secs(1), |n| *n < both);
        waited.expect("the number of requests").1.timed_out()
    };
    let backend = Backend::start(move |_, headers| {
        if tokio::task::block_in_place(&is_alone) {
            return (400, "alone".to_owned());
        }
        match headers.get("x-amz-target") {
            Some(_) => (200, json!({ "Item": { "status": { "S": "paid" } } }).to_string()),
            None => (200, "one pot".to_owned()),
        }
    })
    .await;
    let url = backend.url();
    let environment = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ];
    let mut function = Local::spawn(program, "1s", &environment);
    for _ in ["cold", "warm"] {
        let response = function.invoke(json!({ "order": "7" })).await;
        assert_eq!(response, Ok(json!({ "status": "paid", "invoice": "one pot" })));
    }
}

// Real runtimes

const INVOCATIONS: &str = "/2015-03-31/functions/function/invocations";

/// The emulator of Lambda with the release build of `quickstart`.
fn emulator(environment: &[(&str, &str)]) -> Option<Service> {
    if !runs_all(BUILDS_RELEASE) {
        return None;
    }
    let emulator = program("aws-lambda-rie")?;
    let runtime_api = format!("127.0.0.1:{}", free_port());
    let function = quickstart().display().to_string();
    let arguments = [
        "--runtime-interface-emulator-address",
        "127.0.0.1:{port}",
        "--runtime-api-address",
        &runtime_api,
        &function,
    ];
    Some(Service::start(emulator, &arguments, environment))
}

async fn post(service: &Service, path: &str, event: Value) -> (u16, Value) {
    let response = request(service.port(), "POST", path, &[], &event.to_string()).await;
    let (status, body) = response.unwrap_or_else(|error| panic!("{error}\n{}", service.log()));
    let body = serde_json::from_str(&body);
    (status, body.unwrap_or_else(|error| panic!("{error}\n{}", service.log())))
}

#[tokio::test]
async fn the_emulator_serves_cold_and_warm() {
    let Some(emulator) = emulator(&[]) else { return };
    for quantity in [1, 2, 3] {
        let response =
            post(&emulator, INVOCATIONS, json!({ "sku": "tea", "quantity": quantity })).await;
        assert_eq!(response, (200, json!({ "sku": "tea", "total_cents": 540 * quantity })));
    }
    let (_, error) = post(&emulator, INVOCATIONS, json!({ "sku": "car" })).await;
    assert_eq!(error["errorMessage"], "there is no product \"car\"");
    let (_, error) = post(&emulator, INVOCATIONS, json!({ "sku": 1 })).await;
    assert_eq!(error["errorType"], "InvalidEvent");
    let response = post(&emulator, INVOCATIONS, json!({ "sku": "pot" })).await;
    assert_eq!(response, (200, json!({ "sku": "pot", "total_cents": 3480 })));
    let inits = emulator.log().matches("init resource").count();
    assert_eq!(inits, 1, "one container for all\n{}", emulator.log());
}

#[tokio::test]
async fn the_emulator_reports_a_failed_init() {
    let Some(emulator) = emulator(&[("TAX_PERCENT", "much")]) else { return };
    let (_, error) = post(&emulator, INVOCATIONS, json!({ "sku": "tea" })).await;
    assert_eq!(error["errorType"], "ResourceUnavailable", "{error}");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("invalid digit"), "{error}");
}

/// `cargo lambda watch`, which does not build the function.
fn watch(cargo_lambda: PathBuf) -> Service {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let arguments = [
        "lambda",
        "watch",
        "--invoke-address=127.0.0.1",
        "--invoke-port={port}",
        "--only-lambda-apis",
        "--manifest-path",
        manifest,
    ];
    Service::start(cargo_lambda, &arguments, &[])
}

/// A function under `cargo lambda watch`. `unused` shows its output where a wait fails.
fn watched(program: &Path, watch: &Service, unused: &RuntimeApi) -> Function {
    Function::builder(program)
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{}/.rt", watch.port()))
        .env("AWS_LAMBDA_FUNCTION_NAME", "_")
        .env("GREETING", "hello")
        .spawn(unused)
}

#[tokio::test]
async fn cargo_lambda_receives_streamed_bodies_in_whole() {
    let Some(cargo_lambda) = program("cargo-lambda") else { return };
    let watch = watch(cargo_lambda);
    let api = RuntimeApi::start().await;
    let function = watched(Path::new(env!("CARGO_BIN_EXE_streams")), &watch, &api);
    for pieces in [0, 1, 500] {
        let event = json!({ "pieces": pieces }).to_string();
        let path = "/2015-03-31/functions/_/invocations";
        let (status, body) = request(watch.port(), "POST", path, &[], &event).await.unwrap();
        let mut expected: String = (0..pieces).map(|n| format!("{n} ")).collect();
        expected.push_str("end");
        assert_eq!((status, body.ends_with(&expected)), (200, true), "{body}\n{}", watch.log());
    }
    assert_eq!(function.exit_status(), None);
}

#[tokio::test]
async fn cargo_lambda_watches_and_invokes() {
    if !runs_all(BUILDS_RELEASE) {
        return;
    }
    let Some(cargo_lambda) = program("cargo-lambda") else { return };
    let watch = watch(cargo_lambda.clone());
    let port = watch.port().to_string();
    let api = RuntimeApi::start().await;
    let function = watched(quickstart(), &watch, &api);
    let invoke = |event: Value| {
        let output = Command::new(&cargo_lambda)
            .args(["lambda", "invoke", "-A", "127.0.0.1", "-P", &port])
            .args(["_", "--data-ascii", &event.to_string()])
            .output()
            .expect("run cargo lambda invoke");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    for (n, init) in [(1, "cold"), (2, "warm"), (3, "warm")] {
        let (response, problem) = invoke(json!({ "sku": "tea", "quantity": n }));
        let response: Value = serde_json::from_str(&response).unwrap_or_else(|error| {
            panic!("{init}: {error}: {response}{problem}\n{}", watch.log());
        });
        assert_eq!(response, json!({ "sku": "tea", "total_cents": 540 * n }));
    }
    let (response, problem) = invoke(json!({ "sku": "car" }));
    assert!(format!("{response}{problem}").contains("there is no product"), "{response}{problem}");
    assert_eq!(function.exit_status(), None);
    assert_eq!(api.polls(), 0);
}

#[test]
fn the_deployment_template_is_valid() {
    let Some(cfn_lint) = program("cfn-lint") else { return };
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/deploy/template.yaml");
    let output = Command::new(cfn_lint).args(["--include-checks", "I", "--", template]).output();
    let output = output.expect("run cfn-lint");
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}{}", String::from_utf8_lossy(&output.stderr));
}
