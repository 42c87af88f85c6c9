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

#[handler]
async fn branches(event: u8) {
    match event {
        1 => tokio::spawn(audit()),
        _ => tokio::task::spawn(audit()),
    };
    if event > 1 { tokio::spawn(audit()) } else { tokio::spawn(async {}) };
    (tokio::spawn(audit()));
    {
        tokio::spawn(audit())
    };
}

#[handler]
async fn patterns(_event: u8) {
    let _: tokio::task::JoinHandle<()> = tokio::spawn(audit());
    #[allow(unused_parens)]
    let (_) = tokio::spawn(audit());
}

fn main() {}
