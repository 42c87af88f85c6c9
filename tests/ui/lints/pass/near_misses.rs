//! Code that looks like what is flagged, and is not.
#![deny(warnings)]

use std::sync::atomic::{AtomicU32, Ordering};

use rewarm::{cached, handler, init};
use tokio::sync::mpsc;

#[init(allow(global_state))]
static COUNTER: AtomicU32 = AtomicU32::new(0);

static TABLE: [u32; 2] = [1, 2];

mod process {
    pub fn exit(_: u8) {}
    pub fn set_hook(_: u8) {}
}

mod pool {
    pub struct Box;
    pub struct Arena;

    impl Box {
        pub fn leak(_: u8) -> u8 {
            1
        }
    }

    impl Arena {
        pub fn leak(&self, _: String) -> u8 {
            1
        }
        pub fn forget(_: u8) {}
    }

    #[derive(Clone, Default)]
    pub struct Pool(Vec<u8>);

    impl Pool {
        pub fn leak(self) -> usize {
            self.0.len()
        }
    }
}

// `static_mut`: no word but these two, in this order, makes one.
#[handler]
async fn no_static_mut(mut event: u8) -> u32 {
    static NAMES: [&str; 2] = ["static", "mut"];
    let text: &'static str = NAMES[0];
    let mutable: &mut u8 = &mut event;
    *mutable += 1;
    #[cfg(any())]
    static mut ABSENT: u8 = 1;
    u32::from(event) + text.len() as u32 + COUNTER.load(Ordering::Relaxed)
}

// `global_write`: reads, atomics, and what the body binds itself.
#[handler]
async fn no_global_write(_event: u8) -> u32 {
    #[allow(non_snake_case)]
    let mut LOCAL = [1, 2];
    #[allow(non_snake_case)]
    let (A, mut B) = (1, 2);
    #[allow(unused_unsafe)]
    unsafe {
        LOCAL[0] += TABLE[1];
        B += A;
        (B, LOCAL[1]) = (B + 1, TABLE[0]);
        let _ = &mut LOCAL;
        let _ = &raw const TABLE;
        COUNTER.store(LOCAL[0] + B, Ordering::Relaxed);
    }
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

// `process_state`: what only reads it, and functions of a user's own.
#[handler]
async fn no_process_state(_event: u8) -> usize {
    crate::process::exit(1);
    self::process::set_hook(1);
    use crate::process::exit;
    exit(1);
    fn abort() -> usize {
        1
    }
    let count = std::env::vars().count() + std::process::id() as usize;
    std::env::current_dir().map_or(count, |path| path.as_os_str().len() + abort())
}

// A name alone is enough for some functions, but not if the body says what it is.
#[cached(ttl = "5m")]
fn no_set_var(set_hook: fn(u8) -> u8) -> u8 {
    fn set_var(a: u8, b: u8) -> u8 {
        a + b
    }
    use crate::process::set_hook as remove_var;
    let set_current_dir = |n: u8| n;
    remove_var(1);
    let named = |set_var: u8| set_var;
    set_var(1, 2) + set_current_dir(3) + set_hook(4) + named(5)
}

// `leak`: functions and methods of a user's own, and what does not leak.
#[cached(ttl = "5m")]
fn no_leak() -> u8 {
    let arena = pool::Arena;
    let mut text = String::new();
    drop(std::mem::take(&mut text));
    let forget = |n: u8| n;
    pool::Arena::forget(1);
    arena.leak(text) + pool::Box::leak(1) + forget(1)
}

// The method `leak` of a user's own type, also where a text had its name before.
#[cached(ttl = "5m")]
fn no_leak_by_method() -> usize {
    let pool: pool::Pool = Default::default();
    let text = String::new();
    let text = (text, pool::Pool::default()).1;
    let list = vec![pool.clone()];
    list[0].clone().leak() + text.leak() + pool.leak() + Vec::<u8>::with_capacity(1).len()
}

// `request_in_key`: resources and what is not part of the key.
#[derive(Clone, Hash, PartialEq, Eq)]
pub struct RequestContext(u8);

#[init]
fn context() -> RequestContext {
    RequestContext(1)
}

#[cached(ttl = "5m")]
async fn no_request(#[from] context: &RequestContext, own: &RequestContext, lambda_event: u8) -> u8 {
    context.0 + own.0 + lambda_event
}

// `unbounded_growth`: what cannot grow, or grows only while it is built.
#[init(allow(global_state))]
fn no_growth() -> (std::sync::Mutex<u8>, Vec<u8>, std::sync::RwLock<[u8; 2]>) {
    (std::sync::Mutex::new(1), vec![1], std::sync::RwLock::default())
}

#[init]
fn bounded() -> tokio::sync::mpsc::Sender<u8> {
    tokio::sync::mpsc::channel(8).0
}

#[init]
fn bounded_too() -> mpsc::Sender<u8> {
    mpsc::channel(8).0
}

// `secret_forever`: words that only sound like it.
#[init]
fn secretary() -> String {
    String::new()
}

#[init]
fn password_policy() -> Vec<u8> {
    Vec::new()
}

#[init]
static API_KEY_HEADER: &'static str = "x-api-key";

fn main() {}
