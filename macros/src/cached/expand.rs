//! The code of a cached function: the function that callers see, a type with its controls, and its
//! place in the container.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::model::{Argument, Model, Param};
use crate::item::{argument_of, Returns};
use crate::{injected, signature, tokens};

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let (allow, import) = (tokens::allow(), tokens::import(krate));
    let (private, outside) = (tokens::private(), quote!(#krate::private));
    let (docs, sig) = (&model.docs, &model.seen);
    let (vis, name) = (&model.function.vis, &sig.ident);
    let (inputs, output, asyncness) = (&sig.inputs, &sig.output, &sig.asyncness);
    let about = format!("The controls of the cached function `{}`.", tokens::text(name));

    let (get, refresh) = (get(model, &outside), refresh(model, &private));
    let key_inputs = key_parameters(model);

    let (attrs, body) = (&model.function.attrs, &model.function.body);
    let plain = signature::plain_signature(&model.function.sig);
    let allow_in_written = tokens::allow_in_written(&plain, vis);
    let types = types(model, &private);
    let (query, ask) = (query(model), ask(model, &private));
    let fetch = fetch(model, &private);
    let storage = storage(model, &private);
    let is_keyed = model.is_keyed();
    let clear = is_keyed.then(|| {
        quote! {
            /// Forgets all answers.
            #vis fn clear() {
                __STORAGE.clear();
            }
        }
    });
    let value = model.returns.value();
    quote! {
        #(#docs)*
        #[allow(dead_code, clippy::used_underscore_binding)]
        #vis #sig {
            #get
        }

        #[doc = #about]
        #allow
        #vis struct #name {}

        const _: () = {
            struct __Body;
            impl __Body {
                #(#attrs)*
                #[allow(#allow_in_written)]
                #plain #body
            }

            #allow
            const _: () = {
                #import
                #types
                #storage
                impl #name {
                    fn __storage() -> &'static __Storage {
                        &__STORAGE
                    }
                    #ask
                    #fetch
                    /// The value, if it is kept and fresh.
                    #vis fn peek(#(#key_inputs),*) -> ::core::option::Option<#value> {
                        __STORAGE.peek(#query)
                    }
                    /// Fetches now. Callers at the same time share one fetch.
                    #vis #asyncness fn refresh(#inputs) #output {
                        #refresh
                    }
                    /// Forgets the answer.
                    #vis fn invalidate(#(#key_inputs),*) {
                        __STORAGE.invalidate(#query);
                    }
                    #clear
                    /// What the cache counted.
                    #vis fn stats() -> #private::Stats {
                        __STORAGE.stats()
                    }
                }
                #private::register!(__STORAGE);
            };
        };
    }
}

/// What callers see: the answer that the cache has, or that of a fetch.
fn get(model: &Model, private: &TokenStream) -> TokenStream {
    if model.seen.asyncness.is_none() {
        return answer(model, &call(model, "get_blocking"), private);
    }
    let now = match &model.returns {
        Returns::Result { .. } => quote!(::core::result::Result::Ok(__value)),
        Returns::Plain(_) => quote!(__value),
    };
    let later = answer(model, &quote!(__later.await), private);
    tokens::now_or_later(&call(model, "now_or_later"), &now, &later)
}

/// The same, fetched in any case.
fn refresh(model: &Model, private: &TokenStream) -> TokenStream {
    let outcome = match model.seen.asyncness {
        Some(_) => {
            let refresh = call(model, "refresh");
            quote!(#refresh.await)
        }
        None => call(model, "refresh_blocking"),
    };
    answer(model, &outcome, private)
}

/// Asks the cache, with a fetch for when it has no answer.
fn call(model: &Model, method: &str) -> TokenStream {
    let (name, method, query) = (&model.seen.ident, tokens::ours(method), query(model));
    let passed: Vec<_> = model.skipped().iter().map(|argument| &argument.name).collect();
    let fetch = match passed[..] {
        [] => quote!(#name::__fetch),
        _ => quote!(|__key| #name::__fetch(__key, #(#passed),*)),
    };
    quote!(#name::__storage().#method(#query, #fetch))
}

/// What the function returns, made of what the cache gives.
fn answer(model: &Model, outcome: &TokenStream, private: &TokenStream) -> TokenStream {
    match &model.returns {
        Returns::Result { .. } => outcome.clone(),
        Returns::Plain(_) => quote!(#private::infallible(#outcome)),
    }
}

/// The arguments that are the key, as parameters.
fn key_parameters(model: &Model) -> Vec<TokenStream> {
    let one = |argument: &&Argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        let reference = argument.borrowed.then(|| quote!(&));
        quote!(#name: #reference #ty)
    };
    model.key().iter().map(one).collect()
}

/// What finds an answer: the arguments that are the key, borrowed.
fn query(model: &Model) -> TokenStream {
    if !model.is_keyed() {
        return quote!(());
    }
    let name = &model.seen.ident;
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

/// The name of the type that is kept of the n-th argument in the key.
fn part(n: usize) -> Ident {
    format_ident!("__Part{n}")
}

/// The name of the type of the n-th argument that is passed on.
fn passed(n: usize) -> Ident {
    format_ident!("__Passed{n}")
}

/// The types of what is kept and passed on, as far as they fit.
fn types(model: &Model, private: &TokenStream) -> TokenStream {
    let fitting =
        |checks: &TokenStream, ty: &dyn quote::ToTokens| tokens::fitting(checks, ty, private);
    let value = model.returns.value();
    // Of an `Option`, what is in it has to be `Clone`.
    let inside = argument_of(value, "Option").unwrap_or(value);
    let cacheable = tokens::require("cacheable", inside, private);
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
                // Nothing is asked of a `Result` under another name.
                None => tokens::require_alias("cacheable", "__Plain", ty, private),
            };
            let value = fitting(&cacheable, &quote!(__Plain));
            let values = quote!(type __Plain = #plain; type __Value = #value;);
            (values, quote!(#private::Infallible))
        }
    };
    let key = model.key();
    let parts = key.iter().enumerate().map(|(n, argument)| {
        let (part, ty) = (part(n), &argument.ty);
        let ty = fitting(&tokens::require("key_part", ty, private), ty);
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
    let needs = (!model.injected.is_empty()).then(|| injected::needs(&model.injected, private));
    quote! {
        #value
        type __Error = #error;
        #(#parts)*
        #(#skipped)*
        type __Key = (#(#owned)*);
        type __Storage = #storage;
        #needs
    }
}

/// Makes a [`query`], of arguments of the function's own types.
fn ask(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    let key = model.key();
    if key.is_empty() {
        return None;
    }
    let inputs = key.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(#name: &'a #ty)
    });
    let asked = key.iter().map(|argument| {
        let name = &argument.name;
        quote!(#name,)
    });
    let parts = (0..key.len()).map(|n| {
        let part = part(n);
        quote!(&'a #part,)
    });
    Some(quote! {
        fn __query<'a>(#(#inputs),*) -> #private::Arguments<(#(#parts)*)> {
            #private::Arguments((#(#asked)*))
        }
    })
}

/// The fetch, which calls the function with arguments of its own.
fn fetch(model: &Model, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let mut in_key = 0;
    let arguments = model.params.iter().map(|param| match param {
        Param::Resource(n) => {
            let index = syn::Index::from(*n);
            model.injected[*n].argument(private, &quote!(held.#index))
        }
        Param::Key(argument) => {
            let (n, part) = (syn::Index::from(in_key), part(in_key));
            in_key += 1;
            match argument.borrowed {
                true => quote!(#private::Borrow::<#part>::borrow(&key.#n)),
                false => quote!(key.#n),
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
    let own = skipped.iter().filter(|argument| argument.borrowed).map(|argument| {
        let name = skipped_name(argument);
        quote!(let #name = #private::ToOwned::to_owned(#name);)
    });
    let own: TokenStream = own.collect();
    let skipped = skipped.iter().enumerate().map(|(n, argument)| {
        let (name, ty) = (skipped_name(argument), passed(n));
        let reference = argument.borrowed.then(|| quote!(&));
        quote!(, #name: #reference #ty)
    });
    let wait = model.seen.asyncness.map(|_| quote!(.await));
    let call = quote!(__Body::#name(#(#arguments),*) #wait);
    let outcome = match &model.returns {
        Returns::Result { .. } => call,
        Returns::Plain(_) => quote!(::core::result::Result::<_, __Error>::Ok(#call)),
    };
    let hold = injected::hold(&model.injected, private, &tokens::ours("held"));
    let guarded = tokens::guarded(
        name,
        &quote!(async move { #hold #private::fetched::<__Value, __Error>(#outcome) }),
        private,
    );
    quote! {
        fn __fetch(key: __Key #(#skipped)*) -> #private::Fetch {
            #own
            #guarded
        }
    }
}

fn skipped_name(argument: &Argument) -> Ident {
    format_ident!("__{}", tokens::text(&argument.name))
}

/// The cache, which is a resource if the function is called without arguments.
fn storage(model: &Model, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let is_resource = !model.is_keyed() && model.skipped().is_empty();
    let depth = injected::depth(&model.injected, private);
    let (depth, resource) = match is_resource {
        true => (
            quote!(<#name as #private::Resource>::DEPTH_UNLESS_CIRCULAR),
            injected::resource(name, private, &quote!(__Storage), &quote!(&__STORAGE), &depth),
        ),
        false => (depth, TokenStream::new()),
    };
    let policy = policy(model, &depth, private);
    let facts = quote!(#private::facts!(__Value, __Error));
    let new = match (model.is_keyed(), is_resource) {
        (true, _) => {
            let max = model.options.max_entries.as_ref().map_or(1000, |(number, _)| *number);
            let max = proc_macro2::Literal::u64_unsuffixed(max);
            quote!(#private::Keyed::keyed(#policy, #facts, #max, || __STORAGE.values()))
        }
        (false, true) => quote! {
            #private::Unkeyed::unkeyed(#policy, #facts, ::core::option::Option::Some(#name::__fetch), || __STORAGE.values())
        },
        (false, false) => quote! {
            #private::Unkeyed::unkeyed(#policy, #facts, ::core::option::Option::None, || __STORAGE.values())
        },
    };
    quote! {
        static __STORAGE: __Storage = #new;
        #resource
    }
}

/// The options that differ from the default, as calls of the builder.
fn policy(model: &Model, depth: &TokenStream, private: &TokenStream) -> TokenStream {
    let options = &model.options;
    let text = tokens::text(&model.seen.ident);
    let ttl = tokens::duration(options.ttl, private);
    let set = |method: &str, duration: Option<std::time::Duration>| {
        let (method, duration) = (tokens::ours(method), tokens::duration(duration?, private));
        Some(quote!(.#method(#duration)))
    };
    let revalidate = set("stale_while_revalidate", options.stale_while_revalidate);
    let stale = set("stale_if_error", options.stale_if_error.as_ref().map(|(window, _)| *window));
    let negative = set("negative_ttl", options.negative_ttl.as_ref().map(|(ttl, _)| *ttl));
    let timeout = set("timeout", options.timeout.as_ref().map(|(limit, _)| *limit));
    let jitter = options.jitter.map(|percent| quote!(.jitter(#percent)));
    quote!(#private::Policy::new(#text, #depth, #ttl) #revalidate #stale #negative #jitter #timeout)
}
