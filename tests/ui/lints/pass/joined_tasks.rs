//! Tasks that somebody waits for.
#![deny(warnings)]

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use rewarm::http::lambda_runtime::streaming;
use rewarm::http::{Request, Response};
use rewarm::{StreamResponse, cached, handler, init};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

async fn work() -> u8 {
    1
}

#[handler]
async fn joined(_event: u8) -> u8 {
    let first = tokio::spawn(work());
    let _guard = tokio::task::spawn_blocking(|| 1);
    let mut set = JoinSet::new();
    set.spawn(work());
    let mut handles = Vec::new();
    handles.push(tokio::spawn(work()));
    tokio::spawn(work()).await.unwrap();
    let _ = tokio::spawn(work()).await;
    drop(tokio::spawn(work()).await);
    std::thread::spawn(|| 1).join().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| 1);
    });
    let (second, _) = tokio::join!(tokio::spawn(work()), tokio::spawn(work()));
    let either = match set.len() {
        1 => tokio::spawn(work()),
        _ => tokio::spawn(async { 2 }),
    };
    let _ = if set.is_empty() { tokio::spawn(work()).await } else { either.await };
    let _: Result<u8, _> = { tokio::spawn(work()) }.await;
    for handle in handles {
        handle.await.unwrap();
    }
    set.join_all().await;
    first.await.unwrap() + second.unwrap()
}

// The handler awaits what the tasks send.
#[handler]
async fn received(event: u8) -> u8 {
    let (sender, mut receiver) = mpsc::channel(4);
    for n in 0..event {
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(n).await });
    }
    drop(sender);
    let mut sum = 0;
    while let Some(n) = receiver.recv().await {
        sum += n;
    }
    let (done, end) = oneshot::channel();
    let work = async move { done.send(1).unwrap_or_default() };
    drop(tokio::spawn(work));
    let (first, second) = std::sync::mpsc::channel();
    let _ = tokio::task::spawn_blocking(move || first.send(1));
    let notify = Arc::new(Notify::new());
    tokio::spawn({
        let notify = Arc::clone(&notify);
        async move { notify.notify_one() }
    });
    tokio::select! {
        one = end => sum += u8::from(one.is_ok()),
        () = notify.notified() => {}
    }
    sum + second.recv().unwrap_or(0)
}

// The tasks feed the bodies that the handlers return.
#[handler(streaming)]
async fn fed(
    event: u8,
) -> StreamResponse<impl Stream<Item = Result<String, Infallible>> + use<>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(feed(sender, event));
    let chunks = stream::unfold(receiver, |mut receiver| async {
        Some((Ok(receiver.recv().await?), receiver))
    });
    StreamResponse::from(Box::pin(chunks))
}

async fn feed(sender: mpsc::Sender<String>, to: u8) {
    for n in 0..to {
        let _ = sender.send(n.to_string()).await;
    }
}

#[handler(http, streaming)]
async fn page(_request: Request) -> Response<streaming::Body> {
    let (mut sender, body) = streaming::channel();
    tokio::spawn(async move { sender.send_data("a page".into()).await });
    Response::new(body)
}

#[cached(ttl = "5m")]
async fn fetched() -> u8 {
    rewarm::defer(async {});
    tokio::spawn(work()).await.unwrap_or(1)
}

// A resource may start what lives as long as the container.
#[init]
async fn background() -> u8 {
    tokio::spawn(work());
    std::mem::forget(String::new());
    1
}

fn main() {}
