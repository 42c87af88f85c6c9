//! A Runtime API that sends nonsense, breaks connections and refuses responses: every event that has
//! a request id gets one response or error, and the process goes on.

use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::*;

/// A request to a response or error path: the path and the body.
type Post = (String, String);

/// A Runtime API that follows a script.
struct Scripted {
    address: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

/// The bytes of a reply. The connection is closed after them if they do not end a response.
type Script = Vec<&'static str>;

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
const CLOSE: &str = "";

impl Scripted {
    /// Replies to polls and to posts in turn. When the script of polls has ended, polls wait; when
    /// that of posts has, they are accepted.
    async fn start(polls: Script, posts: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let scripts = Arc::new(Mutex::new((VecDeque::from(polls), VecDeque::from(posts))));
        let posts = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (posts, scripts) = (Arc::clone(&posts), Arc::clone(&scripts));
                tokio::spawn(async move {
                    let mut connection = BufReader::new(connection);
                    while let Some((path, body)) = request(&mut connection).await {
                        let reply = if path.ends_with("/next") {
                            scripts.lock().unwrap().0.pop_front()
                        } else {
                            posts.lock().unwrap().push((path, body));
                            Some(scripts.lock().unwrap().1.pop_front().unwrap_or(ACCEPTED))
                        };
                        let Some(reply) = reply else {
                            return std::future::pending().await;
                        };
                        let _ = connection.write_all(reply.as_bytes()).await;
                        // A script's broken replies announce more than they send.
                        if reply == CLOSE || reply.contains("Content-Length: 999") {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, posts: received }
    }

    /// Starts `faults` with this API.
    async fn function(&self) -> Function {
        let unused = RuntimeApi::start().await;
        Function::builder(FAULTS).env("AWS_LAMBDA_RUNTIME_API", &self.address).spawn(&unused)
    }

    /// Waits until there are that many posts.
    async fn posts(&self, count: usize) -> Vec<Post> {
        let start = Instant::now();
        loop {
            let posts = self.posts.lock().unwrap().clone();
            if posts.len() >= count {
                return posts;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{count} posts of {posts:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn request(connection: &mut BufReader<TcpStream>) -> Option<Post> {
    let (mut path, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if path.is_none() {
            path = line.split(' ').nth(1).map(str::to_owned);
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    Some((path?, String::from_utf8(body).ok()?))
}

/// An event with these headers beside its request id.
macro_rules! event {
    ($id:literal, $headers:literal, $body:literal) => {
        concat!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ",
            $id,
            "\r\n",
            $headers,
            "Transfer-Encoding: chunked\r\n\r\n",
            $body,
        )
    };
}

/// A chunked body: the event that `faults` answers.
macro_rules! answered {
    ($id:literal, $headers:literal) => {
        event!($id, $headers, "16\r\n{\"do\":\"answer\",\"id\":1}\r\n0\r\n\r\n")
    };
}

/// The paths and error types of posts.
fn outcomes(posts: &[Post]) -> Vec<String> {
    let outcome = |(path, body): &Post| {
        let mut parts = path.rsplit('/');
        let (kind, id) = (parts.next().unwrap(), parts.next().unwrap());
        let body: Value = serde_json::from_str(body).unwrap();
        let error_type = body["errorType"].as_str().unwrap_or("");
        format!("{id} {kind} {error_type}").trim_end().to_owned()
    };
    posts.iter().map(outcome).collect()
}

#[tokio::test]
async fn an_event_with_headers_that_make_no_sense_is_handled() {
    let api = Scripted::start(
        vec![
            answered!("a", "Lambda-Runtime-Client-Context: {\"custom\":{\"a\":1}}\r\n"),
            answered!("b", "Lambda-Runtime-Client-Context: {\"client\":{}}\r\n"),
            answered!("c", "Lambda-Runtime-Cognito-Identity: {}\r\n"),
            answered!("d", "Lambda-Runtime-Deadline-Ms: soon\r\n"),
            answered!("e", ""),
        ],
        Vec::new(),
    )
    .await;
    let function = api.function().await;
    let posts = api.posts(5).await;
    assert_eq!(
        outcomes(&posts),
        ["a response", "b response", "c response", "d response", "e response"]
    );
    function.wait_for_output("ignored a header of an event").await;
}

#[tokio::test]
async fn a_poll_that_fails_is_repeated_and_a_body_that_breaks_off_is_an_error() {
    let api = Scripted::start(
        vec![
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nlate",
            CLOSE,
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: cut\r\nContent-Length: 999\r\n\r\n{\"do\"",
            answered!("whole", ""),
        ],
        Vec::new(),
    )
    .await;
    let function = api.function().await;
    let posts = api.posts(2).await;
    assert_eq!(outcomes(&posts), ["cut error InvalidEvent", "whole response"]);
    assert!(posts[0].1.contains("the event did not arrive in whole"), "{}", posts[0].1);
    function.wait_for_output("failed to poll the next event; retrying").await;
    let retries = function.stdout().iter().filter(|line| line.contains("retrying")).count();
    assert!(retries <= 2, "one line for each row of failures: {retries}");
}

#[tokio::test]
async fn a_response_that_is_refused_is_an_error_with_the_explanation() {
    let api = Scripted::start(
        vec![answered!("large", ""), answered!("next", "")],
        vec!["HTTP/1.1 413 Payload Too Large\r\nContent-Length: 22\r\n\r\nExceeded maximum size."],
    )
    .await;
    let function = api.function().await;
    assert_eq!(outcomes(&api.posts(2).await), ["large response", "next response"]);
    let line = function.wait_for_output("failed to send the response").await;
    assert!(line.contains("413 Payload Too Large: Exceeded maximum size."), "{line}");
}

#[tokio::test]
async fn a_response_whose_connection_breaks_is_sent_again() {
    let api =
        Scripted::start(vec![answered!("once", ""), answered!("next", "")], vec![CLOSE]).await;
    let _function = api.function().await;
    let posts = api.posts(3).await;
    assert_eq!(outcomes(&posts), ["once response", "once response", "next response"]);
    assert_eq!(posts[0].1, posts[1].1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_exceeded_at_once() {
    let hang = event!(
        "late",
        "Lambda-Runtime-Deadline-Ms: 1000\r\n",
        "d\r\n{\"do\":\"hang\"}\r\n0\r\n\r\n"
    );
    let api = Scripted::start(vec![hang, answered!("next", "")], Vec::new()).await;
    let _function = api.function().await;
    let posts = api.posts(2).await;
    assert_eq!(outcomes(&posts), ["late error DeadlineExceeded", "next response"]);
}
