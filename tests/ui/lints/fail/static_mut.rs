use rewarm::{cached, handler, init};

#[init]
static mut COUNTER: u32 = 0;

#[init]
pub static mut NAMES: Vec<String> = vec!["a".to_owned()];

#[cached(ttl = "5m")]
fn next() -> u32 {
    static mut LAST: u32 = 0;
    1
}

#[handler]
async fn answer(_event: u8) -> u32 {
    static mut SEEN: Option<u8> = None;
    unsafe { COUNTER += 1 };
    next()
}

fn main() {}
