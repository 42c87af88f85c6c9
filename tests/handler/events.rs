//! Events and responses as JSON.

use rewarm::testing::assert_reuse_safe;

use super::*;

#[handler(report_every = 0)]
async fn echo(event: Value) -> Value {
    event
}

#[tokio::test]
async fn an_event_is_any_value_that_serializes_as_json() {
    #[derive(Serialize)]
    struct Order<'a> {
        sku: &'a str,
        many: u8,
    }
    let _turn = simulation().await;
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
    let responses = [Ok(json!(1)), Ok(json!("two"))];
    assert_eq!(c.invoke_all(&events).await, responses);
    assert_eq!(c.invoke_all(&events[..]).await, responses);
    assert_eq!(c.invoke_all(&events.to_vec()).await, responses);
    assert_eq!(c.invoke_all(events.to_vec()).await, responses);
    assert_eq!(c.invoke_all(events.iter().filter(|event| event.is_string())).await, responses[1..]);
    assert_eq!(c.invoke_all(["a", "b"]).await, [Ok(json!("a")), Ok(json!("b"))]);
    drop(c);

    assert_reuse_safe(echo::container, &events).await;
    assert_reuse_safe(echo::container, [Order { sku: "tea", many: 1 }]).await;
    assert_reuse_safe(echo::container, [json!({ "a": 1 }), json!(null)]).await;
}

#[tokio::test]
#[should_panic = "the event cannot be serialized as JSON: key must be a string"]
async fn an_event_that_does_not_serialize_is_refused() {
    let _turn = simulation().await;
    let event = std::collections::BTreeMap::from([(vec![1], 2)]);
    let _ = echo::container().await.invoke(event).await;
}
