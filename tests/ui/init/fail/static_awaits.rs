use std::collections::HashMap;

use rewarm::init;

async fn read() -> std::io::Result<String> {
    Ok("hello".to_owned())
}

#[init]
static GREETING: String = read().await?;

#[init]
static WORDS: HashMap<String, usize> = HashMap::from([(read().await?, 1)]);

fn length() -> usize {
    GREETING.len()
}

fn copied() -> String {
    (*GREETING).clone()
}

fn takes(_: &str) {}

fn passed() {
    takes(&GREETING);
}

fn compared() -> bool {
    GREETING == "hello"
}

fn indexed() -> usize {
    WORDS["hello"]
}

fn main() {}
