//! The small pieces that expansions are made of.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned, ToTokens};
use syn::spanned::Spanned;
use syn::{Path, Signature, Type};

/// The same tokens at another place.
pub(crate) fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let one = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.clone().into_iter().map(one).collect()
}

/// The text of a name: without `r#`.
pub(crate) fn text(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// A name that the expansion gives and no user will meet.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// What is there, `__value`, or what `__later` gives that waits for it.
pub(crate) fn now_or_later(
    asked: &TokenStream,
    now: &TokenStream,
    later: &TokenStream,
) -> TokenStream {
    quote! {
        match #asked {
            ::core::result::Result::Ok(__value) => #now,
            ::core::result::Result::Err(__later) => #later,
        }
    }
}

/// `#[allow]` for what an expansion does that users are warned of in their own code.
pub(crate) fn allow() -> TokenStream {
    quote!(#[allow(dead_code, deprecated, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery, clippy::exhaustive_structs)])
}

/// What is allowed in a function as a user wrote it: that it is `async` may be our wish, and that it is
/// not `const` is. In one that others see, clippy does not ask for another signature; in our private copy
/// of it, it would.
pub(crate) fn allow_in_written(sig: &Signature, vis: &syn::Visibility) -> TokenStream {
    let allowed = match sig.asyncness {
        Some(_) => quote!(clippy::unused_async),
        None => quote!(clippy::missing_const_for_fn),
    };
    match vis {
        syn::Visibility::Inherited => allowed,
        _ => quote! {
            #allowed, clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref,
            clippy::unnecessary_wraps
        },
    }
}

/// Where the expansion finds what it names, from inside of a block that has [`import`].
pub(crate) fn private() -> TokenStream {
    quote!(__rewarm)
}

/// The import behind [`private`].
pub(crate) fn import(krate: &Path) -> TokenStream {
    let name = private();
    quote!(use #krate::private as #name;)
}

/// A type, as far as it fits: if these checks of it, an expression, fail or report a fault, the compiler
/// asks nothing of what is made of it.
pub(crate) fn fitting(
    checks: &TokenStream,
    ty: &dyn ToTokens,
    private: &TokenStream,
) -> TokenStream {
    let ty = ty.to_token_stream();
    quote!(#private::Checked<#ty, { #checks }>)
}

/// Rejects a `Result` under a name that a macro cannot see through, by this function of the runtime.
pub(crate) fn is_no_result(by: &str, ty: &Type, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(ty.span());
    let by = ours(by);
    let check = at(&quote!(#private::#by), span);
    let is_result = quote!(#private::is_result!(#ty));
    quote_spanned!(span=> #check(#is_result))
}

/// Holds a future against what lets it wait. One that is not `Send` is reported on the function's name.
pub(crate) fn guarded(name: &Ident, future: &TokenStream, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(name.span());
    let mut future: Vec<TokenTree> = future.clone().into_iter().collect();
    for token in &mut future {
        token.set_span(span);
    }
    let private = at(private, span);
    quote_spanned!(span=> #private::guard_across_await(#(#future)*))
}

/// Holds a type against a bound of the runtime, as an expression; a complaint is about the type.
pub(crate) fn require(bound: &str, ty: &dyn ToTokens, private: &TokenStream) -> TokenStream {
    let (ty, bound) = (ty.to_token_stream(), ours(bound));
    quote_spanned!(ty.span()=> #private::#bound::<#ty>())
}

/// The same of what an alias of ours stands for, where the user wrote it.
pub(crate) fn require_alias(
    bound: &str,
    alias: &str,
    written: &Type,
    private: &TokenStream,
) -> TokenStream {
    require(bound, &Ident::new(alias, written.span()), private)
}

/// A duration in the expansion.
pub(crate) fn duration(duration: std::time::Duration, private: &TokenStream) -> TokenStream {
    let nanos = duration.as_nanos() as u64;
    let (unit, count) = match (nanos % 1_000_000_000, nanos % 1_000_000) {
        (0, _) => ("from_secs", nanos / 1_000_000_000),
        _ => ("from_millis", nanos / 1_000_000),
    };
    let (unit, count) = (ours(unit), proc_macro2::Literal::u64_unsuffixed(count));
    quote!(#private::Duration::#unit(#count))
}
