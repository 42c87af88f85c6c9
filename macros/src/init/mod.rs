//! `#[init]`: a resource built once per container.

mod args;
mod expand;
mod model;

use proc_macro2::TokenStream;

use crate::args::Args;
use crate::diag::Diag;
use crate::driver::Attribute;
use crate::item::Item;

pub(crate) struct Init;

impl Attribute for Init {
    type Options = args::Options;
    type Model = model::Model;

    fn parse(args: &mut Args, diag: &mut Diag) -> Self::Options {
        args::Options::read(args, diag)
    }

    fn check(options: Self::Options, item: Item, diag: &mut Diag) -> Option<Self::Model> {
        model::Model::check(options, item, diag)
    }

    fn expand(model: &Self::Model) -> TokenStream {
        expand::expand(model)
    }

    fn fallback(item: Item, fault: &TokenStream, krate: &syn::Path) -> TokenStream {
        crate::fallback::resource(item, fault, krate)
    }
}
