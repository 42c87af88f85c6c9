use rewarm::{cached, handler};

#[handler]
async fn leaks(name: String) -> usize {
    let name: &'static str = Box::leak(name.into_boxed_str());
    let bytes: &'static [u8] = Vec::leak(vec![1, 2]);
    let text: &'static str = String::leak(String::new());
    name.len() + bytes.len() + text.len()
}

#[cached(ttl = "5m")]
fn forgets() -> u8 {
    std::mem::forget(String::new());
    let _kept = std::mem::ManuallyDrop::new(String::new());
    1
}

#[cached(ttl = "5m")]
fn raw() -> usize {
    Box::into_raw(Box::new(1)) as usize
}

#[handler]
async fn imported(_event: u8) {
    use std::mem::{self, forget, forget as keep};
    forget(1);
    keep(2);
    mem::forget(3);
    alloc_free();
    fn alloc_free() {
        core::mem::forget(4);
    }
}

fn main() {}
