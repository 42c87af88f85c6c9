//! Tokens that several expansions share.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use crate::args::Given;

/// Tokens of an expansion. Its local variables do not collide with those of the user.
macro_rules! quote {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}
pub(crate) use quote;

/// The span of the user's tokens with the hygiene of [`quote`].
pub(crate) fn ours_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// The same tokens with another span.
pub(crate) fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let one = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.clone().into_iter().map(one).collect()
}

/// The text of a name, without `r#`.
pub(crate) fn text(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// A name that the expansion introduces.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Matches on a `Result`: `now` uses `__value`, the value at hand, and `later` uses `__later`, the
/// future of the value.
pub(crate) fn now_or_later(
    result: &TokenStream,
    now: &TokenStream,
    later: &TokenStream,
) -> TokenStream {
    quote! {
        match #result {
            ::core::result::Result::Ok(__value) => #now,
            ::core::result::Result::Err(__later) => #later,
        }
    }
}

/// `#[allow]` for generated code, so that the user's own lint levels do not apply to it.
pub(crate) fn allow() -> TokenStream {
    quote!(#[allow(dead_code, deprecated, non_camel_case_types, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery, clippy::exhaustive_structs)])
}

/// The path of the runtime's private items, inside a block with [`import`].
pub(crate) fn private() -> TokenStream {
    quote!(__rewarm)
}

/// The same path outside of such a block.
pub(crate) fn private_path(krate: &Path) -> TokenStream {
    quote!(#krate::private)
}

/// The import behind [`private`].
pub(crate) fn import(krate: &Path) -> TokenStream {
    let name = private();
    quote!(use #krate::private as #name;)
}

/// A type that passed these checks, an expression. If they fail or report a fault, the compiler
/// does not check any code that uses the type.
pub(crate) fn fitting(
    checks: &TokenStream,
    ty: &dyn ToTokens,
    private: &TokenStream,
) -> TokenStream {
    let ty = ty.to_token_stream();
    quote!(#private::Checked<#ty, { #checks }>)
}

/// Rejects a `Result` behind an alias that the macro cannot resolve, with this function of the
/// runtime.
pub(crate) fn is_no_result(by: &str, ty: &Type, private: &TokenStream) -> TokenStream {
    let span = ours_at(ty.span());
    let by = ours(by);
    let check = at(&quote!(#private::#by), span);
    let is_result = quote!(#private::is_result!(#ty));
    quote_spanned!(span=> #check(#is_result))
}

/// Rejects the type of a resource if an invocation can change it.
pub(crate) fn no_state(ty: &Type, name: &Ident, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(ty.span());
    let check = at(&quote!(#private::no_state), span);
    let (name, is_state) = (text(name), quote!(#private::is_state!(#ty)));
    let message = quote!(#private::state_message!(#name));
    quote_spanned!(span=> #check(#is_state, #message))
}

/// Requires that a future is `Send`. A fault is reported on the function's name.
pub(crate) fn guarded(name: &Ident, future: &TokenStream, private: &TokenStream) -> TokenStream {
    let span = ours_at(name.span());
    let mut future: Vec<TokenTree> = future.clone().into_iter().collect();
    for token in &mut future {
        token.set_span(span);
    }
    let private = at(private, span);
    quote_spanned!(span=> #private::a_guard_is_held_across_await(#(#future)*))
}

/// Requires that a type meets a bound of the runtime, as an expression. A fault is reported on the
/// type.
pub(crate) fn require(bound: &str, ty: &dyn ToTokens, private: &TokenStream) -> TokenStream {
    let (ty, bound) = (ty.to_token_stream(), ours(bound));
    quote_spanned!(ty.span()=> #private::#bound::<#ty>())
}

/// The same for the type behind a generated alias. A fault is reported on the type as written.
pub(crate) fn require_alias(
    bound: &str,
    alias: &str,
    written: &Type,
    private: &TokenStream,
) -> TokenStream {
    require(bound, &Ident::new(alias, written.span()), private)
}

/// The call of a builder's method that sets a duration, if the option is given.
pub(crate) fn set_duration(
    method: &str,
    option: Option<&Given<Duration>>,
    private: &TokenStream,
) -> Option<TokenStream> {
    let (duration, _) = option?;
    let (method, duration) = (ours(method), self::duration(*duration, private));
    Some(quote!(.#method(#duration)))
}

/// A duration, as an expression.
pub(crate) fn duration(duration: Duration, private: &TokenStream) -> TokenStream {
    let nanos = duration.as_nanos() as u64;
    let (unit, count) = match (nanos % 1_000_000_000, nanos % 1_000_000) {
        (0, _) => ("from_secs", nanos / 1_000_000_000),
        _ => ("from_millis", nanos / 1_000_000),
    };
    let (unit, count) = (ours(unit), proc_macro2::Literal::u64_unsuffixed(count));
    quote!(#private::Duration::#unit(#count))
}
