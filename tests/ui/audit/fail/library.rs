use std::sync::Mutex;

rewarm::audit!();

static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

pub fn see(id: u64) -> usize {
    remember(id)
}

fn remember(id: u64) -> usize {
    let mut seen = SEEN.lock().unwrap();
    seen.push(id);
    seen.len()
}

fn main() {}
