//! Items behind `cfg`, made by `macro_rules!`, with raw names, with other attributes, and with the
//! crate under another name.
#![deny(warnings)]

use rewarm::{cached, handler, init};

#[cfg(any())]
#[init]
fn absent() -> NoSuchType {}

#[init]
#[cfg(not(windows))]
fn present() -> u8 {
    1
}

#[cfg_attr(all(), init)]
async fn conditional() -> u8 {
    1
}

macro_rules! number {
    ($name:ident, $value:expr, $ty:ty) => {
        #[init]
        async fn $name() -> $ty {
            $value
        }
    };
    (cached $name:ident $ty:ty) => {
        #[cached(ttl = "5m")]
        async fn $name(n: &$ty, #[from] one: &u8) -> $ty {
            let sum = *n + *one;
            sum
        }
    };
    (handler $name:ident) => {
        #[handler]
        async fn $name(event: u8, one: &u8, #[from(one)] again: std::sync::Arc<u8>) -> u8 {
            event + *one + *again
        }
    };
}

number!(one, 1, u8);
number!(cached plus u8);
number!(handler made);

#[init]
async fn r#type() -> u8 {
    1
}

#[init]
async fn r#match(r#type: &u8) -> u8 {
    *r#type
}

#[cached(ttl = "5m")]
async fn r#use(r#in: &str, #[from] r#match: &u8) -> usize {
    r#in.len() + usize::from(*r#match)
}

#[init]
#[must_use]
#[inline(never)]
#[allow(clippy::unused_async)]
async fn others() -> u8 {
    1
}

#[handler]
async fn event(event: u8, others: &u8, r#type: &u8) -> u8 {
    event + *others + *r#type
}

#[handler]
async fn held(key: u8, present: std::sync::Arc<u8>, conditional: &u8) -> u8 {
    key + *present + *conditional
}

#[cached(ttl = "5m")]
fn key(key: &str, #[skip] held: u8) -> usize {
    key.len() + usize::from(held)
}

// An attribute that rewrites the function, on either side of ours.
#[tracing::instrument]
#[init]
async fn traced(one: &u8) -> Result<u8, std::io::Error> {
    Ok(*one)
}

#[cached(ttl = "5m")]
#[tracing::instrument(skip(one), err(Debug))]
async fn traced_price(n: u8, #[from] one: &u8) -> Result<u8, std::io::Error> {
    Ok(n + *one)
}

#[handler]
#[tracing::instrument(skip_all, fields(event))]
async fn traced_answer(event: u8, traced: &u8) -> Result<u8, rewarm::Error> {
    Ok(traced_price(event).await? + *traced)
}

mod renamed {
    use rewarm as again;

    #[again::init(crate = again)]
    fn one() -> Result<u8, std::io::Error> {
        Ok(1)
    }

    #[again::cached(ttl = "5m", crate = again)]
    async fn two(n: u8, #[from] one: &u8) -> u8 {
        n + *one
    }

    #[again::handler(crate = again)]
    async fn answer(event: u8, one: &u8) -> u8 {
        two(event).await + *one
    }
}

trait Rate: Send + Sync {}
impl Rate for u8 {}

#[init]
static RATE: Box<dyn Rate> = Box::new(1);

#[init]
static HALVES: fn(u8) -> u8 = |n| n / 2;

#[init]
static LATE: std::sync::Arc<dyn Rate> = std::sync::Arc::new(async { 1 }.await);

fn main() {}
