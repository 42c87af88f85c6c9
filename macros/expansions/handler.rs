/// Takes an order.
#[handler(report_every = 100)]
async fn checkout(order: Order, context: Context, db: &SqlitePool, settings: Settings) -> Result<Receipt, Error> {
    order.place(db, &settings, &context.request_id).await
}
