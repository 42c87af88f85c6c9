//! Signatures: what an attribute can stand on, the attributes of ours on parameters, and the same without
//! what is ours.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, PatType, Signature};

use crate::diag::Diag;
use crate::types::{borrows, hidden};

/// Reports a signature that no attribute of ours can stand on; one of a handler in other words, since
/// nothing of it is kept.
pub(crate) fn check_signature(sig: &Signature, is_handler: bool, diag: &mut Diag) -> bool {
    let mut fine = sig.receiver().is_none();
    let mut fault = |at: &dyn ToTokens, what: &str, why: &str, help: &str| {
        diag.error(at, what, why, help);
        fine = false;
    };
    let (what, why) = match is_handler {
        true => (
            "a generic function cannot be a handler",
            "Lambda calls it, and cannot say for which types",
        ),
        false => (
            "a generic function cannot be kept in a container",
            "there is one container and one place in it for each name, not one for each type",
        ),
    };
    if let Some(at) = generics(sig) {
        fault(&at, what, why, "write the types out, one function for each");
    }
    for input in &sig.inputs {
        if let FnArg::Typed(param) = input {
            if let Some(ty) = hidden(&param.ty) {
                fault(ty, what, why, "write a type in the place of `impl Trait`");
            }
        }
    }
    if let Some(constness) = &sig.constness {
        fault(constness, "a `const fn` has nothing to keep", "", "remove the `const`");
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        fault(token, "an unsafe function cannot be called for you", "", "remove the `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        fault(
            abi,
            "a function with a foreign ABI cannot be called for you",
            "",
            "remove the `extern`",
        );
    }
    if let syn::ReturnType::Type(_, ty) = &sig.output {
        match (hidden(ty), is_handler) {
            (Some(ty), true) => fault(
                ty,
                "the answer of a handler has to have a type with a name",
                "`impl Trait` hides how it is written as JSON",
                "write the type",
            ),
            (Some(ty), false) => fault(
                ty,
                "the type of what is kept has to have a name",
                "`impl Trait` hides it, also from whoever is to hold the value",
                "write the type, or `Box<dyn Trait + Send + Sync>`",
            ),
            (None, _) if !borrows(ty) => {}
            (None, true) => fault(
                ty,
                "the answer of a handler cannot borrow",
                "what it could borrow from ends with the call that made it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
            (None, false) => fault(
                ty,
                "a kept value cannot borrow",
                "it outlives the call, and the invocation, that made it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
        }
    }
    fine
}

/// What makes a signature generic: more than lifetimes.
fn generics(sig: &Signature) -> Option<TokenStream> {
    let generics = &sig.generics;
    if generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_))) {
        return Some(generics.to_token_stream());
    }
    let clause = generics.where_clause.as_ref()?;
    let is_generic = |predicate| !matches!(predicate, &syn::WherePredicate::Lifetime(_));
    clause.predicates.iter().any(is_generic).then(|| clause.to_token_stream())
}

/// The parameters of a function; reports a `self`, which is none.
pub(crate) fn parameters<'a>(sig: &'a Signature, diag: &mut Diag) -> Vec<&'a PatType> {
    let mut params = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(param) => {
                check_attributes(param, diag);
                params.push(param);
            }
            FnArg::Receiver(receiver) => diag.error(
                receiver,
                "a method cannot stand for the whole container",
                "what is kept belongs to the container and not to one value of `Self`",
                "make it a free function, and call that from the method",
            ),
        }
    }
    params
}

/// Reports attributes of ours that contradict each other, and one that we cannot follow.
fn check_attributes(param: &PatType, diag: &mut Diag) {
    if let Some(condition) = param.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        diag.error(
            condition,
            "a parameter here cannot be conditional",
            "whether it is there is not known yet when it is looked for",
            "put the condition on the function, and write it once for each case",
        );
    }
    for name in ["from", "skip"] {
        let mut ours = param.attrs.iter().filter(|attr| attr.path().is_ident(name));
        if let (Some(_), Some(again)) = (ours.next(), ours.next()) {
            diag.error(again, format_args!("`#[{name}]` is given twice"), "", "keep one of them");
        }
    }
    let Some(skip) = skip_attribute(param) else {
        return;
    };
    if from_attribute(param).is_some() {
        diag.error(
            skip,
            "`#[skip]` has no meaning beside `#[from]`",
            "a resource is no part of the key",
            "remove it",
        );
    } else if !matches!(skip.meta, syn::Meta::Path(_)) {
        diag.error(skip, "`#[skip]` takes no value", "", "write `#[skip]`");
    }
}

/// Reports each `#[skip]` of a function that has no key.
pub(crate) fn no_skip(params: &[&PatType], diag: &mut Diag) {
    for param in params.iter().filter(|param| from_attribute(param).is_none()) {
        if let Some(attr) = skip_attribute(param) {
            diag.error(attr, "`#[skip]` has no meaning here", "there is no key", "remove it");
        }
    }
}

/// The `#[from]` on a parameter.
pub(crate) fn from_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("from"))
}

/// The `#[skip]` on a parameter.
pub(crate) fn skip_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("skip"))
}

/// The signature as the user would write it without us.
pub(crate) fn plain_signature(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(param) = input {
            param
                .attrs
                .retain(|attr| !attr.path().is_ident("from") && !attr.path().is_ident("skip"));
        }
    }
    sig
}

/// The signature without lifetimes of its own: what they name is elided.
pub(crate) fn without_lifetimes(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    if sig.generics.params.is_empty() {
        return sig;
    }
    let own: Vec<Ident> = sig.generics.lifetimes().map(|it| it.lifetime.ident.clone()).collect();
    sig.generics = syn::Generics::default();
    syn::parse2(elided(sig.to_token_stream(), &own)).unwrap_or(sig)
}

fn elided(tokens: TokenStream, lifetimes: &[Ident]) -> TokenStream {
    let mut after_tick = false;
    let one = |token: TokenTree| {
        let is_lifetime = std::mem::replace(
            &mut after_tick,
            matches!(&token, TokenTree::Punct(tick) if tick.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(name) if is_lifetime && lifetimes.contains(&name) => {
                TokenTree::Ident(Ident::new("_", name.span()))
            }
            TokenTree::Group(group) => {
                let inner = elided(group.stream(), lifetimes);
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            token => token,
        }
    };
    tokens.into_iter().map(one).collect()
}

/// Any item without the parameter attributes that only we understand.
pub(crate) fn without_parameter_attributes(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let ours = match (&token, rest.peek()) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group))) if hash.as_char() == '#' => {
                let first = group.stream().into_iter().next();
                matches!(first, Some(TokenTree::Ident(name)) if name == "from" || name == "skip")
            }
            _ => false,
        };
        if ours {
            rest.next();
            continue;
        }
        out.extend([match token {
            TokenTree::Group(group) => {
                let inner = without_parameter_attributes(group.stream());
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            other => other,
        }]);
    }
    out
}
