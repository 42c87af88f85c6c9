/// The price of an article.
#[cached(ttl = "30s", max_entries = 500)]
pub async fn price(#[from] db: &SqlitePool, sku: &str, day: u32, #[skip] trace: &str) -> Result<Option<Price>, sqlx::Error> {
    Price::find(db, sku, day, trace).await
}
