use std::env::{remove_var, set_current_dir, set_var};
use std::panic::set_hook;

use rewarm::{cached, handler};

#[handler]
async fn changes(_event: u8) {
    unsafe { std::env::set_var("STAGE", "test") };
    std::env::set_current_dir("/tmp").unwrap();
    std::panic::set_hook(Box::new(|_| {}));
}

#[cached(ttl = "5m")]
fn ends() -> u8 {
    use std::process;
    if std::env::args().count() > 1 {
        process::exit(1);
    }
    process::abort()
}

#[cached(ttl = "5m")]
async fn imported() -> u8 {
    use std::env::remove_var as forget_it;
    unsafe { forget_it("STAGE") };
    1
}

#[handler]
async fn shadowed(_event: u8) {
    use std::env;
    let env = 1;
    unsafe { env::set_var("STAGE", env.to_string()) };
}

#[handler]
async fn as_values(_event: u8) {
    let end: fn(i32) -> ! = std::process::exit;
    std::thread::spawn(move || end(1)).join().unwrap();
}

#[handler]
async fn imported_above(_event: u8) {
    unsafe {
        set_var("STAGE", "test");
        remove_var("STAGE");
    }
    set_current_dir("/tmp").unwrap();
    set_hook(Box::new(|_| {}));
}

fn main() {}
