use futures_util::stream::{self, BoxStream, StreamExt};
use rewarm::{StreamResponse, cached, handler};
use tokio::sync::{mpsc, oneshot};

async fn audit() {}

#[handler]
async fn spawns(_event: u8) {
    tokio::spawn(audit());
    let _ = tokio::task::spawn_blocking(|| 1);
    drop(std::thread::spawn(|| 1));
    for _ in 0..3 {
        _ = tokio::spawn(async {
            tokio::spawn(audit());
        });
    }
}

#[cached(ttl = "5m")]
async fn fetch() -> u8 {
    use tokio::task;
    task::spawn(audit());
    1
}

#[handler]
async fn branches(event: u8) {
    match event {
        1 => tokio::spawn(audit()),
        _ => tokio::task::spawn(audit()),
    };
    if event > 1 { tokio::spawn(audit()) } else { tokio::spawn(async {}) };
    (tokio::spawn(audit()));
    {
        tokio::spawn(audit())
    };
}

#[handler]
async fn patterns(_event: u8) {
    let _: tokio::task::JoinHandle<()> = tokio::spawn(audit());
    #[allow(unused_parens)]
    let (_) = tokio::spawn(audit());
}

// The receiver of what the task sends is in the task, is dropped, or does not wait.
#[handler]
async fn channels(event: u8) -> bool {
    let (jobs, mut received) = mpsc::channel(1);
    tokio::spawn(async move { while received.recv().await.is_some() {} });
    jobs.send(event).await.unwrap();
    let (done, end) = oneshot::channel();
    tokio::spawn(async move { done.send(1) });
    drop(end);
    let (results, mut received) = mpsc::channel(1);
    tokio::spawn(async move { results.send(1).await });
    received.try_recv().is_ok()
}

// In a streaming handler, deferred work is no way out.
#[handler(streaming)]
async fn beside_a_stream(
    _event: u8,
) -> StreamResponse<BoxStream<'static, Result<String, std::io::Error>>> {
    tokio::spawn(audit());
    StreamResponse::from(stream::empty().boxed())
}

fn main() {}
