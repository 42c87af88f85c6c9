use rewarm::cached;

#[cached]
fn no_ttl() -> u8 {
    1
}

#[cached(ttl = "5min")]
fn unknown_unit() -> u8 {
    1
}

#[cached(ttl = 300)]
fn number() -> u8 {
    1
}

#[cached(ttl = "0s", max_entries = 0, jitter = "120%")]
fn zeros(_n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", max_entires = 5)]
fn misspelt(_n: u8) -> u8 {
    1
}

#[cached(ttl = "5m", max_entries = 5)]
fn one_answer() -> u8 {
    1
}

#[cached(ttl = "5m")]
static TABLE: u8 = 1;

struct Shop;

impl Shop {
    #[cached(ttl = "5m")]
    async fn price(&self, _sku: &str) -> u8 {
        1
    }
}

#[cached(ttl = "5m")]
fn generic<T>(_n: T) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn hidden(_n: impl Into<String>) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn borrowed(n: &str) -> &str {
    n
}

#[cached(ttl = "5m")]
fn nothing(_n: u8) {}

#[cached(ttl = "5m", timeout = "1s")]
fn waits(#[from] pool: &u8) -> u8 {
    *pool
}

#[cached(ttl = "5m")]
fn inside(_n: Option<&str>) -> u8 {
    1
}

#[cached(ttl = "5m")]
async fn both(#[from] #[skip] one_answer: &u8, #[skip(1)] _n: u8, #[skip] #[skip] _m: u8) -> u8 {
    *one_answer
}

#[cached(ttl = "5m")]
async fn conditional(#[cfg(unix)] _n: u8, _m: u8) -> u8 {
    1
}

fn main() {
    // None of the faults above is one here.
    let shop = Shop;
    let _ = (no_ttl(), zeros(1), misspelt(1), one_answer(), generic(1), TABLE, waits(), inside(None));
    drop(shop.price("a"));
}
