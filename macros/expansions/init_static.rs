#[init]
static GREETING: String = std::env::var("GREETING")?;
