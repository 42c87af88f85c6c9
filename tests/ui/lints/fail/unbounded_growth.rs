use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use rewarm::init;
use tokio::sync::mpsc::UnboundedSender;

#[init]
static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

#[init]
fn answers() -> Arc<RwLock<HashMap<u64, u64>>> {
    Arc::default()
}

#[init]
async fn log() -> Result<(u8, Option<tokio::sync::Mutex<Option<String>>>), std::io::Error> {
    Ok((1, None))
}

#[init]
fn events() -> UnboundedSender<u8> {
    tokio::sync::mpsc::unbounded_channel().0
}

fn main() {}
