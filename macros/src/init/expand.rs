//! The code of a resource: an accessor (or the static), a type with its controls, and its place in
//! the container.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::args::Restore;
use super::model::{Model, Source};
use crate::item::Returns;
use crate::names::{self, ours};

pub(super) fn expand(model: &Model) -> TokenStream {
    match &model.source {
        Source::Fn { awaits: true, .. } | Source::Static { awaits: true, .. } => cell(model, true),
        Source::Fn { awaits: false, .. } => cell(model, false),
        Source::Static { init, awaits: false } => fixed(model, init),
    }
}

/// A value behind a `Cell`: every function, and a static that awaits.
fn cell(model: &Model, awaits: bool) -> TokenStream {
    let Model { krate, docs, vis, name, value, .. } = model;
    let (allow, text) = (names::allow(), names::text(name));
    let guard = quote_spanned!(name.span()=> #krate::private::guard_across_await);
    let keep = names::keep(value, "SHAREABLE", krate);
    let shareable = names::require("shareable", value, krate);
    let options = options(model);
    let (accessor, function, spec, depth, cell) = match &model.source {
        Source::Fn { function, returns, injected, .. } => {
            let cell = ours("__CELL");
            let get = match awaits {
                true => quote!(get().await),
                false => quote!(get_blocking()),
            };
            let asyncness = &function.sig.asyncness;
            let accessor = quote! {
                #(#docs)*
                #[allow(dead_code)]
                #vis #asyncness fn #name() -> ::core::result::Result<#krate::private::Arc<#value>, #krate::ResourceError> {
                    <#name as #krate::private::Init>::cell().#get.map(#keep::give)
                }
            };
            let (attrs, body) = (&function.attrs, &function.body);
            let sig = names::plain_signature(&function.sig);
            let function = quote! {
                struct __Body;
                impl __Body {
                    #(#attrs)*
                    #sig #body
                }
            };
            let held = ours("held");
            let arguments = names::arguments(injected, krate, &held);
            let call = quote!(__Body::#name(#(#arguments),*));
            let call = if awaits { quote!(#call.await) } else { call };
            let outcome = match &**returns {
                Returns::Result { whole, .. } => {
                    let report = quote_spanned!(whole.span()=> #krate::private::Reportable::report);
                    quote!(#call.map(#keep::keep).map_err(#report))
                }
                Returns::Plain(_) => quote!(::core::result::Result::Ok(#keep::keep(#call))),
            };
            let depth = names::depth(injected, krate);
            let set = names::resource_set(injected);
            let spec = match (awaits, injected.is_empty()) {
                (false, _) => quote!(#krate::private::Spec::computing(#text, || #outcome)),
                (true, true) => quote! {
                    #krate::private::Spec::waiting(#text, 0, #krate::private::nodes::<()>, || {
                        #guard(async { #outcome })
                    })
                },
                (true, false) => quote! {
                    #krate::private::Spec::waiting(
                        #text,
                        <#name as #krate::private::Resource>::DEPTH,
                        #krate::private::nodes::<#set>,
                        || #guard(async {
                            let #held = #krate::private::hold::<#set>().await?;
                            #outcome
                        }),
                    )
                },
            };
            (accessor, function, spec, depth, cell)
        }
        Source::Static { init, .. } => {
            let accessor = quote! {
                #(#docs)*
                #[allow(dead_code)]
                #vis static #name: #krate::private::Cell<#keep::Kept> = #krate::private::Cell::new(
                    <#name as #krate::private::Init>::SPEC
                );
            };
            let spec = quote! {
                #krate::private::Spec::waiting(#text, 0, #krate::private::nodes::<()>, || {
                    #guard(async {
                        ::core::result::Result::Ok::<#keep::Kept, #krate::private::BoxError>(#keep::keep(#init))
                    })
                })
            };
            (accessor, TokenStream::new(), spec, quote!(0), name.clone())
        }
    };
    let depth = names::depth_constant(name, &depth);
    let is_static = matches!(model.source, Source::Static { .. });
    let place = if is_static {
        TokenStream::new()
    } else {
        quote! {
            static #cell: #krate::private::Cell<#keep::Kept> =
                #krate::private::Cell::new(<#name as #krate::private::Init>::SPEC);
        }
    };
    let about = format!("The controls of the resource `{text}`.");
    let not_a_result = not_a_result(model);
    quote! {
        #accessor

        #[doc = #about]
        #allow
        #vis struct #name {}

        const _: () = {
            #function

            #allow
            const _: () = {
            #not_a_result
            #shareable

            #place

            impl #krate::private::Init for #name {
                type Kept = #keep::Kept;
                const SPEC: #krate::private::Spec<Self::Kept> = #spec #options;
                fn cell() -> &'static #krate::private::Cell<Self::Kept> {
                    &#cell
                }
            }

            impl #krate::private::Resource for #name {
                type Value = #value;
                type Held = #keep::Held;
                #depth
                fn node() -> &'static dyn #krate::private::Node {
                    &#cell
                }
                async fn hold() -> ::core::result::Result<Self::Held, #krate::ResourceError> {
                    #cell.hold().await.map(#keep::hold)
                }
            }

            impl #name {
                /// The value if it is built, without waiting.
                #vis fn get() -> ::core::option::Option<#krate::private::Arc<#value>> {
                    #cell.peek().map(#keep::give)
                }
                /// Builds the next generation now.
                #vis async fn rebuild() -> ::core::result::Result<#krate::private::Arc<#value>, #krate::ResourceError> {
                    #cell.rebuild().await.map(#keep::give)
                }
            }

            #[#krate::private::linkme::distributed_slice(#krate::private::REGISTRY)]
            #[linkme(crate = #krate::private::linkme)]
            static __NODE: &'static dyn #krate::private::Node = &#cell;
            };
        };
    }
}

/// A static that derefs.
fn fixed(model: &Model, init: &TokenStream) -> TokenStream {
    let Model { krate, docs, vis, name, value, .. } = model;
    let (allow, text) = (names::allow(), names::text(name));
    let keep = names::keep(value, "SHAREABLE", krate);
    let shareable = names::require("shareable", value, krate);
    let options = options(model);
    let about = format!("The controls of the resource `{text}`.");
    let not_a_result = not_a_result(model);
    quote! {
        #(#docs)*
        #[allow(dead_code)]
        #vis static #name: #krate::private::Fixed<#keep::Kept> =
            #krate::private::Fixed::new(#text, || ::core::result::Result::Ok(#keep::keep(#init))) #options;

        #[doc = #about]
        #allow
        #vis struct #name {}

        #allow
        const _: () = {
            #not_a_result
            #shareable

            impl #krate::private::Resource for #name {
                type Value = #value;
                type Held = #keep::Lent;
                const DEPTH: usize = 0;
                fn node() -> &'static dyn #krate::private::Node {
                    &#name
                }
                async fn hold() -> ::core::result::Result<Self::Held, #krate::ResourceError> {
                    #name.hold().await.map(#keep::lend)
                }
            }

            impl #name {
                /// The value if it is built, without waiting.
                #vis fn get() -> ::core::option::Option<&'static #keep::Kept> {
                    #name.peek()
                }
            }

            #[#krate::private::linkme::distributed_slice(#krate::private::REGISTRY)]
            #[linkme(crate = #krate::private::linkme)]
            static __NODE: &'static dyn #krate::private::Node = &#name;
        };
    }
}

/// The options that differ from the default, as calls of the builder.
fn options(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let lazy = model.lazy.then(|| quote!(.lazy()));
    let timeout = model.timeout.map(|limit| {
        let limit = names::duration(limit, krate);
        quote!(.timeout(#limit))
    });
    let retry_after = model.retry_after.map(|pause| {
        let pause = names::duration(pause, krate);
        quote!(.retry_after(#pause))
    });
    let check = model.check.as_ref().map(|check| {
        quote_spanned!(check.span()=> .check(|value| #krate::private::Box::pin(async move {
            #check(value).await.map_err(::core::convert::Into::into)
        })))
    });
    let idle = model.idle.map(|gap| {
        let gap = names::duration(gap, krate);
        quote!(.idle(#gap))
    });
    let close = model.close.as_ref().map(|close| {
        quote_spanned!(close.span()=> .close(|value| #krate::private::Box::pin(#close(value))))
    });
    let restore = model.restore.map(|restore| match restore {
        Restore::Keep => quote!(.restore(#krate::private::Restore::Keep)),
        Restore::Check => quote!(.restore(#krate::private::Restore::Check)),
        Restore::Rebuild => quote!(.restore(#krate::private::Restore::Rebuild)),
    });
    quote!(#lazy #timeout #retry_after #check #idle #close #restore)
}

/// Rejects a `Result` under a name that a macro cannot see through.
fn not_a_result(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let plain = match &model.source {
        Source::Fn { returns, .. } => match &**returns {
            Returns::Plain(ty) => ty,
            Returns::Result { .. } => return TokenStream::new(),
        },
        Source::Static { .. } => &model.value,
    };
    names::not_a_result(plain, krate)
}
