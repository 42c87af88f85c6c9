//! A client of somebody else's API, which may be down: built and validated at first use, its failure
//! remembered for 60 seconds, then tried again.
//!
//! It replaces `static CLIENT: OnceCell<Result<Client, String>>`, which keeps the first failure for
//! as long as the container lives, and the `LAST_FAILURE: Mutex<Option<Instant>>` beside it, which
//! does not count the time that the container was frozen.
//!
//! `cargo run -p rewarm-examples --example error_recovery -- --event '{"city": "Riga"}'`
//!
//! `API_URL` names the API; without it a stand-in on a loopback port answers. For https switch on
//! reqwest's feature `rustls`.

use std::process::ExitCode;
use std::time::Duration;

use rewarm::{Error, container, handler, init};
use rewarm_examples::stand_in;
use serde::{Deserialize, Serialize};

struct Api {
    http: reqwest::Client,
    url: String,
    /// How old the container was then. Unlike an `Instant` its age counts frozen time.
    built_at: Duration,
}

/// Not in INIT: a function whose API is down still starts, and can say so.
#[init(lazy, check = is_healthy, retry_after = "60s", timeout = "5s")]
async fn api() -> Result<Api, Error> {
    let http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(3))
        .build()?;
    // In your project: `std::env::var("API_URL")?`.
    let url = stand_in::url("API_URL", r#"{"degrees": 21.0}"#)?;
    Ok(Api { http, url, built_at: container().age() })
}

/// A client that fails this is not kept. Asked once after building, and again after an idle gap.
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
struct Answer {
    city: String,
    degrees: f64,
    client_age_s: u64,
}

/// Where `api` cannot be had this is not called: the invocation fails as `ResourceUnavailable`.
#[handler]
async fn weather(request: Request, api: &Api) -> Result<Answer, Error> {
    let call = api.http.get(format!("{}/weather", api.url)).query(&[("city", &request.city)]);
    let weather: Weather = call.send().await?.error_for_status()?.json().await?;
    let age = container().age().saturating_sub(api.built_at);
    Ok(Answer { city: request.city, degrees: weather.degrees, client_age_s: age.as_secs() })
}

fn main() -> ExitCode {
    weather::run()
}
