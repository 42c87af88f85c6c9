//! Signatures: their restrictions, the attributes `#[from]` and `#[skip]` of parameters, and
//! signatures without them.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, PatType, Signature};

use crate::diag::Diag;
use crate::types::{borrows, hidden};

/// Reports a signature that no attribute of ours accepts. The words for a handler differ, since the
/// container keeps nothing of it.
pub(crate) fn check_signature(sig: &Signature, is_handler: bool, diag: &mut Diag) -> bool {
    let mut fine = sig.receiver().is_none();
    let mut fault = |at: &dyn ToTokens, what: &str, why: &str, help: &str| {
        diag.error(at, what, why, help);
        fine = false;
    };
    let (what, why) = match is_handler {
        true => ("a handler cannot be generic", "Lambda calls it with events of one type"),
        false => (
            "a resource or cached function cannot be generic",
            "the container keeps values by the function's name, not by type",
        ),
    };
    if let Some(at) = generics(sig) {
        let help = over_a_resource(sig, is_handler);
        let help = help.as_deref().unwrap_or("write one function for each type");
        fault(&at, what, why, help);
    }
    for (n, param) in typed(sig).enumerate() {
        if let Some(ty) = hidden(&param.ty) {
            let is_resource = match is_handler {
                true => n > 0,
                false => matches!(*param.ty, syn::Type::Reference(_)),
            };
            let help = is_resource.then(|| bound_in(&ty.bounds)).flatten();
            let help = help.map(|bound| by_object(param, bound));
            let help = help.as_deref().unwrap_or("write a type instead of `impl Trait`");
            fault(ty, what, why, help);
        }
    }
    if let Some(constness) = &sig.constness {
        let why = "rewarm calls it at run time";
        fault(constness, "the function cannot be `const`", why, "remove the `const`");
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        let why = "rewarm calls it, and cannot check its safety conditions";
        fault(token, "the function cannot be `unsafe`", why, "remove the `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        let why = "rewarm calls it as a function of Rust";
        fault(abi, "the function cannot have a foreign ABI", why, "remove the `extern`");
    }
    if let syn::ReturnType::Type(_, ty) = &sig.output {
        match (hidden(ty), is_handler) {
            (Some(ty), true) => fault(
                ty,
                "a handler cannot return `impl Trait`",
                "it hides whether the response is `Serialize`",
                "write the type",
            ),
            (Some(ty), false) => fault(
                ty,
                "a kept value cannot be `impl Trait`",
                "the container stores the value under its type, so the type must have a name",
                "write the type, or `Box<dyn Trait + Send + Sync>`",
            ),
            (None, _) if !borrows(ty) => {}
            (None, true) => fault(
                ty,
                "the response of a handler cannot borrow",
                "everything that it could borrow from ends with the call",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
            (None, false) => fault(
                ty,
                "a kept value cannot borrow",
                "it outlives the call and the invocation that built it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
        }
    }
    fine
}

fn typed(sig: &Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    })
}

/// The help for a function that is generic over the type of a resource, as one is whose tests pass a
/// mock.
fn over_a_resource(sig: &Signature, is_handler: bool) -> Option<String> {
    sig.generics.type_params().find_map(|generic| {
        let takes = |param: &&PatType| {
            let is_resource = is_handler || matches!(*param.ty, syn::Type::Reference(_));
            is_resource && names(param.ty.to_token_stream(), &generic.ident)
        };
        let param = typed(sig).skip(usize::from(is_handler)).find(takes)?;
        let in_clause = sig.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        let in_clause = in_clause.filter_map(|predicate| match predicate {
            syn::WherePredicate::Type(bounded)
                if names(bounded.bounded_ty.to_token_stream(), &generic.ident) =>
            {
                bound_in(&bounded.bounds)
            }
            _ => None,
        });
        let bound = bound_in(&generic.bounds).or_else(|| in_clause.into_iter().next())?;
        Some(by_object(param, bound))
    })
}

/// The help for a parameter with this bound: a trait object.
fn by_object(param: &PatType, bound: &syn::Path) -> String {
    let bound = bound.segments.iter().map(|segment| segment.ident.to_string());
    let bound = bound.collect::<Vec<_>>().join("::");
    let name = match &*param.pat {
        syn::Pat::Ident(pat) => pat.ident.to_string(),
        _ => "resource".to_owned(),
    };
    format!(
        "let the resource be an `Arc<dyn {bound}>`, which holds the client or a mock of it, and \
         take `{name}: &dyn {bound}`; or keep this function generic, and call it from one that \
         names the type"
    )
}

/// The first trait of these bounds that may have objects, and that a resource does not have anyway.
fn bound_in<'a>(
    bounds: impl IntoIterator<Item = &'a syn::TypeParamBound>,
) -> Option<&'a syn::Path> {
    bounds.into_iter().find_map(|bound| match bound {
        syn::TypeParamBound::Trait(bound)
            if !["Send", "Sync", "Sized", "Clone"].iter().any(|it| bound.path.is_ident(it))
                && bound.path.segments.iter().all(|segment| segment.arguments.is_none()) =>
        {
            Some(&bound.path)
        }
        _ => None,
    })
}

/// True if these tokens contain the name.
fn names(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => names(group.stream(), name),
        _ => false,
    })
}

/// The part that makes a signature generic over more than lifetimes.
fn generics(sig: &Signature) -> Option<TokenStream> {
    if declares_types(sig) {
        return Some(sig.generics.to_token_stream());
    }
    let clause = sig.generics.where_clause.as_ref()?;
    let is_generic = |predicate| !matches!(predicate, &syn::WherePredicate::Lifetime(_));
    clause.predicates.iter().any(is_generic).then(|| clause.to_token_stream())
}

/// True if the signature declares types or constants, not lifetimes alone.
pub(crate) fn declares_types(sig: &Signature) -> bool {
    sig.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
}

/// The parameters of a function. Reports a `self`.
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
                "this attribute cannot be used on a method",
                "a container has one of each resource, cached function and handler, not one per object",
                "make it a free function, and call that from the method",
            ),
        }
    }
    params
}

/// Reports attributes of ours that contradict each other, and a `#[cfg]`.
fn check_attributes(param: &PatType, diag: &mut Diag) {
    if let Some(condition) = param.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        diag.error(
            condition,
            "a parameter cannot have a `#[cfg]`",
            "the parameters are read before the compiler evaluates the condition",
            "put the `#[cfg]` on the function, and write one function for each case",
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
            "`#[skip]` cannot be combined with `#[from]`",
            "a resource is never part of the key",
            "remove `#[skip]`",
        );
    } else if !matches!(skip.meta, syn::Meta::Path(_)) {
        diag.error(skip, "`#[skip]` takes no value", "", "write `#[skip]`");
    }
}

/// Reports each `#[skip]` of a function that has no key.
pub(crate) fn no_skip(params: &[&PatType], diag: &mut Diag) {
    for param in params.iter().filter(|param| from_attribute(param).is_none()) {
        if let Some(attr) = skip_attribute(param) {
            let why = "it excludes an argument from the key of a cache";
            diag.error(attr, "`#[skip]` requires `#[cached]`", why, "remove `#[skip]`");
        }
    }
}

/// The attribute `#[from]` of a parameter.
pub(crate) fn from_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("from"))
}

/// The attribute `#[skip]` of a parameter.
pub(crate) fn skip_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("skip"))
}

/// The signature without `#[from]` and `#[skip]`.
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

/// The signature without named lifetimes: each becomes `'_`.
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
            TokenTree::Group(group) => refilled(&group, elided(group.stream(), lifetimes)),
            token => token,
        }
    };
    tokens.into_iter().map(one).collect()
}

/// The tokens of any item without `#[from]` and `#[skip]`, which the compiler does not know.
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
                refilled(&group, without_parameter_attributes(group.stream()))
            }
            other => other,
        }]);
    }
    out
}

/// The group with other tokens in it.
fn refilled(group: &Group, tokens: TokenStream) -> TokenTree {
    let mut refilled = Group::new(group.delimiter(), tokens);
    refilled.set_span(group.span());
    refilled.into()
}
