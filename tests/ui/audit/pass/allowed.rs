use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use rewarm::{handler, init};

#[rewarm::allow(global_state, reason = "counts requests, holds none of their data")]
static SERVED: AtomicU64 = AtomicU64::new(0);

fn serve() -> u64 {
    SERVED.fetch_add(1, Ordering::Relaxed)
}

#[rewarm::allow(
    global_state,
    detached_task,
    unbounded_growth,
    reason = "the sink is shared by all requests, which are few"
)]
fn report() {
    static SINK: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    SINK.lock().unwrap().push(1);
    tokio::spawn(async {});
}

struct Static;

#[rewarm::allow(leak, reason = "there are ten names")]
impl Static {
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
    Static.keep(event.to_string());
    event + serve() + in_a_body() + u64::from(mode::next())
}

#[rewarm::allow(tmp_file, reason = "the model is the same for all requests")]
fn download() -> std::io::Result<()> {
    std::fs::write("/tmp/model.bin", "model")
}

#[handler(allow(tmp_file))]
async fn writes_files(event: String) -> std::io::Result<()> {
    download()?;
    std::fs::write("/tmp/last", event)
}

#[init(restore = keep, allow(snapshot_unique))]
fn started() -> SystemTime {
    SystemTime::now()
}

struct Names {
    all: Mutex<Vec<String>>,
}

impl Names {
    fn add(&self, name: String) {
        self.all.lock().unwrap().push(name);
    }
}

#[init(allow(unbounded_growth))]
fn names() -> Names {
    Names { all: Mutex::default() }
}

#[handler]
async fn adds_names(event: String, names: &Names) {
    names.add(event);
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
