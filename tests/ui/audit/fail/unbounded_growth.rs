use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, RwLock};

use rewarm::{handler, init};

#[rewarm::allow(global_state, reason = "all requests share the prices")]
static PRICES: LazyLock<RwLock<HashMap<String, u64>>> = LazyLock::new(RwLock::default);

fn remember(sku: String, price: u64) {
    PRICES.write().unwrap().insert(sku, price);
}

#[handler]
async fn in_a_static(event: String) -> u64 {
    remember(event, 1);
    1
}

struct Audit {
    name: &'static str,
    lines: Mutex<VecDeque<String>>,
}

impl Audit {
    fn add(&self, line: String) {
        let mut lines = self.lines.lock().unwrap();
        lines.push_back(line);
    }
}

#[init]
fn audit() -> Audit {
    Audit { name: "audit", lines: Mutex::default() }
}

#[handler]
async fn in_a_resource(event: String, audit: &Audit) -> usize {
    audit.add(event);
    audit.name.len()
}

#[derive(Default)]
struct Sessions {
    users: Users,
}

#[derive(Default)]
struct Users {
    by_name: Mutex<HashMap<String, u64>>,
}

impl Users {
    fn count(&self, name: String) {
        if let Ok(mut users) = self.by_name.lock() {
            *users.entry(name).or_insert(0) += 1;
        }
    }
}

#[init]
static SESSIONS: Sessions = Sessions::default();

#[handler]
async fn in_a_part_of_a_resource(event: String) {
    SESSIONS.users.count(event);
}

fn main() {}
