//! Parameters from SSM that are at most five minutes old (one hour more while SSM fails), and a
//! secret from Secrets Manager. The secret is wiped from memory when it expires, and fetched again
//! when the service refuses it.
//!
//! This replaces `static CONFIG: OnceCell<Config>`, which never changes, and an
//! `RwLock<(Instant, String)>` for the password: every caller fetches when it expires, and without
//! callers it stays in memory.
//!
//! `cargo run -p rewarm-examples --features aws --example cached_config -- --event '{"net": 100}' --repeat 3 --idle 2m`

use std::process::ExitCode;

use aws_config::{BehaviorVersion, SdkConfig};
use reqwest::StatusCode;
use rewarm::{Error, cached, handler, init};
use rewarm_examples::mock;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

#[init]
async fn sdk() -> Result<SdkConfig, Error> {
    // In your project: `aws_config::load_defaults(BehaviorVersion::latest()).await`.
    Ok(mock::aws(aws_config::defaults(BehaviorVersion::latest()))?.load().await)
}

#[init]
async fn ssm(sdk: &SdkConfig) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(sdk)
}

#[init]
async fn secrets(sdk: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(sdk)
}

#[derive(Clone)]
struct Settings {
    currency: String,
    tax_percent: f64,
}

#[cached(ttl = "5m", stale_if_error = "1h", timeout = "2s")]
async fn settings(#[from] ssm: &aws_sdk_ssm::Client) -> Result<Settings, Error> {
    let query = ssm.get_parameters_by_path().path("/shop").with_decryption(true);
    let found = query.send().await?.parameters.unwrap_or_default();
    let value = |name: &str| {
        let parameter = found.iter().find(|parameter| parameter.name() == Some(name));
        let value = parameter.and_then(|parameter| parameter.value());
        value.ok_or_else(|| Error::msg(format_args!("there is no parameter {name}")))
    };
    Ok(Settings {
        currency: value("/shop/currency")?.to_owned(),
        tax_percent: value("/shop/tax_percent")?.parse()?,
    })
}

/// No `stale_if_error`: an expired password may have been revoked.
#[cached(ttl = "15m", timeout = "2s")]
async fn password(#[from] secrets: &aws_sdk_secretsmanager::Client) -> Result<SecretString, Error> {
    let secret = secrets.get_secret_value().secret_id("shop/payments").send().await?;
    let text = secret.secret_string.ok_or_else(|| Error::msg("the secret is not text"))?;
    Ok(text.into())
}

/// The service that the password opens.
struct Payments {
    http: reqwest::Client,
    url: String,
}

#[init]
async fn payments() -> Result<Payments, Error> {
    let url = mock::url("PAYMENTS_URL", "paid")?;
    Ok(Payments { http: reqwest::Client::builder().build()?, url })
}

impl Payments {
    async fn pay(&self, bill: &Bill, password: &SecretString) -> Result<StatusCode, Error> {
        let request = self.http.post(&self.url).bearer_auth(password.expose_secret()).json(bill);
        Ok(request.send().await?.status())
    }
}

#[derive(Deserialize)]
struct Order {
    net: f64,
}

#[derive(Serialize)]
struct Bill {
    total: f64,
    currency: String,
}

#[handler]
async fn buy(order: Order, settings: Settings, payments: &Payments) -> Result<Bill, Error> {
    let total = order.net * (1.0 + settings.tax_percent / 100.0);
    let bill = Bill { total, currency: settings.currency };
    let mut status = payments.pay(&bill, &password().await?).await?;
    if status == StatusCode::UNAUTHORIZED {
        // It may have been rotated. A new password that is refused is an error.
        status = payments.pay(&bill, &password::refresh().await?).await?;
    }
    match status.is_success() {
        true => Ok(bill),
        false => Err(Error::msg(format_args!("the payment was refused: {status}"))),
    }
}

fn main() -> ExitCode {
    buy::run()
}
