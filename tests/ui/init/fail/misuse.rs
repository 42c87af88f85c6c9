use rewarm::{cached, handler, init};

#[init(timeout = "5")]
async fn no_unit() -> u8 {
    1
}

#[init(retry_after = "0s", timeout = "300000d")]
async fn zero_and_too_long() -> u8 {
    1
}

#[init(retry_afer = "5s")]
fn misspelt() -> u8 {
    1
}

#[init(lazy = true, lazy)]
fn twice() -> u8 {
    1
}

#[init]
struct Pool;

#[init]
enum Kind {
    One,
}

#[init]
mod resources {}

#[init]
impl Pool {
    fn method(&self) {}
}

#[init]
const TABLE: u8 = 1;

impl Pool {
    #[init]
    fn pool(&self) -> u8 {
        1
    }
}

#[init]
fn generic<T: Default>() -> T {
    T::default()
}

#[init]
fn hidden() -> impl Fn() -> u8 {
    || 1
}

#[init]
fn borrowed() -> &str {
    "a"
}

#[init]
async fn mutable(no_unit: &mut u8) -> u8 {
    *no_unit
}

#[init]
async fn skips(#[skip] no_unit: &u8, #[from(1)] other: &u8) -> u8 {
    *no_unit + *other
}

// None of the faults above is one here.
#[cached(ttl = "5m")]
async fn price(#[from] waits: &u8, #[from] mutable: &u8) -> u8 {
    *waits + *mutable
}

#[handler]
async fn answer(_event: u8, misspelt: &u8, waits: &u8, zero_and_too_long: std::sync::Arc<u8>) -> u8 {
    let other = self::waits();
    *misspelt + *waits + *zero_and_too_long + price().await + other.map_or(1, |it| *it)
}

fn main() -> std::process::ExitCode {
    answer::run()
}
