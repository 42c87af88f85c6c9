//! The options for recovery, held against each other and against the item.

use rewarm::init;

async fn ping(_: &u8) -> Result<(), String> {
    Ok(())
}

async fn wrong(_: u16) -> Result<(), String> {
    Ok(())
}

#[init(idle = "1m")]
async fn idle_without_check() -> u8 {
    1
}

#[init(retry_after = "0s")]
async fn never_pauses() -> u8 {
    1
}

#[init(restore = check)]
async fn nothing_to_check() -> u8 {
    1
}

#[init(restore = forget)]
async fn forgets() -> u8 {
    1
}

#[init(check = ping)]
fn computed() -> u8 {
    1
}

#[init(restore = rebuild)]
static KEPT: u8 = 1;

#[init(check = wrong)]
async fn wrong_check() -> u8 {
    1
}

fn main() {}
