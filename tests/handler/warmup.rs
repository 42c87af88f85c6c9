//! `warmup`: pings that keep a container warm.

use std::sync::Mutex;

use super::*;

static EVENTS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Takes the events that the handler has received so far.
fn received() -> Vec<Value> {
    std::mem::take(&mut EVENTS.lock().unwrap())
}

#[handler(warmup, report_every = 0, allow(global_state))]
async fn warm(event: Value) -> bool {
    EVENTS.lock().unwrap().push(event);
    rewarm::container().is_cold_start()
}

#[tokio::test]
async fn a_ping_does_not_call_the_handler() {
    let _turn = simulation().await;
    let mut c = warm::container().await;
    let plugin = json!({ "source": "serverless-plugin-warmup" });
    assert_eq!(c.invoke(plugin).await, Ok(Value::Null));
    assert_eq!(c.invoke(json!({ "warmup": true, "more": [1] })).await, Ok(Value::Null));
    assert!(received().is_empty());
    for event in [json!({ "warmup": false }), json!({ "source": "aws.events" }), json!("warmup")] {
        assert_eq!(c.invoke(event.clone()).await, Ok(json!(false)), "the ping was the cold start");
        assert_eq!(received(), [event]);
    }
    assert_eq!((c.snapshot().invocations, rewarm::container().pings()), (3, 2));
}
