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

fn main() {}
