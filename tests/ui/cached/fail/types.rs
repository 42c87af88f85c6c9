use rewarm::cached;

struct NoClone;

#[cached(ttl = "5m")]
fn single() -> NoClone {
    NoClone
}

#[cached(ttl = "5m")]
async fn keyed(_sku: &str) -> Result<Option<NoClone>, std::io::Error> {
    Ok(None)
}

#[cached(ttl = "5m", negative_ttl = "5s")]
async fn negative(_sku: &str) -> Result<u8, std::io::Error> {
    Ok(1)
}

fn main() {}
