use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rewarm::handler;

#[rewarm::allow(global_state, reason = "counts requests, holds none of their data")]
static SERVED: AtomicU64 = AtomicU64::new(0);

fn serve() -> u64 {
    SERVED.fetch_add(1, Ordering::Relaxed)
}

#[rewarm::allow(global_state, detached_task, reason = "the sink is shared by all requests")]
fn report() {
    static SINK: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    SINK.lock().unwrap().push(1);
    tokio::spawn(async {});
}

struct Names;

#[rewarm::allow(leak, reason = "there are ten names")]
impl Names {
    fn keep(&self, name: String) -> &'static str {
        name.leak()
    }
}

#[rewarm::allow(global_state, reason = "a mode of the whole container")]
mod mode {
    use std::cell::Cell;

    thread_local! {
        static MODE: Cell<u8> = const { Cell::new(0) };
    }

    pub fn next() -> u8 {
        MODE.replace(1)
    }
}

fn in_a_body() -> u64 {
    #[rewarm::allow(global_state, reason = "a sequence of numbers")]
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[handler]
async fn answer(event: u64) -> u64 {
    report();
    Names.keep(event.to_string());
    event + serve() + in_a_body() + u64::from(mode::next())
}

static OWN: AtomicU64 = AtomicU64::new(0);

fn own() -> u64 {
    OWN.fetch_add(1, Ordering::Relaxed)
}

#[handler(allow(global_state))]
async fn switched_off(event: u64) -> u64 {
    event + own() + OWN.fetch_add(1, Ordering::Relaxed)
}

fn main() -> std::process::ExitCode {
    answer::run()
}
