use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock, mpsc};

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

#[init]
fn standard() -> Mutex<std::sync::mpsc::Sender<u8>> {
    Mutex::new(std::sync::mpsc::channel().0)
}

#[init]
fn short() -> (mpsc::Sender<u8>, Mutex<mpsc::Receiver<u8>>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Mutex::new(receiver))
}

fn main() {}
