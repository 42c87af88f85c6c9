//! The attributes of `rewarm`: `#[init]`, `#[cached]` and `#[handler]`. Depend on `rewarm`, which
//! re-exports them.

mod args;
mod cached;
mod diag;
mod driver;
mod duration;
#[cfg(test)]
mod expansions;
mod handler;
mod init;
mod item;
mod lints;
mod names;
mod stand_in;

use proc_macro::TokenStream;

/// A resource built once per container, in Lambda's INIT phase, beside all the others.
#[proc_macro_attribute]
pub fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<init::Init>(args.into(), item.into()).into()
}

/// A function whose answer is kept for a time, shared by all callers and bounded.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<cached::Cached>(args.into(), item.into()).into()
}

/// The function that answers every event.
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<handler::Handler>(args.into(), item.into()).into()
}
