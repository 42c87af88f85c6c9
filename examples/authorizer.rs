//! A Lambda authorizer of an HTTP API, with the simple response. A token is looked up once in a minute
//! and container, and a revoked one is refused a minute later at most.
//!
//! `cargo run -p rewarm-examples --example authorizer -- --events request.json`

use std::process::ExitCode;

use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use rewarm::{Error, cached, handler, init};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

/// The facts about the caller, for the function behind the authorizer.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Caller {
    user: Option<String>,
}

#[init]
async fn db() -> Result<SqlitePool, sqlx::Error> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let pool = SqlitePoolOptions::new().max_connections(1).connect(&url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, user TEXT NOT NULL);
         INSERT OR IGNORE INTO token VALUES ('t-1', 'Ada');",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

/// The user with this token. An unknown one is looked up again after five seconds.
#[cached(ttl = "1m", negative_ttl = "5s", max_entries = 5000)]
async fn user(#[from] db: &SqlitePool, token: &str) -> Result<Option<String>, Error> {
    let query = sqlx::query_scalar("SELECT user FROM token WHERE token = ?");
    Ok(query.bind(token).fetch_optional(db).await?)
}

#[handler]
async fn authorize(
    request: ApiGatewayV2CustomAuthorizerV2Request,
) -> Result<ApiGatewayV2CustomAuthorizerSimpleResponse<Caller>, Error> {
    let token = request.headers.get("authorization").and_then(|header| header.to_str().ok());
    let user = match token.and_then(|header| header.strip_prefix("Bearer ")) {
        Some(token) => user(token).await?,
        None => None,
    };
    let mut response = ApiGatewayV2CustomAuthorizerSimpleResponse::<Caller>::default();
    response.is_authorized = user.is_some();
    response.context = Caller { user };
    Ok(response)
}

fn main() -> ExitCode {
    authorize::run()
}
