//! `#[handler]`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rewarm::{Context, Error, InvocationError, LambdaEvent, cached, handler, init};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::Service;

use super::*;

#[init]
async fn db() -> String {
    "db".to_owned()
}

#[cached(ttl = "1h")]
async fn settings() -> Result<u32, Error> {
    Ok(20)
}

#[derive(Deserialize)]
struct Order {
    sku: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Receipt {
    sku: String,
    by: String,
    total: u32,
}

#[derive(Debug)]
struct OutOfStock(String);

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} left", self.0)
    }
}

impl StdError for OutOfStock {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&Refused)
    }
}

#[handler]
async fn shop(
    order: Order,
    context: Context,
    db: &String,
    settings: u32,
    #[from(db)] same: Arc<String>,
    #[from(settings)] rate: &u32,
) -> Result<Receipt, OutOfStock> {
    assert_eq!((db, settings), (&*same, *rate));
    match order.sku.as_str() {
        "none" => return Err(OutOfStock(order.sku)),
        "cursed" => panic!("{} is cursed", order.sku),
        "never" => std::future::pending().await,
        _ => {}
    }
    Ok(Receipt { sku: order.sku, by: format!("{db} {}", context.request_id), total: settings })
}

fn order(sku: &str) -> LambdaEvent<Order> {
    let mut context = Context::default();
    context.request_id = "r-1".to_owned();
    LambdaEvent::new(Order { sku: sku.into() }, context)
}

async fn call<S, T>(mut service: S, event: LambdaEvent<T>) -> Result<Value, InvocationError>
where
    S: Service<LambdaEvent<T>, Response: Serialize, Error = InvocationError>,
{
    poll_fn(|context| service.poll_ready(context)).await?;
    let answer = service.call(event).await?;
    Ok(serde_json::to_value(&answer).unwrap())
}

#[tokio::test]
async fn a_handler_is_still_a_function() {
    let (order, context) = order("tea").into_parts();
    let mine = Arc::new("mine".to_owned());
    let receipt = shop(order, context, &mine, 5, Arc::clone(&mine), &5).await;
    let expected = Receipt { sku: "tea".into(), by: "mine r-1".into(), total: 5 };
    assert_eq!(receipt.unwrap(), expected);
}

#[tokio::test]
async fn its_service_fills_in_the_resources() {
    let answer = call(shop::service(), order("tea")).await.unwrap();
    assert_eq!(answer, json!({ "sku": "tea", "by": "db r-1", "total": 20 }));

    let error = call(shop::service(), order("none")).await.unwrap_err();
    assert_eq!(error.error_type, "OutOfStock");
    assert_eq!(error.error_message, format!("no none left: refused: {CAUSE}"));

    let error = call(shop::service(), order("cursed")).await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(error.error_message.starts_with("cursed is cursed"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn its_service_keeps_the_deadline() {
    let mut event = order("never");
    let deadline = SystemTime::now() + Duration::from_secs(30);
    let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    event.context.deadline = deadline.as_millis() as u64;
    let error = call(shop::service(), event).await.unwrap_err();
    assert_eq!(error.error_type, "DeadlineExceeded");
}

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
async fn events_answers_and_errors_are_of_any_type() {
    let event = |payload: Value| LambdaEvent::new(payload, Context::default());
    let answer = call(whole::service(), event(json!([1, null]))).await;
    assert_eq!(answer.unwrap(), json!([1, null]));

    let event = |text: &str| LambdaEvent::new(text.to_owned(), Context::default());
    let answer = call(r#loop::service(), event("again")).await;
    assert_eq!(answer.unwrap(), "again");
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
        rewarm::defer(async { panic!("harms nothing") });
        DONE.get()
    }
}

#[tokio::test]
async fn what_is_deferred_is_done_when_the_service_answers() {
    use deferring::{DONE, later};
    let event = LambdaEvent::new(3, Context::default());
    let answer = call(later::service(), event).await.unwrap();
    assert_eq!(answer, 0, "nothing is done before the handler has answered");
    assert_eq!(DONE.get(), 6);
}
