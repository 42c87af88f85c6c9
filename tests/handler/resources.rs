//! Parameters that are filled with resources.

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
pub struct Order {
    sku: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Receipt {
    sku: String,
    by: String,
    total: u32,
}

#[derive(Debug)]
pub struct OutOfStock(String);

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
pub async fn shop(
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

pub fn order(sku: &str) -> LambdaEvent<Order> {
    let mut context = Context::default();
    context.request_id = "r-1".to_owned();
    LambdaEvent::new(Order { sku: sku.into() }, context)
}

#[tokio::test]
async fn a_handler_is_still_a_function() {
    let _turn = outside_containers().await;
    let (order, context) = order("tea").into_parts();
    let mine = Arc::new("mine".to_owned());
    let receipt = shop(order, context, &mine, 5, Arc::clone(&mine), &5).await;
    let expected = Receipt { sku: "tea".into(), by: "mine r-1".into(), total: 5 };
    assert_eq!(receipt.unwrap(), expected);
}

#[tokio::test]
async fn the_service_of_a_handler_injects_its_resources() {
    let _turn = outside_containers().await;
    let response = call(shop::service(), order("tea")).await.unwrap();
    assert_eq!(response, json!({ "sku": "tea", "by": "db r-1", "total": 20 }));

    let error = call(shop::service(), order("none")).await.unwrap_err();
    assert_eq!(error.error_type, "OutOfStock");
    assert_eq!(error.error_message, format!("no none left: refused: {}", Refused::CAUSE));

    let error = call(shop::service(), order("cursed")).await.unwrap_err();
    assert_eq!(error.error_type, "Panic");
    assert!(error.error_message.starts_with("cursed is cursed"), "{error}");
}
