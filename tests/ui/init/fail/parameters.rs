//! Parameters that cannot be filled as they are, and signatures with several faults.

use std::fmt::Display;
use std::sync::Arc;

use rewarm::{handler, init};

trait Repo {}

struct Client;

#[init]
static NAMES: Vec<String> = Vec::new();

#[init]
async fn client() -> Client {
    Client
}

#[handler]
async fn of_a_static(_event: u8, #[from(NAMES)] names: Arc<Vec<String>>) -> usize {
    names.len()
}

#[handler]
async fn no_repo(_event: u8, client: &dyn Repo) {
    let _ = client;
}

#[init]
async fn displayed(client: &impl Display) -> String {
    client.to_string()
}

impl Client {
    #[init]
    async fn everything<T>(&self, client: &mut Client, #[skip] names: u8) -> impl Copy {
        1
    }
}

struct Borrows<'a>(&'a str);

#[init]
static BORROWS: Borrows = Borrows("a");

fn main() {}
