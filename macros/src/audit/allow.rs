//! The options of `#[rewarm::allow]`: lints, and the reason why the item is safe.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token};

use crate::diag::Diag;
use crate::lints;

const FORM: &str = "write `#[rewarm::allow(global_state, reason = \"counts requests, holds none of \
                    their data\")]`";

enum Arg {
    Lint(Ident),
    Reason(LitStr),
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let word: Ident = input.parse()?;
        match input.parse::<Option<Token![=]>>()? {
            Some(_) if word == "reason" => input.parse().map(Self::Reason),
            Some(_) => Err(syn::Error::new(word.span(), format!("`{word}` takes no value"))),
            None => Ok(Self::Lint(word)),
        }
    }
}

/// The lints that the attribute names. Reports faults in its options.
pub(super) fn read(args: TokenStream, diag: &mut Diag) -> Vec<Ident> {
    let at = args.clone();
    let at: &dyn ToTokens = if at.is_empty() { &Here } else { &at };
    let args = match Punctuated::<Arg, Token![,]>::parse_terminated.parse2(args) {
        Ok(args) => args,
        Err(error) => {
            diag.syntax(syn::Error::new(error.span(), format!("{error}\nhelp: {FORM}")));
            return Vec::new();
        }
    };
    let (mut words, mut reason) = (Vec::new(), None);
    for arg in args {
        match arg {
            Arg::Lint(word) => words.push(word),
            Arg::Reason(text) => reason = Some(text),
        }
    }
    if words.is_empty() {
        diag.error(at, "`rewarm::allow` names no lint", "", FORM);
        return words;
    }
    words.retain(|word| lints::lint(word, diag).is_some());
    if reason.is_none_or(|reason| reason.value().trim().is_empty()) {
        diag.error(
            at,
            "`rewarm::allow` needs a reason",
            "it tells the next reader why invocations may share this",
            FORM,
        );
    }
    words
}

/// The attribute itself, where it has no options.
struct Here;

impl ToTokens for Here {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend([proc_macro2::TokenTree::Ident(Ident::new("allow", Span::call_site()))]);
    }
}
