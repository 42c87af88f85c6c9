//! The stages of an attribute, and the function that runs them: tokens → options → model →
//! expansion.

use proc_macro2::TokenStream;
use syn::Path;

use crate::args::{AllOptions, Args};
use crate::diag::Diag;
use crate::item::Item;
use crate::names;
use crate::tokens::quote;

/// The stages of one attribute, with its options and its model: all that the expansion needs, free
/// of faults.
pub(crate) struct Stages<Options, Model> {
    /// Reads the options. A faulty one is reported, and its default taken.
    pub(crate) options: fn(&mut Args, &mut Diag) -> Options,
    /// Checks the options and the item together. `None` if no model can be made of them.
    pub(crate) check: fn(Options, Item, &mut Diag) -> Option<Model>,
    /// Writes the code. It cannot fail, and it depends on the model alone.
    pub(crate) expand: fn(&Model) -> TokenStream,
    /// Replaces an item without a model, so that the rest of the file still compiles and one
    /// mistake stays one error. The tokens are the fault to report, which must be part of the
    /// result.
    pub(crate) fallback: fn(Item, &TokenStream, &Path) -> TokenStream,
}

impl<Options, Model> Stages<Options, Model> {
    /// The options of the attribute, in the form in which a user writes them.
    pub(crate) fn known(&self) -> Vec<&'static str> {
        let mut args = Args::default();
        (self.options)(&mut args, &mut Diag::default());
        args.known()
    }

    /// Runs the attribute on an item. `all` serves errors about an option of another attribute.
    pub(crate) fn run(&self, args: TokenStream, item: TokenStream, all: AllOptions) -> TokenStream {
        names::kept_apart(args, item, |args, item| self.run_on(args, item, all))
    }

    fn run_on(&self, args: TokenStream, item: TokenStream, all: AllOptions) -> TokenStream {
        let mut diag = Diag::default();
        let mut args = Args::read(args, &mut diag);
        let krate = args.krate_path();
        let options = (self.options)(&mut args, &mut diag);
        args.finish(all, &mut diag);
        let read = Item::read(item.clone(), &mut diag);
        let model = read.clone().and_then(|item| (self.check)(options, item, &mut diag));
        let (fault, others) = diag.into_tokens();
        match (model, read) {
            (Some(model), _) => {
                let expansion = (self.expand)(&model);
                quote!(#fault #others #expansion)
            }
            (None, Some(item)) => {
                let fallback = (self.fallback)(item, &fault, &krate);
                quote!(#fallback #others)
            }
            (None, None) => {
                let item = crate::signature::without_parameter_attributes(item);
                quote!(#fault #others #item)
            }
        }
    }
}
