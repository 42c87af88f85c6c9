use std::time::{Instant, SystemTime};

use rewarm::init;

#[init(restore = keep)]
fn started() -> SystemTime {
    SystemTime::now()
}

struct Instance {
    id: u128,
    since: Instant,
}

impl Instance {
    fn new(id: u128) -> Self {
        let since = Instant::now();
        println!("{id} starts");
        Self { id, since }
    }
}

#[init(restore = keep)]
async fn instance() -> Result<Instance, std::io::Error> {
    Ok(Instance::new(1))
}

#[init(restore = keep)]
static LOG_STREAM: String = std::env::var("AWS_LAMBDA_LOG_STREAM_NAME")?;

#[init(timeout = "3s", restore = keep)]
async fn seed() -> u128 {
    let mut seed = 7;
    if let Ok(time) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        seed ^= time.as_nanos();
    }
    seed
}

fn main() {
    let _ = instance::get().map(|instance| (instance.id, instance.since));
}
