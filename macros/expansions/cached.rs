#[cached(ttl = "5m", stale_if_error = "1h")]
async fn settings() -> Result<Settings, Error> {
    load_settings().await
}
