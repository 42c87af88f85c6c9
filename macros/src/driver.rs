//! What an attribute is, and the one function that runs it: tokens → options → model → expansion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use crate::args::Args;
use crate::cached::Cached;
use crate::diag::Diag;
use crate::handler::Handler;
use crate::init::Init;
use crate::item::Item;

/// One attribute of this crate.
pub(crate) trait Attribute {
    /// Its options, read.
    type Options;
    /// Everything that the expansion needs, correct.
    type Model;

    /// Reads the options. A wrong one is reported and has its default.
    fn parse(args: &mut Args, diag: &mut Diag) -> Self::Options;
    /// Holds the options against the item. `None` if nothing can be made of them together.
    fn check(options: Self::Options, item: Item, diag: &mut Diag) -> Option<Self::Model>;
    /// Writes the code. It cannot fail, and sees nothing but the model.
    fn expand(model: &Self::Model) -> TokenStream;
    /// What stands in the place of an item with no model, so that the rest of the file still
    /// compiles and one mistake stays one error. It has to hold `fault`, which reports it.
    fn fallback(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream;
}

/// Runs an attribute on an item.
pub(crate) fn run<A: Attribute>(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let mut args = Args::read(args, &mut diag);
    let krate = args.krate_path();
    let options = A::parse(&mut args, &mut diag);
    args.finish(all_options, &mut diag);
    let read = Item::read(item.clone(), &mut diag).map(|mut item| {
        item.only_once(&mut diag);
        item
    });
    let model = read.clone().and_then(|item| A::check(options, item, &mut diag));
    let (fault, others) = diag.into_tokens();
    match (model, read) {
        (Some(model), _) => {
            let expansion = A::expand(&model);
            quote!(#fault #others #expansion)
        }
        (None, Some(item)) => {
            let left = A::fallback(item, &fault, &krate);
            quote!(#left #others)
        }
        (None, None) => {
            let left = crate::names::without_parameter_attributes(item);
            quote!(#fault #others #left)
        }
    }
}

/// All options of all attributes.
fn all_options() -> Vec<(&'static str, Vec<&'static str>)> {
    fn of<A: Attribute>() -> Vec<&'static str> {
        let mut args = Args::default();
        A::parse(&mut args, &mut Diag::default());
        args.known()
    }
    vec![("init", of::<Init>()), ("cached", of::<Cached>()), ("handler", of::<Handler>())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an editor completes in has to come out of an attribute as it went in, whatever is wrong
    /// with the options or with the body itself.
    #[test]
    fn a_half_written_body_is_left_as_it_is() {
        let options = [
            "",
            "t",
            "ttl",
            "ttl =",
            "ttl = \"5",
            "ttl = \"5m\",",
            "ttl = \"5m\", max_",
            "allow(",
            ", ,",
            "= 5",
            "check = self::",
            "crate =",
            "timeout = \"3s\" lazy",
            "check = ck::<u8,",
            "retry-",
        ];
        let signatures = [
            "async fn db ( event : u8 , settings : & Settings )",
            "fn db ( )",
            "async fn db ( & self )",
            "async fn db < T > ( event : T ) -> impl Copy",
            "async fn db ( event : )",
            "fn db ( # [from] settings : & Settings ) -> u8",
            "async fn db ( event : u8 , # [from ()] settings : & mut u8 ) -> Self",
        ];
        let bodies =
            ["{ settings . }", "{ let pool = connect ( & settings . ; pool }", "{ db :: }"];
        for options in options {
            // What rustc hands over is balanced, and its literals are whole.
            let Ok(options) = options.parse::<TokenStream>() else {
                continue;
            };
            for (signature, body) in signatures.iter().flat_map(|s| bodies.map(|b| (s, b))) {
                let Ok(item) = format!("{signature} {body}").parse::<TokenStream>() else {
                    continue;
                };
                for run in [run::<Init>, run::<Cached>, run::<Handler>] {
                    let written = run(options.clone(), item.clone()).to_string();
                    let body: String = body.split_whitespace().collect();
                    let written: String = written.split_whitespace().collect();
                    assert!(written.contains(&body), "{signature} lost its body: {written}");
                }
            }
        }
    }
}
