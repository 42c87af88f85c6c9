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

#[derive(Clone)]
struct NoHash;

#[cached(ttl = "5m")]
async fn by_value(_key: NoHash, _n: u8) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn by_reference(_key: &NoClone, _text: &str) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn keyed_by_rc(_key: Option<std::rc::Rc<u8>>) -> u8 {
    1
}

#[cached(ttl = "5m")]
async fn not_send(_n: u8) -> Result<u8, Box<dyn std::error::Error>> {
    Ok(1)
}

type Hidden = Result<u8, std::io::Error>;

#[cached(ttl = "5m")]
async fn aliased(n: u8) -> Hidden {
    Ok(n)
}

struct Pool;

#[cached(ttl = "5m")]
async fn forgotten_from(_db: &Pool, n: u8) -> u8 {
    n
}

#[cached(ttl = "5m")]
async fn passed(_n: u8, #[skip] _pool: &Pool) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn passed_rc(_n: u8, #[skip] _shared: std::rc::Rc<u8>) -> u8 {
    1
}

#[cached(ttl = "5m")]
fn many() -> Vec<NoClone> {
    Vec::new()
}

fn main() {}
