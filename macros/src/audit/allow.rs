//! The options of `#[rewarm::allow]`: lints, the reason why the item is safe, and the path of rewarm,
//! which may be renamed.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token};

use crate::diag::Diag;
use crate::lints;

const FORM: &str = "write `#[rewarm::allow(global_state, reason = \"counts requests, holds none of \
                    their data\")]`";

enum Arg {
    Lint(Ident),
    Reason(LitStr),
    Krate(Path),
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let word = input.call(Ident::parse_any)?;
        match input.parse::<Option<Token![=]>>()? {
            Some(_) if word == "reason" => input.parse().map(Self::Reason),
            Some(_) if word == "crate" => Path::parse_mod_style(input).map(Self::Krate),
            Some(_) => Err(syn::Error::new(word.span(), format!("`{word}` takes no value"))),
            None => Ok(Self::Lint(word)),
        }
    }
}

/// The lints that the attribute names, and the path of rewarm. Reports faults in its options.
pub(super) fn read(args: TokenStream, diag: &mut Diag) -> (Vec<Ident>, Path) {
    let mut krate = syn::parse_quote!(::rewarm);
    let at = args.clone();
    let at: &dyn ToTokens = if at.is_empty() { &Here } else { &at };
    let args = match Punctuated::<Arg, Token![,]>::parse_terminated.parse2(args) {
        Ok(args) => args,
        Err(error) => {
            diag.syntax(syn::Error::new(error.span(), format!("{error}\nhelp: {FORM}")));
            return (Vec::new(), krate);
        }
    };
    let (mut words, mut reason) = (Vec::new(), None);
    for arg in args {
        match arg {
            Arg::Lint(word) => words.push(word),
            Arg::Reason(text) => reason = Some(text),
            Arg::Krate(path) => krate = path,
        }
    }
    if words.is_empty() {
        diag.error(at, "`rewarm::allow` names no lint", "", FORM);
        return (words, krate);
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
    (words, krate)
}

/// The attribute itself, where it has no options.
struct Here;

impl ToTokens for Here {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend([proc_macro2::TokenTree::Ident(Ident::new("allow", Span::call_site()))]);
    }
}
