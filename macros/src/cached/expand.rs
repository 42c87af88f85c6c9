//! The code of a cached function: the function that callers see, a type with its controls, and its
//! place in the container.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::{Argument, Model, Param};
use crate::item::Returns;
use crate::names;

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let private = quote!(#krate::private);
    let (allow, docs, sig) = (names::allow(), &model.docs, &model.seen);
    let (vis, name) = (&model.function.vis, &sig.ident);
    let text = names::text(name);
    let about = format!("The controls of the cached function `{text}`.");

    let (key, skipped) = (model.key(), model.skipped());
    let unkeyed = key.is_empty();
    let key_type = key.iter().map(|argument| {
        let part = part(argument, krate);
        quote!(#part::Kept)
    });
    let key_type = if unkeyed { quote!(()) } else { quote!((#(#key_type,)*)) };
    let value = model.returns.value();
    let keep = names::keep(value, "CACHEABLE", krate);
    let kept = quote!(#keep::Kept);
    let failure = failure(model);
    let error = failure
        .as_ref()
        .map_or_else(|| quote!(#private::Infallible), |(_, keep)| quote!(#keep::Kept));
    let cache_type = match unkeyed {
        true => quote!(#private::Unkeyed<#kept, #error>),
        false => quote!(#private::Keyed<#key_type, #kept, #error>),
    };

    let query_args = key.iter().map(|argument| {
        let name = &argument.name;
        let part = part(argument, krate);
        match argument.borrowed {
            true => quote!(#part::ask(#name)),
            false => quote!(#part::ask(&#name)),
        }
    });
    let query = if unkeyed { quote!(()) } else { quote!(#private::Arguments((#(#query_args,)*))) };
    let passed = skipped.iter().map(|argument| {
        let name = &argument.name;
        match argument.borrowed {
            true => quote!(#private::ToOwned::to_owned(#name)),
            false => quote!(#name),
        }
    });
    let passed = quote!(#(, #passed)*);

    let (get, refresh) = match sig.asyncness {
        Some(_) => (quote!(get), quote!(refresh)),
        None => (quote!(get_blocking), quote!(refresh_blocking)),
    };
    let asyncness = &sig.asyncness;
    let wait = asyncness.map(|_| quote!(.await));
    let call = |method: TokenStream| {
        let call = quote! {
            <#name as #private::Cached>::cache()
                .#method(&#query, |__key| #name::__fetch(__key #passed)) #wait
        };
        match &model.returns {
            Returns::Result { .. } => {
                let keep_error = failure.as_ref().map(|(_, keep)| keep);
                quote!(#call.map(#keep::back).map_err(#keep_error::error_back))
            }
            Returns::Plain(_) => quote!(#keep::back(#private::infallible(#call))),
        }
    };
    let (get, refresh) = (call(get), call(refresh));
    let (inputs, output) = (&sig.inputs, &sig.output);
    let key_inputs: Vec<_> = key
        .iter()
        .map(|argument| {
            let (name, ty) = (&argument.name, &argument.ty);
            if argument.borrowed { quote!(#name: &#ty) } else { quote!(#name: #ty) }
        })
        .collect();

    let fetch = fetch(model, &key_type, &error);
    let policy = policy(model, &text);
    let depth = names::depth_constant(name, &names::depth(&model.injected, krate));
    let new = match unkeyed {
        true => quote! {
            #private::Unkeyed::unkeyed(#policy, #private::facts!(#kept, #error), || {
                #private::Box::pin(async { <#name as #private::Resource>::hold().await.map(drop) })
            })
        },
        false => {
            let max = model.options.max_entries.as_ref().map_or(1000, |(number, _)| *number);
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            quote!(#private::Keyed::keyed(#policy, #private::facts!(#kept, #error), #max))
        }
    };
    let resource = (unkeyed && skipped.is_empty()).then(|| {
        quote! {
            impl #private::Resource for #name {
                type Value = #kept;
                type Held = #private::HeldValue<#kept, #error>;
                const DEPTH: usize = <Self as #private::Cached>::DEPTH;
                fn node() -> &'static dyn #private::Node {
                    &__CACHE
                }
                async fn hold() -> ::core::result::Result<Self::Held, #krate::ResourceError> {
                    __CACHE.hold(#name::__fetch).await
                }
            }
        }
    });
    // A cache without a resource is filled by its callers alone.
    let new = match (unkeyed, skipped.is_empty()) {
        (true, false) => quote! {
            #private::Unkeyed::unkeyed(#policy, #private::facts!(#kept, #error), || {
                #private::Box::pin(async { ::core::result::Result::Ok(()) })
            })
        },
        _ => new,
    };
    let clear = (!unkeyed).then(|| {
        quote! {
            /// Forgets all answers.
            #vis fn clear() {
                __CACHE.clear();
            }
        }
    });
    let not_a_result = match &model.returns {
        Returns::Plain(ty) => names::not_a_result(ty, krate),
        Returns::Result { .. } => TokenStream::new(),
    };
    let bounds = bounds(model);

    quote! {
        #(#docs)*
        #[allow(dead_code)]
        #vis #sig {
            #get
        }

        #[doc = #about]
        #allow
        #vis struct #name {}

        const _: () = {
            #fetch

            #allow
            const _: () = {
            #not_a_result
            #bounds

            static __CACHE: #cache_type = #new;

            impl #private::Cached for #name {
                type Cache = #cache_type;
                #depth
                fn cache() -> &'static Self::Cache {
                    &__CACHE
                }
            }

            #resource

            impl #name {
                /// The value, if it is kept and fresh.
                #vis fn peek(#(#key_inputs),*) -> ::core::option::Option<#value> {
                    __CACHE.peek(&#query).map(#keep::back)
                }
                /// Fetches now. Callers at the same time share one fetch.
                #vis #asyncness fn refresh(#inputs) #output {
                    #refresh
                }
                /// Forgets the answer.
                #vis fn invalidate(#(#key_inputs),*) {
                    __CACHE.invalidate(&#query);
                }
                #clear
                /// What the cache counted.
                #vis fn stats() -> #krate::Stats {
                    __CACHE.stats()
                }
            }

            #[#private::linkme::distributed_slice(#private::REGISTRY)]
            #[linkme(crate = #private::linkme)]
            static __NODE: &'static dyn #private::Node = &__CACHE;
            };
        };
    }
}

/// The error type, if there is one, and the implementation through which it is passed on.
fn failure(model: &Model) -> Option<(TokenStream, TokenStream)> {
    let Returns::Result { whole, .. } = &model.returns else {
        return None;
    };
    let krate = &model.options.krate;
    let private = quote!(#krate::private);
    let error = quote_spanned!(whole.span()=> <#whole as #private::IsResult>::Err);
    let keep = quote!(<#private::keeps!(#error, FETCH_ERROR) as #private::KeepError<#error>>);
    Some((error, keep))
}

/// What the types have to be, each said once.
fn bounds(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let value = model.returns.value();
    let shareable = names::require("shareable", value, krate);
    let copies = names::require("copies", value, krate);
    let key = model.key();
    let key = key.iter().map(|argument| names::require("key_part", &argument.ty, krate));
    let failure = failure(model).map(|(error, _)| {
        let shared = model.options.negative_ttl.as_ref();
        let shared = shared.map(|_| names::require("shared_failure", &error, krate));
        let sent = names::require("fetch_error", &error, krate);
        quote!(#shared #sent)
    });
    quote!(#shareable #copies #(#key)* #failure)
}

/// The function as it was written, and the fetch that calls it with arguments of its own.
fn fetch(model: &Model, key_type: &TokenStream, error: &TokenStream) -> TokenStream {
    let krate = &model.options.krate;
    let private = quote!(#krate::private);
    let name = &model.seen.ident;
    let (attrs, body) = (&model.function.attrs, &model.function.body);
    let sig = names::plain_signature(&model.function.sig);
    let value = model.returns.value();
    let keep = names::keep(value, "CACHEABLE", krate);
    let kept = quote!(#keep::Kept);

    let mut in_key = 0;
    let arguments = model.params.iter().map(|param| match param {
        Param::Resource(n) => {
            let n = syn::Index::from(*n);
            model.injected[n.index as usize].argument(krate, &quote!(held.#n))
        }
        Param::Key(argument) => {
            let n = syn::Index::from(in_key);
            in_key += 1;
            let (part, ty) = (part(argument, krate), &argument.ty);
            match argument.borrowed {
                true => quote!(#part::lend(&key.#n)),
                false => {
                    quote!(<#private::keeps!(#ty, KEY_PART) as #private::GivePart<#ty, _>>::give_part(key.#n))
                }
            }
        }
        Param::Skipped(argument) => {
            let passed = skipped_name(argument);
            match argument.borrowed {
                true => quote!(#private::Borrow::borrow(&#passed)),
                false => quote!(#passed),
            }
        }
    });
    let arguments: Vec<_> = arguments.collect();
    let skipped = model.skipped();
    let skipped = skipped.iter().map(|argument| {
        let (name, ty) = (skipped_name(argument), owned(argument, krate));
        quote!(, #name: #ty)
    });
    let wait = model.seen.asyncness.map(|_| quote!(.await));
    let call = quote!(__Body::#name(#(#arguments),*) #wait);
    let guard = quote_spanned!(name.span()=> #private::guard_across_await);
    let outcome = match &model.returns {
        Returns::Result { .. } => {
            let keep_error = failure(model).map(|(_, keep)| keep);
            quote!(#call.map(#keep::keep).map_err(|error| #private::Failure::Error(#keep_error::keep_error(error))))
        }
        Returns::Plain(_) => quote!(::core::result::Result::Ok(#keep::keep(#call))),
    };
    let held = (!model.injected.is_empty()).then(|| {
        let set = names::resource_set(&model.injected);
        quote!(let held = #private::hold::<#set>().await?;)
    });
    let allow = names::allow();
    quote! {
        struct __Body;
        impl __Body {
            #(#attrs)*
            #sig #body
        }

        #allow
        impl #name {
            fn __fetch(key: #key_type #(#skipped)*) -> #private::Fetch<#kept, #error> {
                #guard(async move {
                    #held
                    #outcome
                })
            }
        }
    }
}

/// The implementation through which an argument is a part of the key.
fn part(argument: &Argument, krate: &syn::Path) -> TokenStream {
    let ty = &argument.ty;
    quote!(<#krate::private::keeps!(#ty, KEY_PART) as #krate::private::KeepPart<#ty>>)
}

fn skipped_name(argument: &Argument) -> proc_macro2::Ident {
    format_ident!("__{}", names::text(&argument.name))
}

/// The type that an argument has where it is kept.
fn owned(argument: &Argument, krate: &syn::Path) -> TokenStream {
    let ty = &argument.ty;
    match argument.borrowed {
        true => quote_spanned!(ty.span()=> <#ty as #krate::private::ToOwned>::Owned),
        false => quote!(#ty),
    }
}

/// The options that differ from the default, as calls of the builder.
fn policy(model: &Model, text: &str) -> TokenStream {
    let options = &model.options;
    let krate = &options.krate;
    let name = &model.seen.ident;
    let ttl = names::duration(options.ttl, krate);
    let set = |method: &str, duration: Option<std::time::Duration>| {
        let (method, duration) = (names::ours(method), names::duration(duration?, krate));
        Some(quote!(.#method(#duration)))
    };
    let revalidate = set("stale_while_revalidate", options.stale_while_revalidate);
    let stale = set("stale_if_error", options.stale_if_error);
    let negative = set("negative_ttl", options.negative_ttl.as_ref().map(|(ttl, _)| *ttl));
    let timeout = set("timeout", options.timeout.as_ref().map(|(limit, _)| *limit));
    let jitter = options.jitter.map(|percent| quote!(.jitter(#percent)));
    let depth = quote!(<#name as #krate::private::Cached>::DEPTH);
    quote!(#krate::private::Policy::new(#text, #depth, #ttl) #revalidate #stale #negative #jitter #timeout)
}
