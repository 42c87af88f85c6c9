use std::sync::{LazyLock, OnceLock};

use rewarm::handler;

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);

async fn fetch(url: &str) -> Option<String> {
    HTTP.get(url).send().await.ok()?.text().await.ok()
}

#[handler]
async fn lazily(event: String) -> Option<String> {
    fetch(&event).await
}

struct Pool;

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool)
}

#[handler]
async fn in_a_cell(event: u8) -> u8 {
    let _pool = pool();
    event
}

#[handler]
async fn in_the_body(event: String) -> bool {
    let client = reqwest::Client::new();
    client.get(event).send().await.is_ok()
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().build()
}

#[handler]
async fn in_a_function(event: u8) -> u8 {
    let _ = client();
    event
}

fn main() {}
