//! What is left of a faulty item: its names with their types, so that whoever uses them has no error
//! of their own. None of it ever runs.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;
use syn::{Path, ReturnType, Type};

use crate::item::{Function, Item, Returns};
use crate::names;

/// A faulty resource: what it returns is known, if the return type is fine.
pub(crate) fn resource(item: Item, krate: &Path) -> TokenStream {
    let (vis, name, value, kept) = match item {
        Item::Static(item) => {
            let (attrs, vis, mutability) = (&item.attrs, &item.vis, &item.mutability);
            let (name, ty, init) = (&item.ident, &item.ty, &item.init);
            let kept = quote! {
                #(#attrs)*
                #[allow(dead_code)]
                #vis static #mutability #name: #ty = #init;
            };
            (item.vis, item.ident, item.ty, kept)
        }
        Item::Fn(function) if has_self(&function) => return as_written(&function),
        Item::Fn(function) => {
            let (vis, name) = (&function.vis, &function.sig.ident);
            let Some(value) = known(&function) else {
                let mut left = function.clone();
                if matches!(&left.sig.output, ReturnType::Type(_, ty) if names::borrows(ty)) {
                    left.sig.output = syn::parse_quote!(-> ::core::convert::Infallible);
                    left.body = unreachable();
                }
                let function = as_written(&left);
                return quote!(#function #[allow(dead_code, non_camel_case_types)] #vis struct #name {});
            };
            let (written, asyncness) = (aside(&function), &function.sig.asyncness);
            let accessor = quote! {
                #written
                #[allow(dead_code)]
                #vis #asyncness fn #name() -> ::core::result::Result<#krate::private::Arc<#value>, #krate::ResourceError> {
                    ::core::unreachable!()
                }
            };
            (function.vis, function.sig.ident, value, accessor)
        }
    };
    let resource = resource_impl(&name, &value, krate);
    let allow = names::allow();
    quote! {
        #kept
        #allow
        #vis struct #name {}
        #resource
    }
}

/// A faulty cached function: its callers still find it.
pub(crate) fn cached(item: Item, krate: &Path) -> TokenStream {
    let function = match item {
        Item::Static(item) => return resource(Item::Static(item), krate),
        Item::Fn(function) => function,
    };
    if has_self(&function) {
        return as_written(&function);
    }
    let mut seen = function;
    let is_resource = |input: &syn::FnArg| matches!(input, syn::FnArg::Typed(param) if names::from_attribute(param).is_some());
    let inputs = seen.sig.inputs.iter();
    let inputs: Vec<_> = inputs.filter(|input| !is_resource(input)).cloned().collect();
    let written = (inputs.len() < seen.sig.inputs.len()).then(|| {
        let written = aside(&seen);
        seen.body = unreachable();
        written
    });
    let (vis, name) = (seen.vis.clone(), seen.sig.ident.clone());
    let resource = match known(&seen) {
        Some(value) if inputs.is_empty() => resource_impl(&name, &value, krate),
        _ => TokenStream::new(),
    };
    seen.sig.inputs = inputs.into_iter().collect();
    let (function, allow) = (as_written(&seen), names::allow());
    quote! {
        #written
        #[allow(unused, clippy::needless_pass_by_value)]
        #function
        #allow
        #vis struct #name {}
        #resource
    }
}

/// A faulty handler: `main` still finds what it runs.
pub(crate) fn handler(item: Item, krate: &Path) -> TokenStream {
    let function = match item {
        Item::Static(item) => return resource(Item::Static(item), krate),
        Item::Fn(function) => function,
    };
    if has_self(&function) {
        return as_written(&function);
    }
    let (vis, name) = (&function.vis, &function.sig.ident);
    if name == "main" {
        return quote!(
            fn main() {}
        ); // what is left must not be `async`
    }
    let (run, function, allow) = (run(vis, name, krate), as_written(&function), names::allow());
    quote! {
        #[allow(dead_code)]
        #function
        #allow
        #vis struct #name {}
        #allow
        #run
    }
}

/// What `main` calls of a handler.
pub(crate) fn run(vis: &syn::Visibility, name: &proc_macro2::Ident, krate: &Path) -> TokenStream {
    quote! {
        impl #name {
            #vis fn run() -> #krate::private::ExitCode {
                ::core::unreachable!()
            }
        }
    }
}

fn resource_impl(name: &proc_macro2::Ident, value: &Type, krate: &Path) -> TokenStream {
    let (allow, private) = (names::allow(), quote!(#krate::private));
    let kept = names::kept(value, "SHAREABLE", &private);
    let place = quote!(::core::unreachable!());
    let place_type = quote!(#private::Cell<#kept>);
    let resource = names::resource(name, &private, &place_type, &place, &quote!(0));
    quote!(#allow #resource)
}

/// The type of the value, unless it is what is wrong.
fn known(function: &Function) -> Option<Type> {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return None;
    };
    let names_all = function.sig.generics.params.is_empty() && !names::borrows(ty);
    (names_all && names::hidden(ty).is_none())
        .then(|| Returns::of(&function.sig.output).value().clone())
}

fn unreachable() -> Group {
    Group::new(Delimiter::Brace, quote!(::core::unreachable!()))
}

/// The function where nobody calls it: its body is still completed by editors, and checked.
fn aside(function: &Function) -> TokenStream {
    let written = as_written(&Function { attrs: Vec::new(), ..function.clone() });
    quote!(#[allow(dead_code)] const _: () = { #written };)
}

fn has_self(function: &Function) -> bool {
    function.sig.receiver().is_some()
}

fn as_written(function: &Function) -> TokenStream {
    names::without_parameter_attributes(quote!(#function))
}
