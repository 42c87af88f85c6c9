//! An attribute does not panic on any input, and returns tokens.
//!
//! The first line of an input is an attribute, by its first byte, and its arguments after a blank;
//! the rest is the item: `init lazy, timeout = "3s"`, and below it `async fn db() -> Pool { … }`.
#![no_main]

extern crate proc_macro;

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use libfuzzer_sys::{Corpus, fuzz_target};
use proc_macro2::TokenStream;

// The sources of the crate rewarm-macros, as its lib.rs has them: nothing but attributes can be
// taken from a macro crate.
#[path = "../../macros/src/args/mod.rs"]
mod args;
#[path = "../../macros/src/attributes.rs"]
mod attributes;
#[allow(dead_code)]
#[path = "../../macros/src/audit/mod.rs"]
mod audit;
#[path = "../../macros/src/cached/mod.rs"]
mod cached;
#[path = "../../macros/src/diag.rs"]
mod diag;
#[path = "../../macros/src/driver.rs"]
mod driver;
#[path = "../../macros/src/duration.rs"]
mod duration;
#[path = "../../macros/src/fallback.rs"]
mod fallback;
#[path = "../../macros/src/handler/mod.rs"]
mod handler;
#[path = "../../macros/src/init/mod.rs"]
mod init;
#[path = "../../macros/src/injected.rs"]
mod injected;
#[path = "../../macros/src/item.rs"]
mod item;
#[path = "../../macros/src/item_attributes.rs"]
mod item_attributes;
#[path = "../../macros/src/lints/mod.rs"]
mod lints;
#[path = "../../macros/src/names.rs"]
mod names;
#[path = "../../macros/src/parts.rs"]
mod parts;
#[path = "../../macros/src/signature.rs"]
mod signature;
#[path = "../../macros/src/tokens.rs"]
mod tokens;
#[path = "../../macros/src/types.rs"]
mod types;

fuzz_target!(|text: &str| -> Corpus { on_a_large_stack(text) });

fn expands(text: &str) -> Corpus {
    let Some((first, item)) = text.split_once('\n') else {
        return Corpus::Reject;
    };
    let (name, args) = first.split_once(' ').unwrap_or((first, ""));
    let run = match name.bytes().next() {
        Some(b'i') => attributes::init,
        Some(b'c') => attributes::cached,
        Some(b'h') => attributes::handler,
        _ => return Corpus::Reject,
    };
    // What rustc hands over is balanced, and its literals are whole.
    let (Ok(args), Ok(item)) = (args.parse::<TokenStream>(), item.parse::<TokenStream>()) else {
        return Corpus::Reject;
    };
    let shown = format!("#[{name}({args})] {item}");
    assert!(!run(args, item).is_empty(), "{shown}");
    Corpus::Keep
}

/// Syn goes as deep as an expression is nested, and takes more of the stack for it here than in the
/// compiler. What is too deep for it is no fault of ours.
const STACK: usize = 1 << 30;

/// Does it in a thread that is started once.
fn on_a_large_stack(text: &str) -> Corpus {
    type Worker = (SyncSender<String>, std::sync::Mutex<Receiver<Corpus>>);
    static WORKER: OnceLock<Worker> = OnceLock::new();
    let (texts, answered) = WORKER.get_or_init(|| {
        let (texts, receiver) = sync_channel::<String>(0);
        let (sender, answered) = sync_channel(0);
        let work = move || receiver.iter().try_for_each(|text| sender.send(expands(&text)));
        std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
        (texts, answered.into())
    });
    texts.send(text.to_owned()).unwrap();
    answered.lock().unwrap().recv().unwrap()
}
