//! Types and functions of a user's own that share a name with one that is flagged.
#![deny(warnings)]

use std::sync::Arc;

use rewarm::{cached, handler, init};

#[derive(Clone, Hash, PartialEq, Eq)]
pub struct Cell(pub u8);
pub struct Rc;
pub struct Mutex;
pub struct Tokenizer;
pub struct TokenBucket;
pub struct CancellationToken;
pub struct PasswordHasher;

mod my {
    #[derive(Clone, Hash, PartialEq, Eq)]
    pub struct Context(pub u8);
    pub struct Mutex<T>(pub T);
    pub struct Lazy<T>(pub T);

    pub fn spawn(_: u8) {}
    pub fn exit(_: u8) {}
    pub fn forget(_: u8) {}
}

#[init]
fn cell() -> Cell {
    static TABLE: Cell = Cell(1);
    static LOCK: Mutex = Mutex;
    static OWN: my::Mutex<u8> = my::Mutex(1);
    static NUMBERS: [u8; 2] = [1, 2];
    static NAMES: &[(&str, fn() -> String)] = &[("a", String::new)];
    const LIMIT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(1);
    let _ = (&LOCK, OWN.0, NUMBERS[0], NAMES[0].0, LIMIT.into_inner());
    TABLE.clone()
}

#[init]
static RC: Rc = Rc;

#[init]
fn grows() -> my::Mutex<Vec<u8>> {
    my::Mutex(Vec::new())
}

#[init]
fn table() -> Vec<String> {
    Vec::new()
}

#[init(allow(global_state))]
fn bounded() -> std::sync::Mutex<[u8; 4]> {
    std::sync::Mutex::new([0; 4])
}

#[init]
fn lazy() -> my::Lazy<Arc<Tokenizer>> {
    my::Lazy(Arc::new(Tokenizer))
}

#[init]
fn limits() -> (TokenBucket, CancellationToken, PasswordHasher) {
    (TokenBucket, CancellationToken, PasswordHasher)
}

#[init]
fn secrets_client() -> String {
    String::new()
}

#[init]
fn password_length() -> usize {
    8
}

#[cached(ttl = "5m")]
fn keyed(context: my::Context, #[skip] request: rewarm::Context, cell: &Cell) -> u8 {
    drop(request);
    context.0 + cell.0
}

struct Sink;

impl Sink {
    fn leak(&self) {}
    fn exit(&self, _: u8) {}
    fn set_var(&self) {}
    fn spawn(&self, _: u8) {}
}

#[handler]
async fn answer(_event: u8) -> u8 {
    struct Mutex<T>(T);
    static LOCAL: Mutex<u8> = Mutex(1);
    Sink.leak();
    Sink.exit(1);
    Sink.set_var();
    Sink.spawn(1);
    my::spawn(1);
    my::exit(1);
    my::forget(1);
    #[allow(non_snake_case)]
    let (mut STATE, mut count) = (1, 1);
    #[allow(unused_unsafe)]
    unsafe {
        STATE += 1;
        count += STATE;
        let _ = &mut count;
    }
    LOCAL.0 + count
}

fn main() {}
