//! Keeps the names of our items apart from those of the user.
//!
//! Local variables of an expansion have the hygiene of `tokens::quote`. Items have none: an item in
//! a block hides the user's item of the same name from the user's tokens in that block. The names
//! of ours begin with `__`. If a name of the user's does, too, ours get further underscores. The
//! names that a macro in the user's body expands to are not known here.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// Runs an attribute. While it runs, the user's names with `__` are raw identifiers, which tells
/// them from ours.
pub(crate) fn kept_apart(
    args: TokenStream,
    item: TokenStream,
    run: impl FnOnce(TokenStream, TokenStream) -> TokenStream,
) -> TokenStream {
    let longest = underscores(&args).max(underscores(&item));
    if longest < 2 {
        return run(args, item);
    }
    let expansion = run(renamed(args, &as_raw), renamed(item, &as_raw));
    let further = "_".repeat(longest - 1);
    renamed(expansion, &|text| match text.strip_prefix("r#") {
        Some(name) => name.starts_with("__").then(|| name.to_owned()),
        None => text.starts_with("__").then(|| format!("{further}{text}")),
    })
}

/// The largest number of underscores at the start of a name.
fn underscores(tokens: &TokenStream) -> usize {
    let one = |token| match token {
        TokenTree::Ident(ident) => {
            let text = crate::tokens::text(&ident);
            text.len() - text.trim_start_matches('_').len()
        }
        TokenTree::Group(group) => underscores(&group.stream()),
        _ => 0,
    };
    tokens.clone().into_iter().map(one).max().unwrap_or(0)
}

fn as_raw(text: &str) -> Option<String> {
    text.starts_with("__").then(|| format!("r#{text}"))
}

/// The tokens with new names, at every depth. `None` keeps a name.
fn renamed(tokens: TokenStream, rename: &dyn Fn(&str) -> Option<String>) -> TokenStream {
    let one = |token| match token {
        TokenTree::Ident(ident) => {
            let Some(name) = rename(&ident.to_string()) else {
                return TokenTree::Ident(ident);
            };
            let ident = match name.strip_prefix("r#") {
                Some(name) => Ident::new_raw(name, ident.span()),
                None => Ident::new(&name, ident.span()),
            };
            TokenTree::Ident(ident)
        }
        TokenTree::Group(group) => {
            let mut refilled = Group::new(group.delimiter(), renamed(group.stream(), rename));
            refilled.set_span(group.span());
            TokenTree::Group(refilled)
        }
        other => other,
    };
    tokens.into_iter().map(one).collect()
}
