//! One pool of database connections per container: checked after an idle gap, rebuilt if the
//! database was away, closed at SHUTDOWN.
//!
//! This replaces `static POOL: OnceCell<Pool>` with a `get_pool()` that panics after a failed
//! attempt, a ping before each query, and a SIGTERM handler.
//!
//! `cargo run -p rewarm-examples --example connection_pool -- --event '{"user_id": 1}'`
//!
//! Without `DATABASE_URL` the users come from SQLite in memory. `--features mysql` adds MySQL and
//! MariaDB (`mysql://user:password@host/db`), `--features postgres` PostgreSQL. In your own project
//! use its pool type (`PgPool`) instead of `AnyPool`, and sqlx's feature `tls-rustls`.

use std::process::ExitCode;
use std::time::Duration;

use rewarm::{Error, handler, init};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Executor, FromRow};

/// `retry_after` makes it recoverable: a database that is down fails invocations, not containers.
#[init(check = ping, close = close, retry_after = "1s", timeout = "5s")]
async fn db() -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    // One connection is enough for one invocation at a time; Managed Instances need more.
    let options = AnyPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(2));
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return options.connect(&url).await;
    }
    eprintln!("DATABASE_URL is not set: the users are samples in SQLite's memory");
    let fill = "CREATE TABLE users (id BIGINT PRIMARY KEY, name VARCHAR(80) NOT NULL);
                INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace');";
    // Each connection has its own database in memory.
    let options = options.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(fill).await.map(drop) })
    });
    options.connect("sqlite::memory:").await
}

/// Runs after an idle gap. sqlx pings the connection when it is acquired.
async fn ping(db: &AnyPool) -> Result<(), sqlx::Error> {
    db.acquire().await.map(drop)
}

async fn close(db: &AnyPool) {
    db.close().await;
}

#[derive(Deserialize)]
struct Request {
    user_id: i64,
}

#[derive(Serialize, FromRow)]
struct User {
    id: i64,
    name: String,
}

#[handler]
async fn find_user(request: Request, db: &AnyPool) -> Result<User, Error> {
    let query = match db.connect_options().database_url.scheme() {
        "postgres" | "postgresql" => "SELECT id, name FROM users WHERE id = $1",
        _ => "SELECT id, name FROM users WHERE id = ?",
    };
    let user = sqlx::query_as(query).bind(request.user_id).fetch_optional(db).await?;
    user.ok_or_else(|| Error::msg(format_args!("there is no user {}", request.user_id)))
}

fn main() -> ExitCode {
    find_user::run()
}
