//! Functions with streamed responses, and one that serves HTTP. The environment selects one of
//! them.

use std::convert::Infallible;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, StreamExt};
use rewarm::http::lambda_runtime::streaming;
use rewarm::http::tower::util::BoxCloneService;
use rewarm::http::{Request, Response};
use rewarm::{Context, Error, MetadataPrelude, StreamResponse, handler, init};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tower::service_fn;

/// A value whose destructor panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

/// `{"pieces": 3, "then": "end"}`: the number of chunks, and the end of the body. With `"bomb": true`,
/// the destructor of the body panics.
#[handler(streaming)]
async fn pieces(
    event: Value,
) -> Result<StreamResponse<impl Stream<Item = Result<String, io::Error>> + use<>>, Error> {
    let count = event["pieces"].as_u64().ok_or_else(|| Error::msg("how many pieces?"))?;
    let then = event["then"].as_str().unwrap_or("end").to_owned();
    let address = event["address"].as_str().unwrap_or_default().to_owned();
    let end = stream::once(async move {
        match then.as_str() {
            "fail" => Err(io::Error::other("the pipe burst")),
            "panic" => panic!("the plumber fell"),
            "hang" => std::future::pending().await,
            "defer" => {
                rewarm::defer(async move {
                    let mut peer = TcpStream::connect(address).await.expect("connect");
                    let _ = peer.read_to_end(&mut Vec::new()).await;
                });
                Ok("deferred".to_owned())
            }
            _ => Ok("end".to_owned()),
        }
    });
    let bomb = (event["bomb"] == true).then(|| Bomb);
    let pieces = stream::iter(0..count).map(|n| Ok(format!("{n} "))).chain(end);
    let pieces = pieces.map(move |piece| {
        let _held = &bomb;
        piece
    });
    let mut metadata_prelude = MetadataPrelude::default();
    metadata_prelude.cookies.push("a=1".to_owned());
    Ok(StreamResponse { metadata_prelude, stream: pieces })
}

/// Responds in two chunks with a pause in between.
#[handler(http, streaming)]
async fn page(request: Request) -> Result<Response<streaming::Body>, Infallible> {
    let (mut sender, body) = streaming::channel();
    let path = request.uri().path().to_owned();
    let say = async move {
        for part in [Bytes::from(path), Bytes::from_static(b", then more")] {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if sender.send_data(part).await.is_err() {
                return;
            }
        }
    };
    drop(tokio::spawn(say));
    Ok(Response::builder().status(203).header("content-type", "text/plain").body(body).unwrap())
}

#[init(lazy)]
async fn greeting() -> Result<String, Error> {
    std::env::var("GREETING").map_err(|_| Error::msg("there is no greeting"))
}

/// Responds with the greeting if there is one.
#[handler(http)]
fn greeter(greeting: &str) -> BoxCloneService<Request, Response<String>, Infallible> {
    let greeting = greeting.to_owned();
    BoxCloneService::new(service_fn(move |request: Request| {
        let answer = format!("{greeting}, {}", request.uri().path());
        async { Ok(Response::new(answer)) }
    }))
}

/// The barrier of eight concurrent invocations.
#[init]
static MEETING: Barrier = Barrier::new(8);

/// Waits for the others, returns its request id, and sends it again in deferred work.
#[handler]
async fn apart(event: Value, context: Context) -> Value {
    if event["hang"] == true {
        std::future::pending::<()>().await;
    }
    MEETING.wait().await;
    let id = context.request_id.clone();
    if let Some(address) = event["address"].as_str().map(str::to_owned) {
        rewarm::defer(async move {
            let mut peer = TcpStream::connect(address).await.expect("connect");
            peer.write_all(id.as_bytes()).await.expect("write");
        });
    }
    MEETING.wait().await;
    let remaining = rewarm::remaining().unwrap_or_default();
    json!({ "request_id": context.request_id, "remaining_s": remaining.as_secs() })
}

fn main() -> ExitCode {
    match std::env::var("RUN").as_deref() {
        Ok("apart") => apart::run(),
        Ok("page") => page::run(),
        Ok("greeter") => greeter::run(),
        _ => pieces::run(),
    }
}
