//! What an attribute is, and the one function that runs it: tokens → options → model → expansion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

use crate::args::{Args, Everywhere};
use crate::diag::Diag;
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

/// Runs an attribute on an item. `all` are the options of all attributes, one of which may be meant.
pub(crate) fn run<A: Attribute>(
    args: TokenStream,
    item: TokenStream,
    all: Everywhere,
) -> TokenStream {
    let mut diag = Diag::default();
    let mut args = Args::read(args, &mut diag);
    let krate = args.krate_path();
    let options = A::parse(&mut args, &mut diag);
    args.finish(all, &mut diag);
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
            let left = crate::signature::without_parameter_attributes(item);
            quote!(#fault #others #left)
        }
    }
}
