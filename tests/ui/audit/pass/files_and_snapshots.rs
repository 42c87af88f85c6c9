//! Code that looks like a file of all invocations, a value that a snapshot must not keep, or a
//! collection that only grows, and is none.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use rewarm::{handler, init};

// A name of its own, a file that is only read, and one outside of `/tmp`.
fn save(order: &str) -> io::Result<Vec<u8>> {
    let path = std::env::temp_dir().join(format!("{order}-{}", std::process::id()));
    fs::write(&path, order)?;
    fs::remove_file(&path)?;
    let _ = OpenOptions::new().append(true).open(path.with_extension("log"));
    let _ = fs::write("/mnt/efs/orders.log", order);
    fs::read("/tmp/model.bin")
}

fn save_as(path: &str, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).open("/tmp/model.bin")?;
    file.write_all(text.as_bytes())?;
    fs::write(path, text)
}

// In INIT.
#[init]
fn model() -> Result<Vec<u8>, io::Error> {
    fs::write("/tmp/model.bin", "model")?;
    fs::read("/tmp/model.bin")
}

// Measured, and not kept.
#[init(restore = keep)]
async fn words() -> Vec<String> {
    let start = Instant::now();
    let words = vec!["tea".to_owned()];
    println!("loaded in {:?}", start.elapsed());
    words
}

// Built again after a restore.
#[init(restore = rebuild)]
async fn since() -> SystemTime {
    SystemTime::now()
}

// The same for all containers.
#[init(restore = keep)]
static REGION: String = std::env::var("AWS_REGION").unwrap_or_default();

// Limited, emptied, and filled in INIT.
#[derive(Default)]
struct Recent {
    lines: Mutex<Vec<String>>,
    batch: Mutex<Vec<String>>,
    names: Mutex<HashMap<String, u64>>,
}

impl Recent {
    fn new() -> Self {
        let recent = Self::default();
        recent.names.lock().unwrap().insert("a".to_owned(), 1);
        recent
    }

    fn add(&self, line: String) {
        let mut lines = self.lines.lock().unwrap();
        if lines.len() < 10 {
            lines.push(line.clone());
        }
        self.batch.lock().unwrap().push(line);
    }

    fn flush(&self) -> Vec<String> {
        std::mem::take(&mut *self.batch.lock().unwrap())
    }

    fn of(&self, name: &str) -> Option<u64> {
        self.names.lock().unwrap().get(name).copied()
    }
}

#[init]
fn recent() -> Recent {
    Recent::new()
}

#[handler]
async fn answer(event: String, recent: &Recent, words: &Vec<String>) -> io::Result<usize> {
    recent.add(event.clone());
    save_as(&event, &event)?;
    Ok(save(&event)?.len() + recent.flush().len() + words.len() + recent.of(&event).is_some() as usize)
}

fn main() -> ExitCode {
    answer::run()
}
