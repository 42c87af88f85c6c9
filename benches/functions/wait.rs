//! Ten things to make: three that need one another, and seven that stand alone. Each takes
//! `WAIT_MS` milliseconds of waiting.

use std::time::Duration;

pub async fn wait() -> u64 {
    let millis = std::env::var("WAIT_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    1
}
