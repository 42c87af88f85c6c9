//! The parts that the expansions of several attributes have.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Path, Signature, Visibility};

use crate::item::Function;
use crate::tokens::{self, ours_at, quote};
use crate::{item_attributes, signature};

/// The function as written, and the trait that leads to it: items in the body of the function for
/// callers.
pub(crate) fn written(function: &Function, krate: &Path) -> TokenStream {
    let (attrs, body) = (item_attributes::for_written(&function.attrs), &function.body);
    let (name, vis, private) = (&function.sig.ident, &function.vis, tokens::private_path(krate));
    let mut sig = signature::plain_signature(&function.sig);
    // The name is linted in the function for callers. With the same visibility, the compiler takes a
    // lint that both functions cause for one.
    sig.ident.set_span(ours_at(name.span()));
    quote! {
        pub struct __Body;
        #[allow(private_interfaces, unreachable_pub)]
        impl __Body {
            #(#attrs)*
            #vis #sig #body
        }
        #[allow(non_local_definitions)]
        impl #private::Written for #name {
            type Function = __Body;
        }
    }
}

/// The path of the function as written.
pub(crate) fn path_of_written(name: &Ident, private: &TokenStream, at: Span) -> TokenStream {
    quote_spanned!(at=> <#name as #private::Written>::Function::#name)
}

/// The type of the same name, with its documentation.
pub(crate) fn type_of(
    attrs: &[Attribute],
    vis: &Visibility,
    name: &Ident,
    about: &str,
) -> TokenStream {
    let (attrs, allow) = (item_attributes::for_type(attrs), tokens::allow());
    quote! {
        #[doc = #about]
        #(#attrs)*
        #allow
        #vis struct #name {}
    }
}

/// A block of items, whose names are private to it. The levels that the user gives to lints apply
/// to `seen`, and not to `ours`.
pub(crate) fn block(
    attrs: &[Attribute],
    krate: &Path,
    seen: Option<&TokenStream>,
    ours: &TokenStream,
) -> TokenStream {
    let (attrs, import, allow) =
        (item_attributes::for_repeated(attrs), tokens::import(krate), tokens::allow());
    match seen {
        None => quote!(#(#attrs)* #allow const _: () = { #import #ours };),
        Some(seen) => quote! {
            #(#attrs)*
            const _: () = { #import #seen #allow const _: () = { #ours }; };
        },
    }
}

/// The lints to allow on a user's function. The attribute may be the reason that it is `async`, and
/// is the reason that it is not `const`. Clippy leaves the signature of a function alone that other
/// crates may call, and does not know that the function as written is one.
pub(crate) fn allow_in_written(sig: &Signature, vis: &Visibility) -> TokenStream {
    let allowed = match sig.asyncness {
        Some(_) => quote!(clippy::unused_async),
        None => quote!(clippy::missing_const_for_fn),
    };
    match vis {
        Visibility::Inherited => allowed,
        _ => quote! {
            #allowed, clippy::box_collection, clippy::large_types_passed_by_value,
            clippy::linkedlist, clippy::needless_pass_by_value, clippy::option_option,
            clippy::rc_buffer, clippy::rc_mutex, clippy::redundant_allocation,
            clippy::trivially_copy_pass_by_ref, clippy::unnecessary_box_returns,
            clippy::unnecessary_wraps, clippy::vec_box
        },
    }
}
