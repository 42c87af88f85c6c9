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

#[handler]
async fn by_method(name: String) -> usize {
    let text = "a".to_owned().leak();
    let list: &[u8] = vec![1].leak();
    let mut joined = String::with_capacity(2);
    joined.push('a');
    let numbers: Vec<u8> = Default::default();
    let all = [1].iter().copied().collect::<Vec<u8>>().leak();
    let more = String::from_utf8(Vec::new()).unwrap().leak().len() + format!("{name}").leak().len();
    let more = more + name.clone().leak().len() + name.leak().len();
    text.len() + list.len() + joined.leak().len() + numbers.leak().len() + all.len() + more
}

#[cached(ttl = "5m")]
fn by_type() -> usize {
    let list = <Vec<u8>>::leak(Vec::new());
    <Box<_>>::into_raw(Box::new(1)) as usize + list.len()
}

fn main() {}
