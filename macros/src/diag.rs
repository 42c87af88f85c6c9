//! Collects the faults of an item. Every error message passes through here, so all faults are
//! reported at once and in one form: what is wrong, why it matters on Lambda, and the code to write
//! instead.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The faults of one item.
#[derive(Default)]
pub(crate) struct Diag {
    errors: Vec<syn::Error>,
}

impl Diag {
    /// Reports a fault, with the span of the guilty tokens.
    pub(crate) fn error(
        &mut self,
        at: &dyn ToTokens,
        what: impl Display,
        why: impl Display,
        help: impl Display,
    ) {
        let why = why.to_string();
        let why = if why.is_empty() { why } else { format!("\n{why}") };
        self.errors.push(syn::Error::new_spanned(
            at.to_token_stream(),
            format_args!("{what}{why}\nhelp: {help}"),
        ));
    }

    /// Reports an error of the parser as it is.
    pub(crate) fn syntax(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// True if a fault names this item.
    pub(crate) fn names(&self, item: &str) -> bool {
        let quoted = format!("{item}`");
        self.errors.iter().any(|error| error.to_string().contains(&quoted))
    }

    /// The texts of all faults.
    pub(crate) fn into_messages(self) -> impl Iterator<Item = String> {
        self.errors.into_iter().map(|error| error.to_string())
    }

    /// All faults as calls of `compile_error!`: the first, which is also an expression, and the
    /// rest.
    pub(crate) fn into_tokens(self) -> (TokenStream, TokenStream) {
        let mut faults = self.errors.iter().map(syn::Error::to_compile_error);
        (faults.next().unwrap_or_default(), faults.collect())
    }
}
