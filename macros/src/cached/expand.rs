//! The code of a cached function: the function that callers see, a type with its controls, and its
//! place in the container.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::{Argument, Model, Param};
use crate::item::Returns;
use crate::names;

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let (allow, import) = (names::allow(), names::import(krate));
    let (private, outside) = (names::private(), quote!(#krate::private));
    let (docs, sig) = (&model.docs, &model.seen);
    let (vis, name) = (&model.function.vis, &sig.ident);
    let (inputs, output, asyncness) = (&sig.inputs, &sig.output, &sig.asyncness);
    let about = format!("The controls of the cached function `{}`.", names::text(name));

    let blocking = if asyncness.is_some() { "" } else { "_blocking" };
    let get = get(model, &format_ident!("miss{blocking}"), &outside);
    let refresh = refresh(model, &format_ident!("refresh{blocking}"), &private);
    let (key_inputs, key_arguments) = key_parameters(model);

    let (attrs, body) = (&model.function.attrs, &model.function.body);
    let plain = names::plain_signature(&model.function.sig);
    let bounds = bounds(model, &private);
    let types = types(model, &private);
    let query = query(model, &private);
    let fetch = fetch(model, &private);
    let place = place(model, &private);
    let is_keyed = model.is_keyed();
    let clear = is_keyed.then(|| {
        quote! {
            /// Forgets all answers.
            #vis fn clear() {
                __PLACE.clear();
            }
        }
    });
    let value = model.returns.value();
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
            struct __Body;
            impl __Body {
                #(#attrs)*
                #plain #body
            }

            #allow
            const _: () = {
                #import
                #bounds
                #types
                #place
                impl #name {
                    fn __place() -> &'static __Place {
                        &__PLACE
                    }
                    #query
                    #fetch
                    /// The value, if it is kept and fresh.
                    #vis fn peek(#(#key_inputs),*) -> ::core::option::Option<#value> {
                        __PLACE.peek(&Self::__query(#(#key_arguments),*)).map(#private::Kept::back)
                    }
                    /// Fetches now. Callers at the same time share one fetch.
                    #vis #asyncness fn refresh(#inputs) #output {
                        #refresh
                    }
                    /// Forgets the answer.
                    #vis fn invalidate(#(#key_inputs),*) {
                        __PLACE.invalidate(&Self::__query(#(#key_arguments),*));
                    }
                    #clear
                    /// What the cache counted.
                    #vis fn stats() -> #private::Stats {
                        __PLACE.stats()
                    }
                }
                #private::register!(__PLACE);
            };
        };
    }
}

/// What callers see: the answer that the cache has, or that of a fetch. A hit stands here and not in a
/// future of its own, from which it would have to be moved.
fn get(model: &Model, miss: &Ident, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let (_, key) = key_parameters(model);
    let fetched = call(model, miss, private);
    let answer = answer(
        model,
        &quote! {
            match #name::__place().hit(&__query) {
                ::core::option::Option::Some(value) => ::core::result::Result::Ok(value),
                ::core::option::Option::None => #fetched,
            }
        },
        private,
    );
    quote! {
        let __query = #name::__query(#(#key),*);
        #answer
    }
}

/// The same, fetched in any case.
fn refresh(model: &Model, method: &Ident, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let (_, key) = key_parameters(model);
    let answer = answer(model, &call(model, method, private), private);
    quote! {
        let __query = #name::__query(#(#key),*);
        #answer
    }
}

/// Asks the cache, with a fetch for when it has no answer.
fn call(model: &Model, method: &Ident, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let passed = model.skipped().into_iter().map(|argument| {
        let name = &argument.name;
        if argument.borrowed { quote!(#private::ToOwned::to_owned(#name)) } else { quote!(#name) }
    });
    let wait = model.seen.asyncness.map(|_| quote!(.await));
    quote! {
        #name::__place().#method(&__query, |__key| #name::__fetch(__key #(, #passed)*)) #wait
    }
}

/// What the function returns, made of what the cache gives.
fn answer(model: &Model, outcome: &TokenStream, private: &TokenStream) -> TokenStream {
    match &model.returns {
        Returns::Result { .. } => quote!(#private::answer(#outcome)),
        Returns::Plain(_) => quote!(#private::Kept::back(#private::infallible(#outcome))),
    }
}

/// The arguments that are the key, as parameters and as arguments of `__query`.
fn key_parameters(model: &Model) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let one = |argument: &&Argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        match argument.borrowed {
            true => (quote!(#name: &#ty), quote!(#name)),
            false => (quote!(#name: #ty), quote!(&#name)),
        }
    };
    model.key().iter().map(one).unzip()
}

/// What the types have to be, each said once.
fn bounds(model: &Model, private: &TokenStream) -> TokenStream {
    let require = |bound: &str, ty: &dyn quote::ToTokens| names::require(bound, ty, private);
    let value = require("cacheable", model.returns.value());
    let key = model.key();
    let key = key.iter().map(|argument| require("key_part", &argument.ty));
    let rest = match &model.returns {
        Returns::Plain(ty) => names::not_a_result(ty, private),
        Returns::Result { .. } => {
            let error = error(model, private);
            let shared = model.options.negative_ttl.as_ref();
            let shared = shared.map(|_| require("shared_failure", &error));
            let sent = require("fetch_error", &error);
            quote!(#shared #sent)
        }
    };
    quote!(#value #(#key)* #rest)
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

/// The types of what is kept.
fn types(model: &Model, private: &TokenStream) -> TokenStream {
    let value = names::kept(model.returns.value(), "CACHEABLE", private);
    let error = match &model.returns {
        Returns::Result { .. } => names::kept(&error(model, private), "FETCH_ERROR", private),
        Returns::Plain(_) => error(model, private),
    };
    let key = model.key();
    let parts = key.iter().enumerate().map(|(n, argument)| {
        let (part, ty) = (part(n), names::kept(&argument.ty, "KEY_PART", private));
        quote!(type #part = #ty;)
    });
    let owned = (0..key.len()).map(|n| {
        let part = part(n);
        quote!(#private::Owned<#part>,)
    });
    let place = match model.is_keyed() {
        true => quote!(#private::Keyed<__Key, __Value, __Error>),
        false => quote!(#private::Unkeyed<__Value, __Error>),
    };
    quote! {
        type __Value = #value;
        type __Error = #error;
        #(#parts)*
        type __Key = (#(#owned)*);
        type __Place = #place;
    }
}

/// What finds an answer: the borrowed arguments.
fn query(model: &Model, private: &TokenStream) -> TokenStream {
    let key = model.key();
    if key.is_empty() {
        return quote!(
            fn __query() {}
        );
    }
    let inputs = key.iter().map(|argument| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote!(#name: &'a #ty)
    });
    let asked = key.iter().map(|argument| {
        let name = &argument.name;
        quote!(#private::Kept::ask(#name),)
    });
    let parts = (0..key.len()).map(|n| {
        let part = part(n);
        quote!(&'a #part,)
    });
    quote! {
        fn __query<'a>(#(#inputs),*) -> #private::Arguments<(#(#parts)*)> {
            #private::Arguments((#(#asked)*))
        }
    }
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
            let (n, part, ty) = (syn::Index::from(in_key), part(in_key), &argument.ty);
            in_key += 1;
            match argument.borrowed {
                true => quote!(#private::lend::<#ty, #part>(&key.#n)),
                false => quote!(#private::Kept::<#ty>::back(key.#n)),
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
        let (name, ty) = (skipped_name(argument), &argument.ty);
        let owned = match argument.borrowed {
            true => quote_spanned!(ty.span()=> #private::Owned<#ty>),
            false => quote!(#ty),
        };
        quote!(, #name: #owned)
    });
    let wait = model.seen.asyncness.map(|_| quote!(.await));
    let call = quote!(__Body::#name(#(#arguments),*) #wait);
    let outcome = match &model.returns {
        Returns::Result { .. } => call,
        Returns::Plain(_) => quote!(::core::result::Result::<_, __Error>::Ok(#call)),
    };
    let hold = (!model.injected.is_empty()).then(|| {
        let set = names::resource_set(&model.injected);
        quote!(let held = #private::hold::<#set>().await?;)
    });
    let guarded = names::guarded(
        name,
        &quote!(async move { #hold #private::fetched::<_, _, __Value, __Error>(#outcome) }),
        private,
    );
    quote! {
        fn __fetch(key: __Key #(#skipped)*) -> #private::Fetch {
            #guarded
        }
    }
}

fn skipped_name(argument: &Argument) -> Ident {
    format_ident!("__{}", names::text(&argument.name))
}

/// The cache, which is a resource if the function is called without arguments.
fn place(model: &Model, private: &TokenStream) -> TokenStream {
    let name = &model.seen.ident;
    let is_resource = !model.is_keyed() && model.skipped().is_empty();
    let depth = names::depth(&model.injected, private);
    let (depth, resource) = match is_resource {
        true => (
            quote!(<#name as #private::Resource>::DEPTH_UNLESS_CIRCULAR),
            names::resource(name, private, &quote!(__Place), &quote!(&__PLACE), &depth),
        ),
        false => (depth, TokenStream::new()),
    };
    let policy = policy(model, &depth, private);
    let facts = quote!(#private::facts!(__Value, __Error));
    let new = match (model.is_keyed(), is_resource) {
        (true, _) => {
            let max = model.options.max_entries.as_ref().map_or(1000, |(number, _)| *number);
            let max = proc_macro2::Literal::u64_unsuffixed(max);
            quote!(#private::Keyed::keyed(#policy, #facts, #max, || &__PLACE))
        }
        (false, true) => quote! {
            #private::Unkeyed::unkeyed(#policy, #facts, ::core::option::Option::Some(#name::__fetch), || &__PLACE)
        },
        (false, false) => quote! {
            #private::Unkeyed::unkeyed(#policy, #facts, ::core::option::Option::None, || &__PLACE)
        },
    };
    quote! {
        static __PLACE: __Place = #new;
        #resource
    }
}

/// The options that differ from the default, as calls of the builder.
fn policy(model: &Model, depth: &TokenStream, private: &TokenStream) -> TokenStream {
    let options = &model.options;
    let text = names::text(&model.seen.ident);
    let ttl = names::duration(options.ttl, private);
    let set = |method: &str, duration: Option<std::time::Duration>| {
        let (method, duration) = (names::ours(method), names::duration(duration?, private));
        Some(quote!(.#method(#duration)))
    };
    let revalidate = set("stale_while_revalidate", options.stale_while_revalidate);
    let stale = set("stale_if_error", options.stale_if_error.as_ref().map(|(window, _)| *window));
    let negative = set("negative_ttl", options.negative_ttl.as_ref().map(|(ttl, _)| *ttl));
    let timeout = set("timeout", options.timeout.as_ref().map(|(limit, _)| *limit));
    let jitter = options.jitter.map(|percent| quote!(.jitter(#percent)));
    quote!(#private::Policy::new(#text, #depth, #ttl) #revalidate #stale #negative #jitter #timeout)
}
