//! The code that replaces a faulty item: its names with their types, so that code which uses them
//! has no error of its own. None of it ever runs.
//!
//! A type that is not known is an associated type of `Faulty`, whose definition contains the fault.
//! The compiler reports the fault and checks no code that uses the type.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Path, ReturnType, Signature, Visibility};

use crate::item::{Function, Item, Returns, Static};
use crate::tokens::quote;
use crate::{injected, signature, tokens, types};

/// Replaces a faulty resource.
pub(crate) fn resource(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    replace(item, false, fault, krate, of_resource)
}

/// Replaces a faulty cached function.
pub(crate) fn cached(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    replace(item, true, fault, krate, of_cached)
}

/// Replaces a faulty handler, so that `main` and tests still find the functions that they call.
pub(crate) fn handler(item: Item, fault: &TokenStream, krate: &Path) -> TokenStream {
    match item {
        // `main` cannot be `async`.
        Item::Fn(function) if function.sig.ident == "main" => quote!(#fault fn main() {}),
        item => replace(item, true, fault, krate, of_handler),
    }
}

/// The function `run` of a handler.
pub(crate) fn run(vis: &Visibility, name: &Ident, krate: &Path) -> TokenStream {
    let body = body();
    quote!(impl #name { #vis fn run() -> #krate::private::ExitCode #body })
}

/// Replaces an item. `keeps_type` is for a static: true if its type is not at fault. `parts` gives
/// the replacement of a function, and the items that belong to the type of its name.
fn replace(
    item: Item,
    keeps_type: bool,
    fault: &TokenStream,
    krate: &Path,
    parts: fn(&Function, &Path) -> (TokenStream, TokenStream),
) -> TokenStream {
    match item {
        Item::Fn(function) if function.sig.receiver().is_some() => {
            let function = as_written(&function);
            quote!(#fault #function)
        }
        Item::Fn(function) => {
            let (item, controls) = parts(&function, krate);
            with_type(&function.vis, &function.sig.ident, &item, &controls, fault, krate)
        }
        Item::Static(item) => {
            let (replacement, controls) = of_static(&item, keeps_type, krate);
            with_type(&item.vis, &item.ident, &replacement, &controls, fault, krate)
        }
    }
}

fn of_resource(function: &Function, krate: &Path) -> (TokenStream, TokenStream) {
    let Function { vis, sig, .. } = function;
    let (name, asyncness, private, body) =
        (&sig.ident, &sig.asyncness, tokens::private_path(krate), body());
    let value = value(sig, krate);
    let result = quote!(::core::result::Result<#private::Arc<#value>, #krate::ResourceError>);
    let unused = unused_copy(function, krate);
    let resource = resource_impl(name, &value, krate);
    let item = quote! {
        #unused
        #[allow(dead_code)]
        #vis #asyncness fn #name() -> #result #body
    };
    let controls = quote! {
        #resource
        impl #name {
            #vis fn get() -> ::core::option::Option<#private::Arc<#value>> #body
            #vis async fn rebuild() -> #result #body
        }
    };
    (item, controls)
}

fn of_cached(function: &Function, krate: &Path) -> (TokenStream, TokenStream) {
    let Function { vis, sig, .. } = function;
    let (name, asyncness, private, body) =
        (&sig.ident, &sig.asyncness, tokens::private_path(krate), body());
    let (value, output) = (value(sig, krate), output(sig, krate));
    let (mut inputs, mut key) = (Vec::new(), Vec::new());
    for (n, input) in sig.inputs.iter().enumerate() {
        let FnArg::Typed(param) = input else { continue };
        if signature::from_attribute(param).is_some() {
            continue;
        }
        let (name, ty) = (format_ident!("__{n}"), &param.ty);
        let input = match signature::declares_types(sig) {
            true => quote!(#name: impl ::core::marker::Sized),
            false => quote!(#name: #ty),
        };
        if signature::skip_attribute(param).is_none() {
            key.push(input.clone());
        }
        inputs.push(input);
    }
    let unused = unused_copy(function, krate);
    let (resource, clear) = match inputs.is_empty() {
        true => (resource_impl(name, &value, krate), None),
        false => (TokenStream::new(), Some(quote!(#vis fn clear() {}))),
    };
    let lifetimes = (!signature::declares_types(sig)).then_some(&sig.generics);
    let item = quote! {
        #unused
        #[allow(unused, clippy::all, clippy::pedantic)]
        #vis #asyncness fn #name #lifetimes (#(#inputs),*) #output #body
    };
    let controls = quote! {
        #resource
        impl #name {
            #vis fn peek #lifetimes (#(#key),*) -> ::core::option::Option<#value> #body
            #vis #asyncness fn refresh #lifetimes (#(#inputs),*) #output #body
            #vis fn invalidate #lifetimes (#(#key),*) {}
            #clear
            #vis fn stats() -> #private::Stats #body
        }
    };
    (item, controls)
}

fn of_handler(function: &Function, krate: &Path) -> (TokenStream, TokenStream) {
    let mut function = function.clone();
    if !is_known(&function.sig) {
        let output = output(&function.sig, krate);
        function.sig.output = syn::parse_quote!(#output);
    }
    let (vis, name, private, body) =
        (&function.vis, &function.sig.ident, tokens::private_path(krate), body());
    let (written, run) = (as_written(&function), run(vis, name, krate));
    let item = quote!(#[allow(dead_code, clippy::unused_async)] #written);
    let controls = quote! {
        impl #private::Handler for #name {
            const SPEC: #private::HandlerSpec = #private::HandlerSpec::DEFAULT;
            type Event = <Self as #private::Faulty>::Value;
            type Context = ();
            type Response = #private::Json;
            async fn call(
                _: Self::Event,
                (): (),
            ) -> ::core::result::Result<#private::Json, #krate::InvocationError> #body
        }
        #run
        impl #name {
            #vis fn service() -> #private::Service<Self> #body
            #private::container!(#vis fn);
        }
    };
    (item, controls)
}

fn of_static(item: &Static, keeps_type: bool, krate: &Path) -> (TokenStream, TokenStream) {
    let Static { attrs, vis, ident: name, ty, init, .. } = item;
    let (private, body) = (tokens::private_path(krate), body());
    let (value, init) = match keeps_type && item.is_plain() {
        true => (quote!(#ty), quote!(#init)),
        false => (unknown(name, krate), quote!(::core::unreachable!())),
    };
    let resource = resource_impl(name, &value, krate);
    let item = quote! {
        #(#attrs)*
        #[allow(dead_code)]
        #vis static #name: #value = #init;
    };
    let controls = quote! {
        #resource
        impl #name {
            #vis fn get() -> ::core::option::Option<&'static #value> #body
            #vis async fn rebuild() -> ::core::result::Result<#private::Arc<#value>, #krate::ResourceError> #body
        }
    };
    (item, controls)
}

/// The body of a function that is never called.
fn body() -> TokenStream {
    quote!({ ::core::unreachable!() })
}

/// The item, the type of the same name, and the items that belong to it.
fn with_type(
    vis: &Visibility,
    name: &Ident,
    item: &TokenStream,
    controls: &TokenStream,
    fault: &TokenStream,
    krate: &Path,
) -> TokenStream {
    let (allow, private) = (tokens::allow(), tokens::private_path(krate));
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
    let private = tokens::private_path(krate);
    let shareable = tokens::require("shareable", value, &private);
    let kept = tokens::fitting(&shareable, value, &private);
    let storage = quote!(::core::unreachable!());
    injected::resource(name, &private, &quote!(#private::Cell<#kept>), &storage, &quote!(0))
}

/// The type that is not known.
fn unknown(name: &Ident, krate: &Path) -> TokenStream {
    quote!(<#name as #krate::private::Faulty>::Value)
}

/// The type of the value.
fn value(sig: &Signature, krate: &Path) -> TokenStream {
    match is_known(sig) {
        true => Returns::of(&sig.output).value().to_token_stream(),
        false => unknown(&sig.ident, krate),
    }
}

/// The return type, with its arrow.
fn output(sig: &Signature, krate: &Path) -> TokenStream {
    match is_known(sig) {
        true => sig.output.to_token_stream(),
        false => {
            let unknown = unknown(&sig.ident, krate);
            quote!(-> #unknown)
        }
    }
}

/// True if the return type means the same outside of the function.
fn is_known(sig: &Signature) -> bool {
    match &sig.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            !signature::declares_types(sig) && !types::borrows(ty) && types::hidden(ty).is_none()
        }
    }
}

/// The function under no name, so that editors still complete in its body, and the compiler checks
/// it.
fn unused_copy(function: &Function, krate: &Path) -> TokenStream {
    let mut written = Function { attrs: Vec::new(), ..function.clone() };
    let output = output(&function.sig, krate);
    written.sig.output = match output.is_empty() {
        true => ReturnType::Default,
        false => syn::parse_quote!(#output),
    };
    let written = as_written(&written);
    quote!(#[allow(unused, clippy::unused_async)] const _: () = { #written };)
}

/// The function without the attributes of its parameters.
fn as_written(function: &Function) -> TokenStream {
    signature::without_parameter_attributes(quote!(#function))
}
