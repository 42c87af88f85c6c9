//! The code of a cached function: the function for callers, a type with its controls, and its
//! storage in the container.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Signature};

use super::model::{Argument, Model, Param};
use super::store;
use crate::item::{Returns, argument_of};
use crate::tokens::{ours, quote};
use crate::{injected, item_attributes, parts, tokens};

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let (private, outside) = (tokens::private(), tokens::private_path(krate));
    let (attrs, sig) = (&model.function.attrs, &model.public_sig);
    let (vis, name) = (&model.function.vis, &sig.ident);
    let about = format!("The controls of the cached function `{}`.", tokens::text(name));

    let (get, refresh) = (get(model, &outside), refresh(model, &private));
    let key_inputs = key_parameters(model);

    let written = parts::written(&model.function, krate);
    let allow_in_written = parts::allow_in_written(sig, vis);
    let types = types(model, &private);
    let (query, query_fn) = (query(model), query_fn(model, &private));
    let fetch = fetch(model, &private);
    let storage = storage(model, &private);
    let controls = match &model.options.store {
        Some(_) => store::controls(model, &private, &key_inputs, &query, &refresh),
        None => controls(model, &key_inputs, &query, &refresh),
    };
    let value = model.returns.value();
    let callers = item_attributes::for_callers(attrs);
    let allow_own_type = item_attributes::allow_own_type(attrs);
    let mut body = Group::new(Delimiter::Brace, quote!(#written #get));
    body.set_span(model.function.body.span());
    let type_of = parts::type_of(attrs, vis, name, &about);
    let needs = (!model.injected.is_empty()).then(|| injected::needs(&model.injected, &private));
    let ours = quote! {
        #types
        #storage
        impl #name {
            fn __storage() -> &'static __Storage {
                &__STORAGE
            }
            #query_fn
            #fetch
            /// Returns the value if it is fresh.
            #vis fn peek(#(#key_inputs),*) -> ::core::option::Option<#value> {
                #name::__storage().peek(#query)
            }
            #controls
            /// Returns the counters of the cache.
            #vis fn stats() -> #private::Stats {
                #name::__storage().stats()
            }
        }
        #private::register!(__ENTRY = __STORAGE);
    };
    let block = parts::block(attrs, krate, needs.as_ref(), &ours);
    quote! {
        #[allow(dead_code, clippy::implicit_return, clippy::used_underscore_binding, #allow_in_written)]
        #allow_own_type
        #(#callers)*
        #vis #sig #body

        #type_of

        #block
    }
}

/// The controls that change what is kept.
fn controls(
    model: &Model,
    key_inputs: &[TokenStream],
    query: &TokenStream,
    refresh: &TokenStream,
) -> TokenStream {
    let (vis, sig) = (&model.function.vis, &model.public_sig);
    let Signature { ident: name, inputs, output, asyncness, .. } = sig;
    let clear = model.is_keyed().then(|| {
        quote! {
            /// Removes all values.
            #vis fn clear() {
                #name::__storage().clear();
            }
        }
    });
    quote! {
        /// Fetches the value now and returns it. Concurrent callers share one fetch.
        #vis #asyncness fn refresh(#inputs) #output {
            #refresh
        }
        /// Removes the value.
        #vis fn invalidate(#(#key_inputs),*) {
            #name::__storage().invalidate(#query);
        }
        #clear
    }
}

/// The body for callers: a fresh value, or the value of a fetch.
fn get(model: &Model, private: &TokenStream) -> TokenStream {
    if model.public_sig.asyncness.is_none() {
        return returned(model, &call(model, "get_blocking"), private);
    }
    let now = match &model.returns {
        Returns::Result { .. } => quote!(::core::result::Result::Ok(__value)),
        Returns::Plain(_) => quote!(__value),
    };
    let later = returned(model, &quote!(__later.await), private);
    tokens::now_or_later(&call(model, "now_or_later"), &now, &later)
}

/// The body of `refresh`.
fn refresh(model: &Model, private: &TokenStream) -> TokenStream {
    let result = match model.public_sig.asyncness {
        Some(_) if model.options.store.is_some() => {
            let refresh = call(model, "refresh_stored");
            let returned = returned(model, &ours("__result").to_token_stream(), private);
            return quote!(#refresh.await.map(|__result| #returned));
        }
        Some(_) => {
            let refresh = call(model, "refresh");
            quote!(#refresh.await)
        }
        None => call(model, "refresh_blocking"),
    };
    returned(model, &result, private)
}

/// A call of one of the cache's methods that take a query and a fetch.
fn call(model: &Model, method: &str) -> TokenStream {
    let (name, method, query) = (&model.public_sig.ident, tokens::ours(method), query(model));
    let passed: Vec<_> = model.skipped().iter().map(|argument| &argument.name).collect();
    let fetch = match passed[..] {
        [] => quote!(#name::__fetch),
        _ => quote!(|__key| #name::__fetch(__key, #(#passed),*)),
    };
    quote!(#name::__storage().#method(#query, #fetch))
}

/// The return value of the function, from the cache's `Result`.
fn returned(model: &Model, result: &TokenStream, private: &TokenStream) -> TokenStream {
    match &model.returns {
        Returns::Result { .. } => result.clone(),
        Returns::Plain(_) => quote!(#private::infallible(#result)),
    }
}

/// The parameters that form the key.
fn key_parameters(model: &Model) -> Vec<TokenStream> {
    let one = |argument: &&Argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        let reference = argument.borrowed.then(|| quote!(&));
        quote!(#name: #reference #ty)
    };
    model.key().iter().map(one).collect()
}

/// The key of a call, borrowed from its arguments.
fn query(model: &Model) -> TokenStream {
    if !model.is_keyed() {
        return quote!(());
    }
    let name = &model.public_sig.ident;
    let one = |argument: &&Argument| {
        let name = &argument.name;
        let reference = (!argument.borrowed).then(|| quote!(&));
        quote!(#reference #name)
    };
    let key = model.key();
    let arguments = key.iter().map(one);
    quote!(#name::__query(#(#arguments),*))
}

/// The function's error type.
fn error(model: &Model, private: &TokenStream) -> TokenStream {
    match &model.returns {
        Returns::Result { whole, .. } => {
            quote_spanned!(model.returns.error_span()=> <#whole as #private::IsResult>::Err)
        }
        Returns::Plain(_) => quote!(#private::Infallible),
    }
}

/// The name of the type of the n-th part of the key.
fn part(n: usize) -> Ident {
    ours(&format!("__Part{n}"))
}

/// The name of the type of the n-th argument that is not part of the key.
fn passed(n: usize) -> Ident {
    ours(&format!("__Passed{n}"))
}

/// The types of the value, the error, the key and the arguments, checked.
fn types(model: &Model, private: &TokenStream) -> TokenStream {
    let fitting =
        |checks: &TokenStream, ty: &dyn quote::ToTokens| tokens::fitting(checks, ty, private);
    let value = model.returns.value();
    // The bound of an `Option` is reported on the type in it.
    let inner = argument_of(value, "Option").unwrap_or(value);
    let is_stored = model.options.store.is_some();
    let kept = |require: &dyn Fn(&str) -> TokenStream| {
        let cacheable = require("cacheable");
        let storable = is_stored.then(|| require("storable"));
        let storable = storable.map(|storable| quote!(&& #storable));
        quote!(#cacheable #storable)
    };
    let cacheable = kept(&|bound| tokens::require(bound, inner, private));
    let (value, error) = match &model.returns {
        Returns::Result { .. } => {
            let error = error(model, private);
            let sent = tokens::require("fetch_error", &error, private);
            let shared = model.options.negative_ttl.as_ref().map(|_| {
                let shared = tokens::require("shared_failure", &error, private);
                quote!(&& #shared)
            });
            let value = fitting(&cacheable, value);
            (quote!(type __Value = #value;), fitting(&quote!(#sent #shared), &error))
        }
        Returns::Plain(ty) => {
            let is_no_result = tokens::is_no_result("not_a_result", ty, private);
            let plain = fitting(&is_no_result, ty);
            let cacheable = match argument_of(ty, "Option") {
                Some(_) => cacheable,
                // The alias is checked, so that an aliased `Result` is one error.
                None => kept(&|bound| tokens::require_alias(bound, "__Plain", ty, private)),
            };
            let value = fitting(&cacheable, &quote!(__Plain));
            let values = quote!(type __Plain = #plain; type __Value = #value;);
            (values, quote!(#private::Infallible))
        }
    };
    let key = model.key();
    let parts = key.iter().enumerate().map(|(n, argument)| {
        let (part, ty) = (part(n), &argument.ty);
        let storable = is_stored.then(|| {
            let storable = tokens::require("storable_key", ty, private);
            quote!(&& #storable)
        });
        let key_part = tokens::require("key_part", ty, private);
        let ty = fitting(&quote!(#key_part #storable), ty);
        quote!(type #part = #ty;)
    });
    let owned = (0..key.len()).map(|n| {
        let part = part(n);
        quote!(#private::Owned<#part>,)
    });
    let skipped = model.skipped();
    let skipped = skipped.iter().enumerate().map(|(n, argument)| {
        let (passed, ty) = (passed(n), &argument.ty);
        let bound = if argument.borrowed { "passed_owned" } else { "passed" };
        let ty = fitting(&tokens::require(bound, ty, private), ty);
        quote!(type #passed = #ty;)
    });
    let storage = match model.is_keyed() {
        true => quote!(#private::Keyed<__Key, __Value, __Error>),
        false => quote!(#private::Unkeyed<__Value, __Error>),
    };
    quote! {
        #value
        type __Error = #error;
        #(#parts)*
        #(#skipped)*
        type __Key = (#(#owned)*);
        type __Storage = #storage;
    }
}

/// The function behind [`query`]. Its lifetime must not shadow one in a type of the user's, so its
/// parameters have the aliases of their types.
fn query_fn(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    let key = model.key();
    if key.is_empty() {
        return None;
    }
    let inputs = key.iter().enumerate().map(|(n, argument)| {
        let (name, part) = (&argument.name, part(n));
        quote!(#name: &'a #part)
    });
    let names = key.iter().map(|argument| {
        let name = &argument.name;
        quote!(#name,)
    });
    let parts = (0..key.len()).map(|n| {
        let part = part(n);
        quote!(&'a #part,)
    });
    Some(quote! {
        fn __query<'a>(#(#inputs),*) -> #private::Arguments<(#(#parts)*)> {
            #private::Arguments((#(#names)*))
        }
    })
}

/// The function that starts a fetch. The fetch owns all arguments of its call.
fn fetch(model: &Model, private: &TokenStream) -> TokenStream {
    let name = &model.public_sig.ident;
    let (mut in_key, mut skipped_before) = (0, 0);
    let arguments = model.params.iter().map(|param| match param {
        Param::Resource(n) => {
            let index = syn::Index::from(*n);
            model.injected[*n].argument(private, &quote!(__held.#index))
        }
        Param::Key(argument) => {
            let (n, part) = (syn::Index::from(in_key), part(in_key));
            in_key += 1;
            match argument.borrowed {
                true => quote!(#private::Borrow::<#part>::borrow(&__key.#n)),
                false => quote!(__key.#n),
            }
        }
        Param::Skipped(argument) => {
            let passed = skipped_name(skipped_before);
            skipped_before += 1;
            match argument.borrowed {
                true => quote!(#private::Borrow::borrow(&#passed)),
                false => quote!(#passed),
            }
        }
    });
    let arguments: Vec<_> = arguments.collect();
    let skipped = model.skipped();
    let owned =
        skipped.iter().enumerate().filter(|(_, argument)| argument.borrowed).map(|(n, _)| {
            let name = skipped_name(n);
            quote!(let #name = #private::ToOwned::to_owned(#name);)
        });
    let owned: TokenStream = owned.collect();
    let skipped = skipped.iter().enumerate().map(|(n, argument)| {
        let (name, ty) = (skipped_name(n), passed(n));
        let reference = argument.borrowed.then(|| quote!(&));
        quote!(, #name: #reference #ty)
    });
    let wait = model.public_sig.asyncness.map(|_| quote!(.await));
    let written = parts::path_of_written(name, private, Span::mixed_site());
    let call = quote!(#written(#(#arguments),*) #wait);
    let result = match &model.returns {
        Returns::Result { .. } => call,
        Returns::Plain(_) => quote!(::core::result::Result::<_, __Error>::Ok(#call)),
    };
    let hold = match wait {
        Some(_) => injected::hold,
        None => injected::hold_now,
    };
    let hold = hold(&model.injected, private, &tokens::ours("__held"));
    let guarded = tokens::guarded(
        name,
        &quote!(async move { #hold #private::fetched::<__Value, __Error>(#result) }),
        private,
    );
    quote! {
        fn __fetch(__key: __Key #(#skipped)*) -> #private::Fetch {
            #owned
            #guarded
        }
    }
}

/// The name of the n-th argument that is not part of the key.
fn skipped_name(n: usize) -> Ident {
    ours(&format!("__passed{n}"))
}

/// The cache. It is a resource if callers pass no arguments.
fn storage(model: &Model, private: &TokenStream) -> TokenStream {
    let name = &model.public_sig.ident;
    let is_resource = !model.is_keyed() && model.skipped().is_empty();
    let sources = model.sources();
    let depth = injected::depth(&sources, private);
    let (depth, resource) = match is_resource {
        true => (
            quote!(<#name as #private::Resource>::A_RESOURCE_NEEDS_ITSELF),
            injected::resource(name, private, &quote!(__Storage), &quote!(&__STORAGE), &depth),
        ),
        false => (depth, TokenStream::new()),
    };
    let policy = policy(model, &depth, private);
    let facts = quote!(#private::facts!(__Value, __Error));
    let new = match model.is_keyed() {
        true => {
            let max = model.options.max_entries.as_ref().map_or(1000, |(number, _)| *number);
            let max = proc_macro2::Literal::u64_unsuffixed(max);
            quote!(#private::Keyed::keyed(#policy, #facts, #max, || (&__STORAGE).values()))
        }
        false => {
            let fetch = match is_resource {
                true => quote!(::core::option::Option::Some(#name::__fetch)),
                false => quote!(::core::option::Option::None),
            };
            quote!(#private::Unkeyed::unkeyed(#policy, #facts, #fetch, || (&__STORAGE).values()))
        }
    };
    let tier = model.options.store.as_ref().map(|store| {
        let (tier, sources) =
            (store.tier(model, private), injected::set("__Sources", &sources, private));
        quote!(#tier #sources)
    });
    let stored = tier.as_ref().map(|_| quote!(.stored(&__TIER)));
    quote! {
        #tier
        static __STORAGE: __Storage = #new #stored;
        #resource
    }
}

/// The options that differ from the default, as calls of the builder.
fn policy(model: &Model, depth: &TokenStream, private: &TokenStream) -> TokenStream {
    let options = &model.options;
    let text = tokens::text(&model.public_sig.ident);
    let ttl = tokens::duration(options.ttl, private);
    let set = |method, option: &Option<_>| tokens::set_duration(method, option.as_ref(), private);
    let revalidate = set("stale_while_revalidate", &options.stale_while_revalidate);
    let stale = set("stale_if_error", &options.stale_if_error);
    let slow = set("stale_if_slow", &options.stale_if_slow);
    let negative = set("negative_ttl", &options.negative_ttl);
    let lifetime = options.lifetime.as_ref().map(|path| lifetime(model, path, private));
    let timeout = set("timeout", &options.timeout);
    let jitter = options.jitter.map(|percent| quote!(.jitter(#percent)));
    let from = match (&model.options.store, model.injected.is_empty()) {
        (Some(_), _) => Some(quote!(.built_from(#private::entries::<__Sources>))),
        (None, false) => Some(quote!(.built_from(#private::entries::<__Needs>))),
        (None, true) => None,
    };
    let blocking = model.public_sig.asyncness.is_none().then(|| quote!(.blocking()));
    quote!(#private::Policy::new(#text, #depth, #ttl) #blocking #from #revalidate #stale #slow #lifetime #negative #jitter #timeout)
}

/// The call of the builder that sets `lifetime`. Its function takes the value in an `Option`.
fn lifetime(model: &Model, path: &Path, private: &TokenStream) -> TokenStream {
    let value = model.returns.value();
    let by =
        if argument_of(value, "Option").is_some() { "lifetime_of_some" } else { "lifetime_of" };
    let (by, span) = (ours(by), tokens::ours_at(path.span()));
    let private = tokens::at(private, span);
    let lifetime = quote_spanned!(span=> #private::#by::<__Value, _>(__value, #path));
    quote!(.lifetime(|__value| #lifetime))
}
