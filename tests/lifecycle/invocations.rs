//! What belongs to an invocation: deadline, deferred work, pings, cold starts, its event.

use super::*;

mod guard {
    use super::*;

    /// Does what the event says.
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
                note("answer");
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

#[tokio::test(start_paused = true)]
async fn the_deadline_guard_keeps_the_container() {
    let _world = world().await;
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
    assert_eq!(c.snapshot().deferred_errors, 2, "what hung, and what waited for it");
    assert_eq!(c.invoke("left").await.unwrap(), json!(5));
    assert_eq!((c.snapshot().invocations, c.snapshot().errors), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_is_dropped_has_ended_and_failed() {
    use tower::{Service, ServiceBuilder};
    let _world = world().await;
    let c = guard::act::container().await;
    let mut hurried = ServiceBuilder::new().timeout(SECOND).service(guard::act::service());
    let event = rewarm::LambdaEvent::new("hang".to_owned(), Default::default());
    assert!(hurried.call(event).await.is_err(), "the layer's time limit");
    let after = c.snapshot();
    assert_eq!((after.invocations, after.errors, after.in_flight), (1, 1, 0));
}

#[tokio::test]
async fn panics_and_deferred_work() {
    let _world = world().await;
    let mut c = guard::act::container().await;
    notes();
    let error = c.invoke("panic").await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(
        error.error_message.starts_with("on purpose, at tests/lifecycle/invocations.rs:"),
        "{error}"
    );
    c.invoke("defer").await.unwrap();
    assert_eq!(notes(), ["answer", "first", "second", "third"]);
    assert_eq!(c.snapshot().in_flight, 0);
}

#[handler(warmup, report_every = 0)]
async fn warm(event: Value) -> bool {
    note(format!("handler got {event}"));
    rewarm::container().is_cold_start()
}

#[tokio::test]
async fn a_warm_up_ping_is_answered_without_the_handler() {
    let _world = world().await;
    let mut c = warm::container().await;
    let plugin = json!({ "source": "serverless-plugin-warmup" });
    assert_eq!(c.invoke(plugin).await, Ok(Value::Null));
    assert_eq!(c.invoke(json!({ "warmup": true, "more": [1] })).await, Ok(Value::Null));
    notes();
    for event in [json!({ "warmup": false }), json!({ "source": "aws.events" }), json!("warmup")] {
        assert_eq!(c.invoke(event.clone()).await, Ok(json!(false)), "a ping took the cold start");
        assert_eq!(notes(), [format!("handler got {event}")]);
    }
    assert_eq!((c.snapshot().invocations, rewarm::container().pings()), (3, 2));
}

#[tokio::test]
async fn only_the_first_invocation_is_cold() {
    let _world = world().await;
    let mut c = warm::container().await;
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    c.restore().await.unwrap();
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
}

#[tokio::test]
async fn a_snapshot_says_when_the_last_invocation_was_and_whether_it_was_cold() {
    #[handler(report_every = 0)]
    async fn looks(_: Value) -> bool {
        rewarm::container().snapshot().is_cold_start
    }
    let _world = world().await;
    let mut c = looks::container().await;
    let seen = |c: &rewarm::testing::Container<looks>| {
        let snapshot = c.snapshot();
        (snapshot.last_invocation, snapshot.is_cold_start)
    };
    assert_eq!(seen(&c), (None, false));
    assert_eq!(c.invoke(1).await, Ok(json!(true)));
    c.idle(60 * SECOND);
    assert_eq!(seen(&c), (Some(60 * SECOND), true), "of the invocation that was last");
    assert_eq!(c.invoke(1).await, Ok(json!(false)));
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
    c.restore().await.unwrap();
    assert_eq!(seen(&c), (None, false));
    let answers = c.invoke_all([1, 2]).await;
    assert_eq!(answers, [Ok(json!(false)), Ok(json!(false))]);

    drop(c);
    let mut c = looks::container().await;
    let answers = c.invoke_all([1, 2]).await;
    assert_eq!(answers, [Ok(json!(true)), Ok(json!(false))], "each its own");
    assert_eq!(seen(&c), (Some(Duration::ZERO), false));
}

#[handler(report_every = 0)]
async fn echo(event: Value) -> Value {
    event
}

#[tokio::test]
async fn an_event_is_whatever_can_be_written_as_json() {
    #[derive(serde::Serialize)]
    struct Order<'a> {
        sku: &'a str,
        many: u8,
    }
    let _world = world().await;
    let mut c = echo::container().await;
    let (order, value) = (Order { sku: "tea", many: 2 }, json!({ "sku": "tea", "many": 2 }));
    assert_eq!(c.invoke(&order).await, Ok(value.clone()));
    assert_eq!(c.invoke(order).await, Ok(value.clone()));
    assert_eq!(c.invoke(&value).await, Ok(value.clone()));
    assert_eq!(c.invoke("tea").await, Ok(json!("tea")));
    assert_eq!(c.invoke(String::new()).await, Ok(json!("")));
    assert_eq!(c.invoke(-7).await, Ok(json!(-7)));
    assert_eq!(c.invoke(0.5).await, Ok(json!(0.5)));
    assert_eq!(c.invoke(()).await, Ok(Value::Null));
    assert_eq!(c.invoke(None::<u8>).await, Ok(Value::Null));
    assert_eq!(c.invoke([1, 2]).await, Ok(json!([1, 2])));

    let events = [json!(1), json!("two")];
    let answers = [Ok(json!(1)), Ok(json!("two"))];
    assert_eq!(c.invoke_all(&events).await, answers);
    assert_eq!(c.invoke_all(&events[..]).await, answers);
    assert_eq!(c.invoke_all(&events.to_vec()).await, answers);
    assert_eq!(c.invoke_all(events.to_vec()).await, answers);
    assert_eq!(c.invoke_all(events.iter().filter(|event| event.is_string())).await, answers[1..]);
    assert_eq!(c.invoke_all(["a", "b"]).await, [Ok(json!("a")), Ok(json!("b"))]);
    drop(c);

    assert_reuse_safe(echo::container, &events).await;
    assert_reuse_safe(echo::container, [Order { sku: "tea", many: 1 }]).await;
    assert_reuse_safe(echo::container, [json!({ "a": 1 }), json!(null)]).await;
}

#[tokio::test]
#[should_panic = "the event cannot be written as JSON: key must be a string"]
async fn an_event_that_is_not_json_is_refused() {
    let _world = world().await;
    let event = std::collections::BTreeMap::from([(vec![1], 2)]);
    let _ = echo::container().await.invoke(event).await;
}
