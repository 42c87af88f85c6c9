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
