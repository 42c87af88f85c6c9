//! The second tier of a cached function: `store = path` and the options that go with it.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;
use syn::spanned::Spanned;

use super::model::Model;
use crate::args::{Args, Given};
use crate::diag::Diag;
use crate::item::Function;
use crate::tokens::{self, quote};

/// The options of the second tier.
pub(crate) struct Store {
    /// The resource.
    pub(super) path: Path,
    local_ttl: Option<Given<Duration>>,
    timeout: Option<Given<Duration>>,
    version: Option<Given<u64>>,
}

impl Store {
    /// Reads the options. Reports those that are given without `store`.
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Option<Self> {
        let path = args.path("store = path", diag);
        let local_ttl = args.duration("local_ttl = \"10s\"", false, diag);
        let timeout = args.duration("store_timeout = \"100ms\"", false, diag);
        let version = args.number("version = 2", diag);
        if !args.has("store") {
            let given = [
                ("local_ttl", local_ttl.as_ref().map(|(_, at)| at)),
                ("store_timeout", timeout.as_ref().map(|(_, at)| at)),
                ("version", version.as_ref().map(|(_, at)| at)),
            ];
            for (option, at) in given {
                if let Some(at) = at {
                    diag.error(
                        at,
                        format_args!("`{option}` requires a `store`"),
                        "without one, no other container reads the value",
                        format_args!("add `store = path`, or remove `{option}`"),
                    );
                }
            }
        }
        Some(Self { path: path?, local_ttl, timeout, version })
    }

    /// Reports options that do not fit the others.
    pub(super) fn check(&self, ttl: Duration, diag: &mut Diag) {
        if let Some((_, at)) = self.local_ttl.as_ref().filter(|(local_ttl, _)| *local_ttl > ttl) {
            diag.error(
                at,
                "`local_ttl` is longer than `ttl`",
                "the container's own copy is used no longer than `ttl`",
                "write a time up to `ttl`, or remove `local_ttl`",
            );
        }
    }

    /// The static with the second tier.
    pub(super) fn tier(&self, model: &Model, private: &TokenStream) -> TokenStream {
        let path = &self.path;
        let name = tokens::text(&model.public_sig.ident);
        let version = self.version.as_ref().map_or(0, |(version, _)| *version);
        let tokens = fingerprint(&model.function, version);
        let local_ttl = self.local_ttl.as_ref().map_or(model.options.ttl, |(ttl, _)| *ttl);
        let local_ttl = tokens::duration(local_ttl, private);
        let timeout = self.timeout.as_ref().map_or(Duration::from_millis(100), |(limit, _)| *limit);
        let timeout = tokens::duration(timeout, private);
        // Behind an alias, so that a path that is no type is one error.
        let alias = Ident::new("__StorePath", tokens::ours_at(path.span()));
        let is_store = tokens::require("is_store", &alias, private);
        let store = tokens::fitting(&is_store, &alias, private);
        quote! {
            type #alias = #path;
            type __Store = #store;
            static __TIER: #private::StoreTier<__Key> = #private::StoreTier::new::<__Value, __Store>(
                #private::StoredFunction {
                    package: ::core::option_env!("CARGO_PKG_NAME"),
                    package_version: ::core::option_env!("CARGO_PKG_VERSION"),
                    module: ::core::module_path!(),
                    name: #name,
                    tokens: #tokens,
                },
                #local_ttl,
                #timeout,
            );
        }
    }
}

/// The controls of a function with a store, which return the error of the store.
pub(super) fn controls(
    model: &Model,
    private: &TokenStream,
    key_inputs: &[TokenStream],
    query: &TokenStream,
    refresh: &TokenStream,
) -> TokenStream {
    let (vis, name) = (&model.function.vis, &model.public_sig.ident);
    let inputs = &model.public_sig.inputs;
    let output = match &model.public_sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let result = |ok: &TokenStream| quote!(::core::result::Result<#ok, #private::StoreError>);
    let (done, refreshed) = (result(&quote!(())), result(&output));
    let clear = model.is_keyed().then(|| {
        quote! {
            /// Removes all values, in this container and in the store.
            #vis async fn clear() -> #done {
                #name::__storage().clear_stored().await
            }
        }
    });
    quote! {
        /// Fetches the value now, stores it, and returns it. Concurrent callers share one fetch.
        #vis async fn refresh(#inputs) -> #refreshed {
            #refresh
        }
        /// Removes the value, in this container and in the store.
        #vis async fn invalidate(#(#key_inputs),*) -> #done {
            #name::__storage().invalidate_stored(#query).await
        }
        #clear
    }
}

/// A hash of the tokens of a function and of its `version`: the same in every build, and another one
/// after a change of the code. Spaces and comments do not count.
fn fingerprint(function: &Function, version: u64) -> u64 {
    let mut hash = Fnv::new();
    hash.add(&version.to_le_bytes());
    hash.tokens(function.sig.to_token_stream());
    hash.tokens(function.body.stream());
    hash.0
}

/// The hash FNV-1a.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    self.add(format!("{:?}", group.delimiter()).as_bytes());
                    self.tokens(group.stream());
                }
                TokenTree::Ident(ident) => self.add(ident.to_string().as_bytes()),
                TokenTree::Punct(punct) => self.add(&[punct.as_char() as u8]),
                TokenTree::Literal(literal) => self.add(literal.to_string().as_bytes()),
            }
            // No text of a token has this byte, which ends it.
            self.add(&[0xff]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(code: &str) -> u64 {
        let mut hash = Fnv::new();
        hash.tokens(code.parse().unwrap());
        hash.0
    }

    #[test]
    fn code_counts_and_its_layout_does_not() {
        let code = "load(sku).await? + 1";
        assert_eq!(hash(code), hash("load( sku )\n  .await? // twice\n + 1"));
        for other in
            ["load(sku).await? + 2", "load(sku).await? - 1", "load(sku.await? + 1)", "loads(ku)"]
        {
            assert_ne!(hash(code), hash(other), "{other}");
        }
        assert_eq!(hash("f()"), 395_233_399_568_199_319, "the same in every build");
    }
}
