//! What is left of a faulty resource: one mistake is one error, whatever is done with it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rewarm::{cached, handler, init};

#[init]
async fn generic<T: Default>() -> T {
    T::default()
}

#[init]
async fn hidden() -> impl Copy {
    1
}

#[init]
fn borrowed() -> &str {
    "a"
}

#[init]
async fn mutable(borrowed: &mut u8) -> u8 {
    *borrowed
}

#[init]
fn waits(mutable: &mut u8) -> Result<u8, std::io::Error> {
    Ok(*mutable)
}

#[init]
fn nothing(_mutable: &mut u8) {}

#[init]
static mut COUNTER: u8 = 1;

#[init]
static mut READ: u8 = std::fs::read("a").map(|_| 1)?;

#[init]
static FALLIBLE: Result<u8, String> = Ok(1);

type Hidden = Result<u8, std::io::Error>;

#[init]
async fn aliased() -> Hidden {
    Ok(1)
}

#[init]
static ALIASED: Hidden = Ok(1);

#[init]
async fn cell() -> RefCell<u8> {
    RefCell::new(1)
}

#[init]
static CELL: Rc<u8> = Rc::new(1);

#[init]
static LATER: Rc<u8> = async { Rc::new(1) }.await;

#[init]
#[init]
async fn twice() -> u8 {
    1
}

#[cached(ttl = "5m")]
#[rewarm::init]
async fn both() -> u8 {
    1
}

struct Plain;

// None of the faults above is one here, but for what is no resource.
#[init]
async fn user(generic: &u8, hidden: Arc<u8>, borrowed: &str, aliased: &u8, cell: &RefCell<u8>) -> u8 {
    *generic + *hidden + borrowed.len() as u8 + *aliased + *cell.borrow()
}

#[cached(ttl = "5m")]
async fn keyed(n: u8, #[from] mutable: &u8, #[from] cell: &RefCell<u8>, #[from(Plain)] plain: &u8) -> u8 {
    n + *mutable + *cell.borrow() + *plain
}

#[handler]
async fn answer(
    _event: u8,
    waits: &u8,
    nothing: &(),
    twice: &u8,
    both: u8,
    cell: Arc<RefCell<u8>>,
    user: &u8,
    #[from(COUNTER)] counter: &u8,
    #[from(FALLIBLE)] fallible: &u8,
    #[from(CELL)] shared: &Rc<u8>,
    #[from(LATER)] later: &Rc<u8>,
    #[from(ALIASED)] alias: &u8,
) -> u8 {
    let () = nothing;
    let sum = *waits + *twice + both + *cell.borrow() + *user + *counter + *fallible;
    sum + **shared + **later + *alias
}

#[handler]
async fn not_filled(_event: u8, #[from(Plain)] plain: &u8, keyed: &u8) -> u8 {
    *plain + *keyed
}

async fn controls() {
    let _ = generic().await.map(|n| *n + 1);
    let _ = (generic::get(), hidden::get(), borrowed::get().is_some(), nothing::get());
    let _ = (mutable().await, mutable::get().map(|n| *n + 1), mutable::rebuild().await);
    let _ = (waits(), waits::get(), waits::rebuild().await.is_ok(), nothing());
    let _ = (*COUNTER, COUNTER::get(), *READ, READ::get(), *FALLIBLE + 1);
    unsafe { COUNTER += 1 };
    let _ = (aliased().await, aliased::get(), cell().await, CELL.clone(), *ALIASED);
    let _ = LATER.get().await;
}

fn main() {
    drop(controls());
}
