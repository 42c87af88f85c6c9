//! `defer`: work after the response.

use std::sync::Mutex;

use super::*;

static NOTES: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn note(text: &'static str) {
    NOTES.lock().unwrap().push(text);
}

/// Takes the notes so far.
pub fn notes() -> Vec<&'static str> {
    std::mem::take(&mut NOTES.lock().unwrap())
}

pub mod guard {
    use super::*;

    /// Acts as the event says.
    #[handler(deadline_margin = "1s", report_every = 0)]
    pub async fn act(event: String) -> Result<u64, Error> {
        match event.as_str() {
            "hang" => std::future::pending().await,
            "panic" => panic!("on purpose"),
            "defer" => {
                rewarm::defer(async {
                    note("first");
                    rewarm::defer(async { note("third") });
                });
                rewarm::defer(async { panic!("in deferred work") });
                rewarm::defer(async { note("second") });
                note("response");
                Ok(1)
            }
            "defer forever" => {
                rewarm::defer(async { note("before") });
                rewarm::defer(std::future::pending::<()>());
                rewarm::defer(async { note("after") });
                Ok(2)
            }
            _ => Ok(rewarm::remaining().unwrap().as_secs()),
        }
    }
}

#[tokio::test]
async fn deferred_work_runs_in_order_after_the_response() {
    let _turn = simulation().await;
    let mut c = guard::act::container().await;
    notes();
    let error = c.invoke("panic").await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(error.error_message.starts_with("on purpose, at tests/handler/defer.rs:"), "{error}");
    c.invoke("defer").await.unwrap();
    assert_eq!(notes(), ["response", "first", "second", "third"]);
    assert_eq!(c.snapshot().in_flight, 0);
}

mod deferring {
    use super::*;

    pub(super) static DONE: Count = Count::new();

    #[handler]
    pub(super) async fn later(event: u32) -> u32 {
        for _ in 0..event {
            rewarm::defer(async {
                DONE.up();
                rewarm::defer(async {
                    DONE.up();
                });
            });
        }
        rewarm::defer(async { panic!("in deferred work") });
        DONE.get()
    }
}

#[tokio::test]
async fn deferred_work_is_done_when_the_service_returns() {
    let _turn = outside_containers().await;
    use deferring::{DONE, later};
    let event = LambdaEvent::new(3, Context::default());
    let response = call(later::service(), event).await.unwrap();
    assert_eq!(response, 0, "nothing is done before the handler has returned");
    assert_eq!(DONE.get(), 6);
}

/// Feeds a response by deferred work, which waits for the end of the response.
mod itself {
    use futures_util::Stream;
    use futures_util::stream;
    use rewarm::StreamResponse;
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[handler(streaming)]
    pub async fn body(
        _event: u8,
    ) -> StreamResponse<impl Stream<Item = Result<String, Error>> + use<>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        rewarm::defer(async move {
            let _ = sender.send("fed".to_owned());
        });
        let next = |mut receiver: mpsc::UnboundedReceiver<String>| async {
            Some((Ok(receiver.recv().await?), receiver))
        };
        StreamResponse::from(Box::pin(stream::unfold(receiver, next)))
    }

    #[handler]
    pub async fn whole(_event: u8) -> Result<u8, oneshot::error::RecvError> {
        let (sender, receiver) = oneshot::channel();
        rewarm::defer(async move {
            let _ = sender.send(1);
        });
        receiver.await
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_waits_for_deferred_work_fails() {
    let _turn = simulation().await;
    let cause = "a response that waits for deferred work never ends";
    let mut container = itself::body::container().await;
    let error = container.invoke(1).await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
    assert!(error.error_message.contains(cause), "{error}");
    drop(container);
    let mut container = itself::whole::container().await;
    let error = container.invoke(1).await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
    assert!(error.error_message.contains(cause), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_waits_for_deferred_work_ends_without_a_deadline() {
    let _turn = outside_containers().await;
    let event = LambdaEvent::new(1, Context::default());
    let response = itself::body::service().call(event).await.unwrap();
    let chunks: Vec<_> = futures_util::StreamExt::collect(response.stream).await;
    let [Err(error)] = &*chunks else { panic!("a body that does not end with its error") };
    assert_eq!(error.error_type, "BodyStalled");
    assert!(error.error_message.starts_with("the body of the response produced nothing for 60s"));
}
