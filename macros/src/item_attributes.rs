//! The attributes of a user's item, on each generated item to which they apply.
//!
//! The function for callers contains the function as written. So the level of a lint, which stands
//! on the former, applies to both, and an `#[expect]` is fulfilled by either.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, MacroDelimiter, Meta, MetaList};

use crate::tokens::{ours, quote};

/// The attributes on the function for callers: its documentation and the levels of lints.
pub(crate) fn for_callers(attrs: &[Attribute]) -> Vec<Attribute> {
    select(attrs, &|meta| match meta {
        Meta::List(list) if list.path.is_ident("expect") => expected(list),
        _ => kept_if(is_for_callers(meta), meta),
    })
}

/// The attributes on the function as written: all others, such as those of other macros.
pub(crate) fn for_written(attrs: &[Attribute]) -> Vec<Attribute> {
    select(attrs, &|meta| kept_if(!is_for_callers(meta), meta))
}

/// The attributes on the type of the same name.
pub(crate) fn for_type(attrs: &[Attribute]) -> Vec<Attribute> {
    let is_hidden = |token| matches!(token, TokenTree::Ident(word) if word == "hidden");
    select(attrs, &|meta| match meta {
        Meta::List(list) if list.path.is_ident("doc") => {
            let hides = list.tokens.clone().into_iter().any(is_hidden);
            hides.then(|| quote!(doc(hidden))).into_iter().collect()
        }
        _ => kept_if(is_one_of(meta, &["cfg", "deprecated"]), meta),
    })
}

/// An `allow` for an item that has both a `#[deprecated]` and code of ours in it, since that names
/// the type, which is deprecated, too.
pub(crate) fn allow_own_type(attrs: &[Attribute]) -> Option<TokenStream> {
    let deprecated = select(attrs, &|meta| kept_if(is_one_of(meta, &["deprecated"]), meta));
    (!deprecated.is_empty()).then(|| quote!(#[allow(deprecated)]))
}

/// The levels of lints for code that repeats tokens of the user. An `#[expect]` is fulfilled by the
/// first use of these tokens.
pub(crate) fn for_repeated(attrs: &[Attribute]) -> Vec<Attribute> {
    select(attrs, &|meta| match meta {
        Meta::List(list) if list.path.is_ident("expect") => vec![leveled("allow", &list.tokens)],
        // Inside of a `forbid`, our code could not `allow`.
        Meta::List(list) if list.path.is_ident("forbid") => vec![leveled("deny", &list.tokens)],
        _ => kept_if(is_one_of(meta, &["cfg", "allow", "warn", "deny"]), meta),
    })
}

/// Lints that the function for callers never causes, since it calls the function as written, and
/// that never apply to the latter, which is private.
const NEVER_FULFILLED: [&str; 2] = ["missing_panics_doc", "must_use_candidate"];

/// An `#[expect]`, without the lints that our code cannot fulfil. These are allowed.
fn expected(list: &MetaList) -> Vec<TokenStream> {
    let is_never = |lint: &TokenStream| {
        lint.clone().into_iter().any(|token| {
            matches!(token, TokenTree::Ident(name) if NEVER_FULFILLED.iter().any(|it| name == it))
        })
    };
    let (never, others): (Vec<_>, Vec<_>) =
        split(list.tokens.clone()).into_iter().partition(is_never);
    if never.is_empty() {
        return vec![leveled("expect", &list.tokens)];
    }
    let mut levels = vec![leveled("allow", &quote!(#(#never),*))];
    let is_reason = |part: &TokenStream| part.to_string().starts_with("reason");
    if !others.iter().all(is_reason) {
        levels.push(leveled("expect", &quote!(#(#others),*)));
    }
    levels
}

fn leveled(level: &str, lints: &TokenStream) -> TokenStream {
    let level = ours(level);
    quote!(#level(#lints))
}

fn is_for_callers(meta: &Meta) -> bool {
    let names =
        ["allow", "cfg", "deny", "deprecated", "doc", "expect", "forbid", "must_use", "warn"];
    is_one_of(meta, &names)
}

fn is_one_of(meta: &Meta, names: &[&str]) -> bool {
    names.iter().any(|name| meta.path().is_ident(name))
}

fn kept_if(keep: bool, meta: &Meta) -> Vec<TokenStream> {
    keep.then(|| meta.to_token_stream()).into_iter().collect()
}

/// The attributes that `replace` returns, also in a `#[cfg_attr]`: the compiler has evaluated only
/// those that stand above ours.
fn select(attrs: &[Attribute], replace: &dyn Fn(&Meta) -> Vec<TokenStream>) -> Vec<Attribute> {
    let one = |attr: &Attribute| {
        let metas = replaced(&attr.meta, replace).into_iter().map(syn::parse2);
        let attr = attr.clone();
        metas.flatten().map(move |meta| Attribute { meta, ..attr.clone() }).collect::<Vec<_>>()
    };
    attrs.iter().flat_map(one).collect()
}

fn replaced(meta: &Meta, replace: &dyn Fn(&Meta) -> Vec<TokenStream>) -> Vec<TokenStream> {
    let Some((condition, metas)) = conditional(meta) else {
        return replace(meta);
    };
    let metas: Vec<_> = metas.iter().flat_map(|meta| replaced(meta, replace)).collect();
    match metas.is_empty() {
        true => Vec::new(),
        false => vec![quote!(cfg_attr(#condition, #(#metas),*))],
    }
}

/// The condition of a `cfg_attr`, and its attributes. `None` for one with a fault, which the
/// compiler reports.
fn conditional(meta: &Meta) -> Option<(TokenStream, Vec<Meta>)> {
    let Meta::List(list) = meta else {
        return None;
    };
    if !list.path.is_ident("cfg_attr") || !matches!(list.delimiter, MacroDelimiter::Paren(_)) {
        return None;
    }
    let mut parts = split(list.tokens.clone()).into_iter();
    let condition = parts.next()?;
    let metas = parts.map(syn::parse2).collect::<syn::Result<_>>().ok()?;
    Some((condition, metas))
}

/// The tokens between the commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    for token in tokens {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                parts.push(std::mem::take(&mut part));
            }
            _ => part.extend([token]),
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}
