//! What an attribute is, and the one function that runs it: tokens → options → model → expansion.

use proc_macro2::TokenStream;
use syn::Path;

use crate::args::Args;
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
    /// compiles and one mistake stays one error.
    fn fallback(item: Item, krate: &Path) -> TokenStream;
}

/// Runs an attribute on an item.
pub(crate) fn run<A: Attribute>(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let mut args = Args::read(args, &mut diag);
    let krate = args.krate_path();
    let options = A::parse(&mut args, &mut diag);
    args.finish(&mut diag);
    let model =
        Item::read(item.clone(), &mut diag).and_then(|item| A::check(options, item, &mut diag));
    let expansion = match model {
        Some(model) => A::expand(&model),
        None => match syn::parse2(item.clone()) {
            Ok(item) => A::fallback(item, &krate),
            Err(_) => crate::names::without_parameter_attributes(item),
        },
    };
    let mut tokens = diag.into_tokens();
    tokens.extend(expansion);
    tokens
}
