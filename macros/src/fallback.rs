//! What is left of a faulty item: its names with their types, so that whoever uses them has no error
//! of their own. None of it ever runs.
//!
//! A type that is not known is the one of a const that has no value, for the fault itself stands in
//! it: the compiler asks nothing of such a type, and says nothing of what is done with it.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, Path, ReturnType, Signature, Visibility};

use crate::item::{Function, Item, Returns, Static};
use crate::{injected, signature, tokens, types};

/// A faulty resource.
pub(crate) fn resource(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    let function = match item {
        Item::Static(item) => return of_static(&item, false, fault, krate),
        Item::Fn(function) if has_self(&function) => return as_written(&function, fault),
        Item::Fn(function) => function,
    };
    let (vis, name, asyncness) = (&function.vis, &function.sig.ident, &function.sig.asyncness);
    let private = quote!(#krate::private);
    let value = value(&function.sig, krate);
    let answer = quote!(::core::result::Result<#private::Arc<#value>, #krate::ResourceError>);
    let written = aside(&function, krate);
    let resource = resource_impl(name, &value, krate);
    let controls = quote! {
        #resource
        impl #name {
            #vis fn get() -> ::core::option::Option<#private::Arc<#value>> {
                ::core::unreachable!()
            }
            #vis async fn rebuild() -> #answer {
                ::core::unreachable!()
            }
        }
    };
    let item = quote! {
        #written
        #[allow(dead_code)]
        #vis #asyncness fn #name() -> #answer {
            ::core::unreachable!()
        }
    };
    with_type(vis, name, &item, &controls, fault, krate)
}

/// A faulty cached function.
pub(crate) fn cached(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    let function = match item {
        Item::Static(item) => return of_static(&item, true, fault, krate),
        Item::Fn(function) if has_self(&function) => return as_written(&function, fault),
        Item::Fn(function) => function,
    };
    let (vis, name, asyncness) = (&function.vis, &function.sig.ident, &function.sig.asyncness);
    let (value, output) = (value(&function.sig, krate), output(&function.sig, krate));
    let (mut inputs, mut key) = (Vec::new(), Vec::new());
    for (n, input) in function.sig.inputs.iter().enumerate() {
        let FnArg::Typed(param) = input else { continue };
        if signature::from_attribute(param).is_some() {
            continue;
        }
        let (name, ty) = (format_ident!("__{n}"), &param.ty);
        let input = match names_types(&function.sig) {
            true => quote!(#name: impl ::core::marker::Sized),
            false => quote!(#name: #ty),
        };
        if signature::skip_attribute(param).is_none() {
            key.push(input.clone());
        }
        inputs.push(input);
    }
    let written = aside(&function, krate);
    let (resource, clear) = match inputs.is_empty() {
        true => (resource_impl(name, &value, krate), None),
        false => (TokenStream::new(), Some(quote!(#vis fn clear() {}))),
    };
    let lifetimes = lifetimes(&function.sig);
    let controls = quote! {
        #resource
        impl #name {
            #vis fn peek #lifetimes (#(#key),*) -> ::core::option::Option<#value> {
                ::core::unreachable!()
            }
            #vis #asyncness fn refresh #lifetimes (#(#inputs),*) #output {
                ::core::unreachable!()
            }
            #vis fn invalidate #lifetimes (#(#key),*) {}
            #clear
            #vis fn stats() -> #krate::private::Stats {
                ::core::unreachable!()
            }
        }
    };
    let item = quote! {
        #written
        #[allow(unused, clippy::all, clippy::pedantic)]
        #vis #asyncness fn #name #lifetimes (#(#inputs),*) #output {
            ::core::unreachable!()
        }
    };
    with_type(vis, name, &item, &controls, fault, krate)
}

/// A faulty handler: `main` and tests still find what they run.
pub(crate) fn handler(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    let mut function = match item {
        Item::Static(item) => return of_static(&item, true, fault, krate),
        Item::Fn(function) if has_self(&function) => return as_written(&function, fault),
        Item::Fn(function) => function,
    };
    if function.sig.ident == "main" {
        return quote!(#fault fn main() {}); // what is left must not be `async`
    }
    if !is_known(&function.sig) {
        let output = output(&function.sig, krate);
        function.sig.output = syn::parse_quote!(#output);
    }
    let (vis, name, private) = (&function.vis, &function.sig.ident, quote!(#krate::private));
    let written = as_written(&function, &TokenStream::new());
    let controls = quote! {
        impl #private::Handler for #name {
            const SPEC: #private::HandlerSpec = #private::HandlerSpec::DEFAULT;
            type Event = <Self as #private::Faulty>::Value;
            type Context = ();
            type Response = #private::Json;
            async fn call(
                _: Self::Event,
                (): (),
            ) -> ::core::result::Result<#private::Json, #krate::InvocationError> {
                ::core::unreachable!()
            }
        }
        impl #name {
            #vis fn run() -> #private::ExitCode {
                ::core::unreachable!()
            }
            #vis fn service() -> #private::Service<Self> {
                ::core::unreachable!()
            }
            #private::container!(#vis fn);
        }
    };
    let item = quote!(#[allow(dead_code, clippy::unused_async)] #written);
    with_type(vis, name, &item, &controls, fault, krate)
}

/// What `main` calls of a handler.
pub(crate) fn run(vis: &Visibility, name: &Ident, krate: &Path) -> TokenStream {
    quote! {
        impl #name {
            #vis fn run() -> #krate::private::ExitCode {
                ::core::unreachable!()
            }
        }
    }
}

/// A faulty static; whether its type is what it says.
fn of_static(item: &Static, is_known: bool, fault: &TokenStream, krate: &Path) -> TokenStream {
    let Static { attrs, vis, ident: name, ty, init, .. } = item;
    let (value, init) = match is_known && item.is_plain() {
        true => (quote!(#ty), quote!(#init)),
        false => (unknown(name, krate), quote!(::core::unreachable!())),
    };
    let resource = resource_impl(name, &value, krate);
    let controls = quote! {
        #resource
        impl #name {
            #vis fn get() -> ::core::option::Option<&'static #value> {
                ::core::unreachable!()
            }
            #vis async fn rebuild() -> ::core::result::Result<#krate::private::Arc<#value>, #krate::ResourceError> {
                ::core::unreachable!()
            }
        }
    };
    let item = quote! {
        #(#attrs)*
        #[allow(dead_code)]
        #vis static #name: #value = #init;
    };
    with_type(vis, name, &item, &controls, fault, krate)
}

/// The item, the type of the same name and what belongs to it.
fn with_type(
    vis: &Visibility,
    name: &Ident,
    item: &TokenStream,
    controls: &TokenStream,
    fault: &TokenStream,
    krate: &Path,
) -> TokenStream {
    let (allow, private) = (tokens::allow(), quote!(#krate::private));
    let value = tokens::fitting(fault, &quote!(()), &private);
    quote! {
        #item
        #allow
        #vis struct #name {}
        #allow
        #[allow(unused)]
        const _: () = {
            impl #private::Faulty for #name {
                type Value = #value;
            }
            #controls
        };
    }
}

fn resource_impl(name: &Ident, value: &TokenStream, krate: &Path) -> TokenStream {
    let private = quote!(#krate::private);
    let shareable = tokens::require("shareable", value, &private);
    let kept = tokens::fitting(&shareable, value, &private);
    let storage = quote!(::core::unreachable!());
    injected::resource(name, &private, &quote!(#private::Cell<#kept>), &storage, &quote!(0))
}

/// See the module.
fn unknown(name: &Ident, krate: &Path) -> TokenStream {
    quote!(<#name as #krate::private::Faulty>::Value)
}

/// The type of the value.
fn value(sig: &Signature, krate: &Path) -> TokenStream {
    match is_known(sig) {
        true => {
            let returns = Returns::of(&sig.output);
            let value = returns.value();
            quote!(#value)
        }
        false => unknown(&sig.ident, krate),
    }
}

/// What is returned.
fn output(sig: &Signature, krate: &Path) -> TokenStream {
    match is_known(sig) {
        true => {
            let output = &sig.output;
            quote!(#output)
        }
        false => {
            let unknown = unknown(&sig.ident, krate);
            quote!(-> #unknown)
        }
    }
}

/// Whether the return type says the same outside of the function.
fn is_known(sig: &Signature) -> bool {
    match &sig.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            !names_types(sig) && !types::borrows(ty) && types::hidden(ty).is_none()
        }
    }
}

/// Whether the signature has types, or constants, of its own.
fn names_types(sig: &Signature) -> bool {
    sig.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
}

/// The lifetimes that the signature has of its own, if that is all it has.
fn lifetimes(sig: &Signature) -> Option<&syn::Generics> {
    (!names_types(sig)).then_some(&sig.generics)
}

/// The function where nobody calls it: its body is still completed by editors, and checked.
fn aside(function: &Function, krate: &Path) -> TokenStream {
    let mut written = Function { attrs: Vec::new(), ..function.clone() };
    let output = output(&function.sig, krate);
    written.sig.output = match output.is_empty() {
        true => ReturnType::Default,
        false => syn::parse_quote!(#output),
    };
    let written = as_written(&written, &TokenStream::new());
    quote!(#[allow(unused, clippy::unused_async)] const _: () = { #written };)
}

fn has_self(function: &Function) -> bool {
    function.sig.receiver().is_some()
}

/// The function, and its fault beside it.
fn as_written(function: &Function, fault: &TokenStream) -> TokenStream {
    let function = signature::without_parameter_attributes(quote!(#function));
    quote!(#fault #function)
}
