//! A pool of connections whose server the tests control, a repository on it, and a handler.

use std::sync::Mutex;

use super::*;

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes that something happened.
pub fn note(text: impl Into<String>) {
    NOTES.lock().unwrap().push(text.into());
}

/// Takes the notes so far.
pub fn notes() -> Vec<String> {
    std::mem::take(&mut NOTES.lock().unwrap())
}

/// Sets the server back to the state before the first test.
pub fn reset() {
    MADE.store(0, SeqCst);
    ALIVE.store(true, SeqCst);
    BUILDS.store(true, SeqCst);
    notes();
}

pub static ALIVE: AtomicBool = AtomicBool::new(true);
pub static BUILDS: AtomicBool = AtomicBool::new(true);
pub static MADE: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub struct Pool(pub u64);

pub async fn ping(pool: &Pool) -> Result<(), String> {
    note(format!("check {}", pool.0));
    if ALIVE.load(SeqCst) { Ok(()) } else { Err("connection reset".to_owned()) }
}

pub async fn hang_up(pool: &Pool) {
    note(format!("close {}", pool.0));
}

#[init(check = ping, idle = "1m", close = hang_up, retry_after = "30s")]
pub async fn primary() -> Result<Pool, String> {
    if !BUILDS.load(SeqCst) {
        return Err("no route to host".to_owned());
    }
    let pool = Pool(MADE.fetch_add(1, SeqCst) + 1);
    note(format!("build {}", pool.0));
    ALIVE.store(true, SeqCst);
    Ok(pool)
}

async fn done(_: &u64) {
    note("close repository");
}

#[init(close = done)]
pub async fn repository(primary: &Pool) -> u64 {
    note(format!("repository on {}", primary.0));
    primary.0 * 100
}

#[handler(report_every = 0)]
pub async fn app(_: Value, primary: &Pool, repository: &u64) -> (u64, u64) {
    rewarm::defer(async { note("deferred") });
    (primary.0, *repository)
}
