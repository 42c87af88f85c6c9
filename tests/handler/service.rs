//! `service`: a handler as a tower service, with events, responses and errors of any type.

use super::*;

#[handler(deadline_margin = "1s", report_every = 0)]
async fn whole(event: LambdaEvent<Value>) -> Value {
    assert!(rewarm::remaining().is_none(), "this test has no deadline");
    event.payload
}

#[handler]
async fn r#loop(event: String) -> Result<String, String> {
    if event.is_empty() {
        return Err("nothing to repeat".to_owned());
    }
    Ok(event)
}

#[handler]
async fn loose(event: u32) -> Result<u32, Box<dyn StdError + Send + Sync>> {
    Ok(event.checked_sub(1).ok_or("nothing left")?)
}

#[tokio::test]
async fn events_responses_and_errors_are_of_any_type() {
    let _turn = outside_containers().await;
    let event = |payload: Value| LambdaEvent::new(payload, Context::default());
    let response = call(whole::service(), event(json!([1, null]))).await;
    assert_eq!(response.unwrap(), json!([1, null]));

    let event = |text: &str| LambdaEvent::new(text.to_owned(), Context::default());
    let response = call(r#loop::service(), event("again")).await;
    assert_eq!(response.unwrap(), "again");
    let error = call(r#loop::service(), event("")).await.unwrap_err();
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        ("String", "nothing to repeat")
    );

    let event = LambdaEvent::new(0, Context::default());
    let error = call(loose::service(), event).await.unwrap_err();
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        ("Error", "nothing left")
    );
}
