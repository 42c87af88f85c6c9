//! Streamed responses and HTTP.

use super::*;

/// `streams` and its Runtime API.
async fn start(run: &str) -> (RuntimeApi, Function) {
    let api = RuntimeApi::start().await;
    let function = Function::builder(STREAMS).env("RUN", run).env("GREETING", "Hello").spawn(&api);
    (api, function)
}

/// The prelude and the body of a streamed response.
#[track_caller]
fn parts(outcome: &Outcome) -> (Value, String) {
    let header = |name: &str| outcome.headers.get(name).map(str::to_owned);
    assert_eq!(header("lambda-runtime-function-response-mode").as_deref(), Some("streaming"));
    let kind = "application/vnd.awslambda.http-integration-response";
    assert_eq!(header("content-type").as_deref(), Some(kind));
    assert_eq!(header("transfer-encoding").as_deref(), Some("chunked"));
    let bytes = outcome.bytes();
    let end = bytes.windows(8).position(|bytes| bytes == [0; 8]).expect("eight zeros");
    let prelude = serde_json::from_slice(&bytes[..end]).expect("JSON before the zeros");
    (prelude, String::from_utf8(bytes[end + 8..].to_vec()).unwrap())
}

/// The error in the trailers.
#[track_caller]
fn trailing_error(outcome: &Outcome) -> Value {
    use base64::Engine;
    let body = outcome.trailers.get("lambda-runtime-function-error-body").expect("an error body");
    let error = base64::prelude::BASE64_STANDARD.decode(body).unwrap();
    let error: Value = serde_json::from_slice(&error).unwrap();
    assert_eq!(outcome.trailing_error_type(), error["errorType"].as_str());
    error
}

#[tokio::test]
async fn a_response_is_streamed() {
    let (api, _function) = start("pieces").await;
    for pieces in [2, 0, 2000] {
        let outcome = api.invoke(json!({ "pieces": pieces })).await;
        let (prelude, body) = parts(&outcome);
        let octets = json!({ "content-type": "application/octet-stream" });
        assert_eq!(prelude, json!({ "statusCode": 200, "headers": octets, "cookies": ["a=1"] }));
        let all: String = (0..pieces).map(|n| format!("{n} ")).collect();
        assert_eq!(body, all + "end");
        assert_eq!(outcome.trailing_error_type(), None);
    }
    api.wait_for_next().await;
    assert_eq!(api.polls(), 4);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_handler_that_fails_before_it_streams_reports_its_error() {
    let (api, _function) = start("pieces").await;
    let outcome = api.invoke(json!({})).await;
    assert_eq!(outcome.error().error_message, "how many pieces?");
    let outcome = api.invoke_raw(Invocation::raw("{")).await;
    assert_eq!(outcome.error().error_type, "InvalidEvent");
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_body_that_fails_has_its_error_in_the_trailers() {
    let (api, function) = start("pieces").await;
    for (then, error_type, message) in [
        ("fail", "Error", "the pipe burst"),
        ("panic", "Panic", "the plumber fell, at tests/bin/streams.rs:"),
        ("hang", "DeadlineExceeded", "the handler was cancelled 250ms before Lambda's deadline"),
    ] {
        let event = Invocation::json(json!({ "pieces": 3, "then": then }));
        let start = Instant::now();
        let outcome = api.invoke_raw(event.deadline(Duration::from_millis(500))).await;
        assert!(start.elapsed() < Duration::from_millis(500) || then != "hang");
        assert_eq!(parts(&outcome).1, "0 1 2 ", "the chunks before the error, and nothing more");
        let error = trailing_error(&outcome);
        assert_eq!(error["errorType"], error_type);
        assert!(error["errorMessage"].as_str().unwrap().starts_with(message), "{error}");
        function.wait_for_output(message).await;
    }
    let outcome = api.invoke(json!({ "pieces": 1 })).await;
    assert_eq!(parts(&outcome).1, "0 end");
    assert_no_violations(&api);
}

#[tokio::test]
async fn work_that_a_body_defers_runs_after_the_body() {
    let (api, _function) = start("pieces").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let outcome = api.invoke(json!({ "pieces": 0, "then": "defer", "address": address })).await;
    assert_eq!(parts(&outcome).1, "deferred");
    let (connection, _) = listener.accept().await.unwrap();
    let next = api.send(json!({ "pieces": 0 }));
    assert!(!next.is_delivered());
    assert_eq!(api.polls(), 1, "the next event was polled too early");
    drop(connection);
    assert_eq!(parts(&next.outcome().await).1, "end");
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_body_whose_destructor_panics_ends_and_its_deferred_work_runs() {
    let (api, function) = start("pieces").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let event = json!({ "pieces": 1, "then": "defer", "address": address, "bomb": true });
    let outcome = api.invoke(event).await;
    assert_eq!((parts(&outcome).1.as_str(), outcome.trailing_error_type()), ("0 deferred", None));
    drop(listener.accept().await.unwrap());
    function.wait_for_output("panic while dropping the body of a response").await;
    let outcome = api.invoke(json!({ "pieces": 1 })).await;
    assert_eq!(parts(&outcome).1, "0 end");
    assert_no_violations(&api);
}

#[tokio::test]
async fn eight_bodies_are_streamed_concurrently() {
    let api = RuntimeApi::start().await;
    let _function = Function::builder(STREAMS)
        .env("GREETING", "Hello")
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "8")
        .spawn(&api);
    let pending: Vec<_> = (0..80)
        .map(|n| {
            (n, api.send(json!({ "pieces": n, "then": if n % 8 == 0 { "fail" } else { "" } })))
        })
        .collect();
    for (n, pending) in pending {
        let outcome = pending.outcome().await;
        let all: String = (0..n).map(|n| format!("{n} ")).collect();
        match n % 8 {
            0 => assert_eq!(trailing_error(&outcome)["errorMessage"], "the pipe burst"),
            _ => assert_eq!(parts(&outcome).1, all + "end"),
        }
    }
    assert_no_violations(&api);
}

fn request() -> Value {
    serde_json::from_str(include_str!("../handler/events/function_url.json")).unwrap()
}

#[tokio::test]
async fn an_http_response_is_streamed() {
    let (api, _function) = start("page").await;
    let (prelude, body) = parts(&api.invoke(request()).await);
    let text = json!({ "content-type": "text/plain" });
    assert_eq!(prelude, json!({ "statusCode": 203, "headers": text, "cookies": [] }));
    assert_eq!(body, "/my/path, then more");
    let error = api.invoke(json!({ "warmup": true })).await.error().clone();
    assert_eq!(error.error_type, "InvalidEvent");
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_service_is_built_before_the_first_event() {
    let (api, function) = start("greeter").await;
    api.wait_for_next().await;
    function.wait_for_output("resource=\"greeter\"").await;
    for _ in 0..3 {
        let response = api.invoke(request()).await.json();
        assert_eq!(
            (&response["statusCode"], &response["body"]),
            (&json!(200), &json!("Hello, /my/path"))
        );
    }
    let starts = function.stdout().iter().filter(|line| line.contains("\"greeter\"")).count();
    assert_eq!(starts, 1);
    assert_no_violations(&api);
}

#[tokio::test]
async fn a_service_that_fails_to_build_fails_init() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(STREAMS).env("RUN", "greeter").spawn(&api);
    let error = api.wait_for_init_error().await;
    let message = "resource `greeter` is unavailable: resource `greeting` is unavailable: there is \
                   no greeting";
    assert_eq!(error.error_message, message);
    assert_eq!(function.wait().await.code(), Some(1));
    assert_eq!(api.polls(), 0);
}

#[tokio::test]
async fn a_streamed_response_is_one_line_without_lambda() {
    let api = RuntimeApi::start().await;
    let function = Function::builder(STREAMS)
        .outside_lambda()
        .env("GREETING", "Hello")
        .args(["--event={\"pieces\": 2}", "--event={\"pieces\": 2, \"then\": \"fail\"}"])
        .spawn(&api);
    assert_eq!(function.wait().await.code(), Some(1));
    let lines: Vec<Value> =
        function.stdout().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["body"], &lines[0]["isBase64Encoded"]),
        (&json!("0 1 end"), &json!(false))
    );
    assert_eq!(lines[1], json!({ "errorType": "Error", "errorMessage": "the pipe burst" }));
}

const LIMIT: Duration = Duration::from_secs(30);

/// Sends one event, and reads the request with the streamed response: its head, and as much of its
/// body as `read` reads. `accept` responds to the head at once, before the body.
async fn stream_to(
    deadline: Duration,
    pieces: usize,
    accept: bool,
    read_after: Option<Duration>,
) -> (Vec<u8>, Function) {
    use std::time::{SystemTime, UNIX_EPOCH};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let unused = RuntimeApi::start().await;
    let function = Function::builder(STREAMS)
        .env("GREETING", "hello")
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .spawn(&unused);
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + deadline;
    let event = format!("{{\"pieces\":{pieces}}}");
    let event = format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: one\r\n\
         Lambda-Runtime-Deadline-Ms: {}\r\nContent-Length: {}\r\n\r\n{event}",
        end.as_millis(),
        event.len()
    );
    let event = Arc::new(Mutex::new(Some(event)));
    let (sender, mut bodies) = tokio::sync::mpsc::channel(1);
    // The client may open a second connection before the first one is idle.
    let serve = async {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let (event, sender) = (Arc::clone(&event), sender.clone());
            let mut connection = BufReader::new(connection);
            tokio::spawn(async move {
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if connection.read_line(&mut head).await.unwrap() == 0 {
                            return;
                        }
                    }
                    if head.starts_with("POST") {
                        break;
                    }
                    let event = event.lock().unwrap().take();
                    match event {
                        Some(event) => connection.write_all(event.as_bytes()).await.unwrap(),
                        None => std::future::pending().await,
                    }
                }
                if accept {
                    let accepted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
                    connection.write_all(accepted).await.unwrap();
                }
                if let Some(pause) = read_after {
                    tokio::time::sleep(pause).await;
                }
                // The next request may follow in the same packet.
                const END: &[u8] = b"\r\n0\r\n\r\n";
                let mut body = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = connection.read(&mut buffer).await {
                    body.extend_from_slice(&buffer[..count]);
                    if let Some(at) = body.windows(END.len()).position(|bytes| bytes == END) {
                        body.truncate(at + END.len());
                        break;
                    }
                }
                sender.send(body).await.unwrap();
            });
        }
    };
    tokio::select! {
        body = bodies.recv() => (body.unwrap(), function),
        () = serve => unreachable!("it accepts connections until the body has been read"),
    }
}

#[tokio::test]
async fn a_body_is_sent_to_its_end_to_an_api_that_responds_early() {
    let streamed = stream_to(Duration::from_secs(20), 2000, true, None);
    let (body, _function) = tokio::time::timeout(LIMIT, streamed).await.unwrap();
    let text = String::from_utf8(body).unwrap();
    for piece in ["0 ", "1000 ", "1999 ", "end"] {
        assert!(text.contains(&format!("\r\n{piece}\r\n")), "{piece:?} was not sent");
    }
    assert!(text.ends_with("\r\n0\r\n\r\n"), "the body has its end");
    // `cargo lambda watch` wants the prelude and the separator in chunks of their own.
    assert!(text.contains("\r\n8\r\n\0\0\0\0\0\0\0\0\r\n"), "{text:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_has_a_body_cut_off_at_the_deadline() {
    let deadline = Duration::from_millis(800);
    let pause = Some(Duration::from_millis(2000));
    let streamed = stream_to(deadline, 3_000_000, false, pause);
    let (body, function) = tokio::time::timeout(LIMIT, streamed).await.unwrap();
    assert!(!body.ends_with(b"\r\n0\r\n\r\n"), "the body looks complete");
    function.wait_for_output("the body of the response was cut off").await;
}
