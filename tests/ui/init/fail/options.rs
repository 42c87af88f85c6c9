//! Options that are written wrong: one error for each, and no other because of it.

use rewarm::init;

async fn ping<T>(_: &u8) -> Result<(), String> {
    Ok(())
}

#[init(check = "ping", idle = "1m")]
async fn quoted() -> u8 {
    1
}

#[init(check = "ping", restore = check)]
async fn quoted_and_restored() -> u8 {
    1
}

#[init(restore = "keep")]
async fn quoted_word() -> u8 {
    1
}

#[init(restore = at::once)]
async fn no_word() -> u8 {
    1
}

#[init(restore = check)]
static DEREFS: u8 = 1;

#[init(restore = check, idle = "1m")]
fn computed() -> u8 {
    1
}

#[init(retry-after = "3s")]
async fn dashed() -> u8 {
    1
}

#[init(retry = "3s")]
async fn half() -> u8 {
    1
}

#[init(timeout = "3s" retry_after = "5s")]
async fn no_comma() -> u8 {
    1
}

#[init(timeout = "3s" lazy)]
async fn no_comma_before_a_word() -> u8 {
    1
}

#[init(check = ping::<u8> idle = "1m")]
async fn no_comma_after_a_path() -> u8 {
    1
}

#[init(timeout "3s", retry_after: "5s")]
async fn no_equals() -> u8 {
    1
}

#[init(timeout, retry_after = 3)]
async fn no_duration() -> u8 {
    1
}

#[init(timeout = 10m)]
async fn no_quotes() -> u8 {
    1
}

#[init(ttl = "5m", max_entries = 5)]
async fn of_another() -> u8 {
    1
}

#[init("3s", tokio::main, , lazy)]
async fn no_names() -> u8 {
    1
}

#[init(check = ping<u8>)]
async fn no_expression() -> u8 {
    1
}

#[init(check = ping::<u8, timeout = "3s")]
async fn no_end() -> u8 {
    1
}

fn main() {}
