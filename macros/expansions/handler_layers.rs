/// Takes an order, under the layers of the function `layers`.
#[handler(layer = http::layers)]
async fn checkout(order: Order, db: &SqlitePool) -> Result<Receipt, Error> {
    order.place(db).await
}
