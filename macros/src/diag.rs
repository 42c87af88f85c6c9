//! Collects what is wrong with an item. Every message that a user reads ends here, so all of an
//! item's faults are reported at once and in one form: what is wrong, why it matters on Lambda, and
//! what to write instead.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The faults of one item.
#[derive(Default)]
pub(crate) struct Diag {
    errors: Vec<syn::Error>,
}

impl Diag {
    /// Reports a fault on the guilty tokens.
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

    /// Passes on what the parser said, where it knows best.
    pub(crate) fn syntax(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// All faults, as the compiler is told: the first, as an expression, and the others.
    pub(crate) fn into_tokens(self) -> (TokenStream, TokenStream) {
        let mut faults = self.errors.iter().map(syn::Error::to_compile_error);
        (faults.next().unwrap_or_default(), faults.collect())
    }
}
