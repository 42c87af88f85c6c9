#[cached(ttl = "1h")]
fn squared(n: u64) -> u64 {
    n * n
}
