use std::sync::Arc;

use rewarm::init;

mod secrecy {
    pub struct SecretString;
}

pub struct ApiKey(String);
pub struct DbCredentials;

#[init]
fn token() -> secrecy::SecretString {
    secrecy::SecretString
}

#[init]
async fn key() -> Result<Option<Arc<ApiKey>>, std::io::Error> {
    Ok(None)
}

#[init]
static LOGIN: (u8, DbCredentials) = (1, DbCredentials);

#[init]
fn db_password() -> String {
    String::new()
}

#[init]
static API_KEY: Vec<u8> = Vec::new();

fn main() {}
