//! A client of an external API that may be down. It is built and checked at its first use. A failure
//! is remembered for 60 seconds; then the next use tries again.
//!
//! This replaces `static CLIENT: OnceCell<Result<Client, String>>`, which keeps the first failure
//! until the container ends, and a `LAST_FAILURE: Mutex<Option<Instant>>`, which does not count
//! frozen time.
//!
//! `cargo run -p rewarm-examples --example error_recovery -- --event '{"city": "Riga"}'`
//!
//! `API_URL` names the API; without it a mock on a loopback port is used. For https enable reqwest's
//! feature `rustls`.

use std::process::ExitCode;
use std::time::Duration;

use rewarm::{Error, container, handler, init};
use rewarm_examples::mock;
use serde::{Deserialize, Serialize};

struct Api {
    http: reqwest::Client,
    url: String,
    /// The age of the container then. Unlike an `Instant` it counts frozen time.
    built_at: Duration,
}

/// Not built in INIT: the function starts even if its API is down.
#[init(lazy, check = is_healthy, retry_after = "60s", timeout = "5s")]
async fn api() -> Result<Api, Error> {
    let http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(3))
        .build()?;
    // In your project: `std::env::var("API_URL")?`.
    let url = mock::url("API_URL", r#"{"degrees": 21.0}"#)?;
    Ok(Api { http, url, built_at: container().age() })
}

/// Runs after the client is built, and at its first use after an idle gap. A client that fails is
/// not used.
async fn is_healthy(api: &Api) -> Result<(), reqwest::Error> {
    api.http.get(format!("{}/health", api.url)).send().await?.error_for_status().map(drop)
}

#[derive(Deserialize)]
struct Request {
    city: String,
}

#[derive(Deserialize)]
struct Weather {
    degrees: f64,
}

#[derive(Serialize)]
struct Report {
    city: String,
    degrees: f64,
    client_age_s: u64,
}

/// Not called while `api` is unavailable: the invocation fails as `ResourceUnavailable`.
#[handler]
async fn weather(request: Request, api: &Api) -> Result<Report, Error> {
    let call = api.http.get(format!("{}/weather", api.url)).query(&[("city", &request.city)]);
    let weather: Weather = call.send().await?.error_for_status()?.json().await?;
    let age = container().age().saturating_sub(api.built_at);
    Ok(Report { city: request.city, degrees: weather.degrees, client_age_s: age.as_secs() })
}

fn main() -> ExitCode {
    weather::run()
}
