//! Compares the expansion of each `expansions/*.rs` with its `*.expanded.rs`. After an intended
//! change, `REWARM_EXPANSIONS=overwrite cargo test -p rewarm-macros` writes these files.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::attributes;

/// Runs the attribute on an item of a file, as the compiler would.
fn expand(item: syn::Item) -> TokenStream {
    let (attrs, mut item) = match item {
        syn::Item::Fn(mut item) => (std::mem::take(&mut item.attrs), syn::Item::Fn(item)),
        syn::Item::Static(mut item) => (std::mem::take(&mut item.attrs), syn::Item::Static(item)),
        other => return other.into_token_stream(),
    };
    let is_ours = |attr: &syn::Attribute| {
        ["init", "cached", "handler"].iter().any(|name| attr.path().is_ident(name))
    };
    let (ours, others): (Vec<_>, Vec<_>) = attrs.into_iter().partition(is_ours);
    let [attr] = &ours[..] else {
        panic!("an item must have one attribute of ours");
    };
    match &mut item {
        syn::Item::Fn(item) => item.attrs = others,
        syn::Item::Static(item) => item.attrs = others,
        _ => {}
    }
    let args = match &attr.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let item = item.into_token_stream();
    if attr.path().is_ident("init") {
        attributes::init(args, item)
    } else if attr.path().is_ident("cached") {
        attributes::cached(args, item)
    } else {
        attributes::handler(args, item)
    }
}

#[test]
fn expansions_are_as_pinned() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("expansions");
    let mut differ = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".expanded.rs") {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let expanded: TokenStream = file.items.into_iter().map(expand).collect();
        let expanded = prettyplease::unparse(&syn::parse2(expanded).unwrap());
        let pinned = path.with_extension("expanded.rs");
        if env::var("REWARM_EXPANSIONS").is_ok_and(|it| it == "overwrite") {
            fs::write(&pinned, expanded).unwrap();
        } else if fs::read_to_string(&pinned).ok().as_ref() != Some(&expanded) {
            differ.push(format!("{name} expands to\n{expanded}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}
