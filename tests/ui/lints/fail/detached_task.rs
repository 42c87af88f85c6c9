use rewarm::{cached, handler};

async fn audit() {}

#[handler]
async fn spawns(_event: u8) {
    tokio::spawn(audit());
    let _ = tokio::task::spawn_blocking(|| 1);
    drop(std::thread::spawn(|| 1));
    for _ in 0..3 {
        _ = tokio::spawn(async {
            tokio::spawn(audit());
        });
    }
}

#[cached(ttl = "5m")]
async fn fetch() -> u8 {
    use tokio::task;
    task::spawn(audit());
    1
}

fn main() {}
