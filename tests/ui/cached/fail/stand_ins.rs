//! What is left of a faulty cached function: one mistake is one error, whatever is done with it.

use std::rc::Rc;

use rewarm::{cached, handler};

type Hidden = Result<u8, std::io::Error>;

#[cached(ttl = "5m")]
async fn destructured((a, b): (u8, u8), #[skip] c: u8) -> u8 {
    a + b + c
}

#[cached(ttl = "5m")]
async fn inside(text: Option<&str>) -> Result<usize, rewarm::Error> {
    Ok(text.map_or(1, str::len))
}

#[cached(ttl = "5m")]
async fn generic<T>(value: T) -> T {
    value
}

#[cached(ttl = "5m")]
async fn generic_once<T: Default>() -> T {
    T::default()
}

#[cached(ttl = "5m")]
fn into(text: impl Into<String>) -> usize {
    text.into().len()
}

#[cached(ttl = "5m")]
fn borrowed(text: &str) -> &str {
    text
}

#[cached(ttl = "5m")]
async fn hidden() -> impl Copy {
    1
}

#[cached(ttl = "5m")]
async fn nothing() {}

#[cached(ttl = "5m")]
fn aliased() -> Hidden {
    Ok(1)
}

#[cached(ttl = "5m")]
async fn shared() -> Rc<u8> {
    Rc::new(1)
}

#[cached(ttl = "5m")]
static TABLE: u8 = 1;

// None of the faults above is one here.
#[handler]
async fn answer(
    _event: u8,
    generic_once: &u8,
    hidden: &u8,
    nothing: &(),
    aliased: &u8,
    shared: &Rc<u8>,
    #[from(TABLE)] table: &u8,
) -> u8 {
    let () = nothing;
    let _ = (destructured((1, 2), 3).await, inside(None).await.is_ok(), self::hidden().await);
    *generic_once + *hidden + *aliased + **shared + *table + TABLE
}

async fn controls() {
    destructured::invalidate((1, 2));
    destructured::clear();
    let _ = (destructured::refresh((1, 2), 3).await + 1, destructured::peek((1, 2)));
    inside::invalidate(None);
    let _ = (inside::refresh(None).await.is_ok(), inside::peek(None), inside::stats().hits);
    generic::invalidate("a");
    let _: u8 = generic(1).await;
    let _ = (generic::refresh(1).await, generic::peek(1).is_some(), generic_once().await);
    into::invalidate("a");
    let _ = (into("a"), into::refresh("a"), into::peek("a"), borrowed("a"), borrowed::peek("a"));
    let _ = (hidden::refresh().await, nothing::peek(), aliased().is_ok(), shared().await);
}

fn main() {
    drop(controls());
}
