//! Functions that are no `check` and no `close`.

use rewarm::init;

struct NoError;

async fn says_nothing(_: &u8) {}

async fn says_what(_: &u8) -> Result<u8, String> {
    Ok(1)
}

fn at_once(_: &u8) -> Result<(), String> {
    Ok(())
}

async fn no_error(_: &u8) -> Result<(), NoError> {
    Ok(())
}

async fn owns(_: u8) {}

async fn fails(_: &u8) -> Result<(), String> {
    Ok(())
}

fn closes_at_once(_: &u8) {}

async fn holds(_: &u8) {
    let shared = std::rc::Rc::new(1);
    tokio::task::yield_now().await;
    drop(shared);
}

#[init(check = says_nothing)]
async fn a() -> u8 {
    1
}

#[init(check = says_what)]
async fn b() -> u8 {
    1
}

#[init(check = at_once)]
static C: u8 = async { 1 }.await;

#[init(check = no_error)]
async fn d() -> u8 {
    1
}

#[init(check = nowhere)]
async fn e() -> u8 {
    1
}

#[init(close = fails)]
async fn f() -> u8 {
    1
}

#[init(close = closes_at_once)]
static G: u8 = 1;

#[init(close = owns)]
fn h() -> u8 {
    1
}

#[init(close = holds)]
async fn i() -> u8 {
    1
}

fn main() {}
