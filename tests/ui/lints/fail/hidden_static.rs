use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use rewarm::{cached, handler, init};

#[handler]
async fn counts(_event: u8) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    fn inner() {
        static SEEN: Option<Mutex<Vec<u8>>> = None;
    }
}

#[cached(ttl = "5m")]
fn table() -> u8 {
    static TABLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(Vec::new);
    1
}

#[init]
fn slot() -> u8 {
    thread_local! {
        static SLOT: std::cell::Cell<u8> = const { std::cell::Cell::new(1) };
    }
    SLOT.get()
}

#[init]
static BUFFER: u8 = {
    use tokio::sync::OnceCell as Once;
    static CELL: Once<u8> = Once::const_new();
    1
};

fn main() {}
