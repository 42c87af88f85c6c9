#[init(retry_after = "1m")]
static CONFIG: Config = Config::load().await?;
