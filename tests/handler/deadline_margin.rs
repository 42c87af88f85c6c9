//! `deadline_margin`: a handler is cancelled before the deadline.

use super::defer::{guard, notes};
use super::resources::{order, shop};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_container_outlives_a_cancelled_handler() {
    let _turn = simulation().await;
    let mut c = guard::act::container().await;
    c.deadline(Duration::from_secs(5));
    assert_eq!(c.invoke("left").await.unwrap(), json!(5));
    let start = tokio::time::Instant::now();
    let error = c.invoke("hang").await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
    assert_eq!(start.elapsed().as_secs(), 4);
    notes();
    assert_eq!(c.invoke("defer forever").await.unwrap(), json!(2));
    assert_eq!(notes(), ["before"]);
    assert_eq!(c.snapshot().deferred_errors, 2, "the work that hangs, and the work behind it");
    assert_eq!(c.invoke("left").await.unwrap(), json!(5));
    assert_eq!((c.snapshot().invocations, c.snapshot().errors), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn the_service_of_a_handler_keeps_the_deadline() {
    let _turn = outside_containers().await;
    let mut event = order("never");
    let deadline = SystemTime::now() + Duration::from_secs(30);
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    event.context.deadline = deadline.as_millis() as u64;
    let error = call(shop::service(), event).await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_invocation_has_failed() {
    use tower::ServiceBuilder;
    let _turn = simulation().await;
    let c = guard::act::container().await;
    let mut hurried =
        ServiceBuilder::new().timeout(Duration::from_secs(1)).service(guard::act::service());
    let event = rewarm::LambdaEvent::new("hang".to_owned(), Default::default());
    assert!(hurried.call(event).await.is_err(), "the layer's time limit");
    let after = c.snapshot();
    assert_eq!((after.invocations, after.errors, after.in_flight), (1, 1, 0));
}
