use rewarm::init;

#[init]
async fn pool(settings: &u8) -> u8 {
    *settings
}

#[init]
fn settings(secrets: &u8) -> u8 {
    *secrets
}

#[init]
async fn secrets(pool: &u8) -> u8 {
    *pool
}

fn main() {}
