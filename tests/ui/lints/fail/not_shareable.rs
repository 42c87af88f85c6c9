use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use rewarm::{cached, init};

type Hidden = Arc<Cell<u8>>;

#[derive(Clone)]
struct Session {
    _user: Rc<str>,
}

#[init]
async fn counter() -> Rc<u8> {
    Rc::new(1)
}

#[init]
fn aliased() -> Result<Hidden, std::io::Error> {
    Ok(Arc::new(Cell::new(1)))
}

#[init]
static CELL: RefCell<u8> = RefCell::new(1);

#[init]
static LATER: *const u8 = async { std::ptr::null() }.await;

#[cached(ttl = "5m")]
async fn session() -> Rc<str> {
    Rc::from("a")
}

#[cached(ttl = "5m")]
async fn session_of(user: &str) -> Result<Session, std::io::Error> {
    Ok(Session { _user: user.into() })
}

#[cached(ttl = "5m")]
fn computed(n: u8) -> Option<Rc<u8>> {
    Some(Rc::new(n))
}

fn main() {}
