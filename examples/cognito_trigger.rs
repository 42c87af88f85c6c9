//! A trigger of a Cognito user pool: only addresses of some domains may sign up. The list of domains is
//! a configuration that is at most five minutes old.
//!
//! `ALLOWED_DOMAINS=example.com cargo run -p rewarm-examples --example cognito_trigger -- --events sign_up.json`

use std::process::ExitCode;

use aws_lambda_events::cognito::CognitoEventUserPoolsPreSignup;
use rewarm::{Error, LambdaEvent, cached, handler, tracing};

/// A real function would query its parameter store here.
#[cached(ttl = "5m", stale_if_error = "1h")]
fn domains() -> Result<Vec<String>, Error> {
    let domains = std::env::var("ALLOWED_DOMAINS")?;
    Ok(domains.split(',').map(|domain| domain.trim().to_lowercase()).collect())
}

#[handler]
async fn sign_up(
    event: LambdaEvent<CognitoEventUserPoolsPreSignup>,
    domains: &[String],
) -> Result<CognitoEventUserPoolsPreSignup, Error> {
    let LambdaEvent { payload: mut event, context } = event;
    let address = event.request.user_attributes.get("email").map(String::as_str);
    let domain = address.and_then(|address| address.rsplit_once('@'));
    let domain = domain.map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
    if !domains.contains(&domain) {
        tracing::info!(domain, request = context.request_id, "refused");
        return Err(Error::msg("addresses of this domain cannot sign up")); // Cognito shows it
    }
    event.response.auto_confirm_user = true;
    event.response.auto_verify_email = true;
    Ok(event)
}

fn main() -> ExitCode {
    sign_up::run()
}
