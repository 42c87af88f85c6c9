//! The code of a resource: an accessor (or the static), a type with its controls, and its storage
//! in the container.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Path, ReturnType, Signature};

use super::args::{Options, Restore};
use super::model::{Model, Source};
use crate::injected::{self, Injected};
use crate::item::{Function, Returns};
use crate::tokens::{self, ours, ours_at, quote};
use crate::{item_attributes, parts};

pub(super) fn expand(model: &Model) -> TokenStream {
    match &model.source {
        Source::Fn { function, returns, injected } => {
            of_function(model, function, returns, injected)
        }
        Source::Static { init, awaits: true } => of_waiting_static(model, init),
        Source::Static { init, awaits: false } => of_static(model, init),
    }
}

/// A function: an accessor of the same name reads a `Cell`.
fn of_function(
    model: &Model,
    function: &Function,
    returns: &Returns,
    injected: &[Injected],
) -> TokenStream {
    let Model { attrs, vis, name, value, options: Options { krate, .. }, .. } = model;
    let (text, private) = (tokens::text(name), tokens::private());
    let (asyncness, awaits) = (&function.sig.asyncness, function.sig.asyncness.is_some());
    let held = ours("__held");
    let arguments = injected::arguments(injected, &private, &held);
    let wait = if awaits { quote!(.await) } else { TokenStream::new() };
    // An error type without `Into<BoxError>` is reported where the user wrote it.
    let at = ours_at(returns.error_span());
    let private_at = tokens::at(&private, at);
    let build = match returns {
        Returns::Result { .. } => quote_spanned!(at=> #private_at::built_or::<__Kept, _>),
        Returns::Plain(_) => quote_spanned!(at=> #private_at::built::<__Kept>),
    };
    let wait = tokens::at(&wait, at);
    let written = parts::path_of_written(name, &private_at, at);
    let built = quote_spanned!(at=> #build(#written(#(#arguments),*) #wait));
    let takes = !injected.is_empty();
    let needs = (awaits || takes).then(|| injected::needs(injected, &private));
    let (seen, needs) = if takes { (needs, None) } else { (None, needs) };
    let (new, build) = if awaits {
        let hold = injected::hold(injected, &private, &held);
        ("waiting", waiting(model, &quote!(#hold #built), &private))
    } else {
        let with_resources = quote!(#private::with_resources::<__Needs>);
        ("computing_from", quote!(|__hold| #with_resources(__hold, |#held| #built)))
    };
    let spec = if awaits || takes {
        let new = ours(new);
        quote! {
            #private::Spec::#new(
                #text,
                <#name as #private::Resource>::A_RESOURCE_NEEDS_ITSELF,
                #private::entries::<__Needs>,
                #build,
            )
        }
    } else {
        quote!(#private::Spec::computing(#text, || #built))
    };
    let lent = quote!(#private::lent::<__Kept>(__value));
    let options = options(model, &lent, &private);
    let kept = kept(model, &private);
    let storage = quote! {
        type __Kept = #kept;
        type __Storage = #private::Cell<__Kept>;
        #needs
        static __STORAGE: __Storage = #private::Cell::new(#spec #options, || &__STORAGE);
    };

    let storage_of = quote!(<#name as #krate::private::Resource>::storage());
    let get = match awaits {
        true => tokens::now_or_later(
            &quote!(#storage_of.now_or_later()),
            &quote!(::core::result::Result::Ok(__value)),
            &quote!(__later.await),
        ),
        false => quote!(#storage_of.get_blocking()),
    };
    let callers = item_attributes::for_callers(attrs);
    let allow_own_type = item_attributes::allow_own_type(attrs);
    let allow = parts::allow_in_written(&function.sig, vis);
    // It returns a `Result`, whatever the function returns.
    let allow_for_result = match returns {
        Returns::Result { .. } => None,
        Returns::Plain(_) => Some(quote!(, clippy::double_must_use, clippy::missing_errors_doc)),
    };
    let written = parts::written(function, krate);
    let mut body = Group::new(Delimiter::Brace, quote!(#written #get));
    body.set_span(function.body.span());
    let Signature { fn_token, output, paren_token, .. } = &function.sig;
    // Ends in the user's code, so that lints on the function do, too.
    let end = match output {
        ReturnType::Default => paren_token.span.close(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let end = quote_spanned!(end=> >);
    let accessor = quote! {
        #[allow(dead_code, clippy::implicit_return, #allow #allow_for_result)]
        #allow_own_type
        #(#callers)*
        #vis #asyncness #fn_token #name()
            -> ::core::result::Result<#krate::private::Arc<#value>, #krate::ResourceError #end
        #body
    };
    let depth = injected::depth(&injected::resources(injected), &private);
    let resource =
        injected::resource(name, &private, &quote!(__Storage), &quote!(&__STORAGE), &depth);
    let controls = controls(model, &quote!(__STORAGE), &private);
    let storage = quote!(#storage #resource #controls #private::register!(__ENTRY = __STORAGE););
    with_type(model, &accessor, seen.as_ref(), &storage)
}

/// A static whose initialiser awaits.
fn of_waiting_static(model: &Model, init: &TokenStream) -> TokenStream {
    let Model { name, value, options: Options { krate, .. }, .. } = model;
    let (text, outside) = (tokens::text(name), tokens::private_path(krate));
    let private = tokens::private();
    let build = waiting(model, &quote!(#name::__built(#init)), &outside);
    let options = options(model, &quote!(#outside::lent::<#value>(__value)), &outside);
    let cell = quote! {
        #outside::NeedsGetAwait::new(
            #outside::Spec::waiting(#text, 0, #outside::entries::<()>, #build) #options,
            || &#name,
        )
    };
    let accessor = declaration(model, &outside, &cell);
    let kept = kept(model, &private);
    let storage_type = quote!(#private::NeedsGetAwait<__Kept>);
    let resource = injected::resource(name, &private, &storage_type, &quote!(&#name), &quote!(0));
    let controls = controls(model, &quote!(#name), &private);
    let storage = quote! {
        type __Kept = #kept;
        #resource
        impl #name {
            fn __built(__value: #value) -> ::core::result::Result<#private::Erased, #private::BoxError> {
                #private::built::<__Kept>(__value)
            }
        }
        #controls
        #private::register!(__ENTRY = #name);
    };
    with_type(model, &accessor, None, &storage)
}

/// A static whose initialiser does not await: it derefs to the value.
fn of_static(model: &Model, init: &TokenStream) -> TokenStream {
    let Model { vis, name, value, options: Options { krate, .. }, .. } = model;
    let (text, outside) = (tokens::text(name), tokens::private_path(krate));
    let options = options(model, &quote!(&*#name), &outside);
    let fill = quote!((&#name).fill(#outside::fixed::<#value>(#init)));
    let cell = quote! {
        #outside::StaticCell::new(
            #outside::Spec::computing(#text, || #fill) #options,
            || &#name,
        )
    };
    let accessor = declaration(model, &outside, &cell);
    let private = tokens::private();
    let kept = kept(model, &private);
    let storage_type = quote!(#private::StaticCell<#kept>);
    let resource = injected::resource(name, &private, &storage_type, &quote!(&#name), &quote!(0));
    let storage = quote! {
        #resource
        impl #name {
            /// Returns the value if it is ready, without waiting.
            #vis fn get() -> ::core::option::Option<&'static #value> {
                (&#name).peek()
            }
        }
        #private::register!(__ENTRY = #name);
    };
    with_type(model, &accessor, None, &storage)
}

/// The declaration of a static. It begins and ends in the user's code, so that the compiler shows
/// that in lints.
fn declaration(model: &Model, outside: &TokenStream, init: &TokenStream) -> TokenStream {
    let Model { attrs, vis, name, value, .. } = model;
    let allow_own_type = item_attributes::allow_own_type(attrs);
    let keyword = quote_spanned!(name.span()=> static);
    let (outside, at) = (tokens::at(outside, value.span()), value.span());
    let ty = quote_spanned!(at=> <#name as #outside::Resource>::Storage);
    let end = quote_spanned!(at=> ;);
    quote! {
        #[allow(dead_code, unreachable_code)]
        #allow_own_type
        #(#attrs)*
        #vis #keyword #name: #ty = #init #end
    }
}

/// The accessor, the type of the same name, and the block with their items.
fn with_type(
    model: &Model,
    accessor: &TokenStream,
    seen: Option<&TokenStream>,
    ours: &TokenStream,
) -> TokenStream {
    let Model { attrs, vis, name, options: Options { krate, .. }, .. } = model;
    let about = format!("The controls of the resource `{}`.", tokens::text(name));
    let type_of = parts::type_of(attrs, vis, name, &about);
    let block = parts::block(attrs, krate, seen, ours);
    quote! {
        #accessor

        #type_of

        #block
    }
}

/// A closure that starts an attempt. A future that is not `Send` is reported on the name.
fn waiting(model: &Model, built: &TokenStream, private: &TokenStream) -> TokenStream {
    let guarded = tokens::guarded(&model.name, &quote!(async { #built }), private);
    quote!(|| #guarded)
}

/// The functions of the type that has the name of the resource.
fn controls(model: &Model, storage: &TokenStream, private: &TokenStream) -> TokenStream {
    let Model { vis, name, value, .. } = model;
    quote! {
        impl #name {
            /// Returns the value if it is ready, without waiting.
            #vis fn get() -> ::core::option::Option<#private::Arc<#value>> {
                (&#storage).peek()
            }
            /// Builds the next generation now and returns it.
            #vis async fn rebuild() -> ::core::result::Result<#private::Arc<#value>, #private::ResourceError> {
                (&#storage).rebuild().await
            }
        }
    }
}

/// The options that differ from the default, as calls of the builder.
///
/// `lent` is a reference to the value, for `check` and `close`.
fn options(model: &Model, lent: &TokenStream, private: &TokenStream) -> TokenStream {
    let options = &model.options;
    let set = |method, option: &Option<_>| tokens::set_duration(method, option.as_ref(), private);
    // With the span of the path, where the compiler reports a function of the wrong type.
    let call = |method: &str, path: &Option<Path>| {
        let path = path.as_ref()?;
        let (at, method) = (path.span(), Ident::new(method, path.span()));
        let (lent, private) = (tokens::at(lent, at), tokens::at(private, at));
        let value = ours("__value");
        Some(quote_spanned!(at=> .#method(|#value| #private::#method(#path(#lent)))))
    };
    let lazy = options.lazy.then(|| quote!(.lazy()));
    let timeout = set("timeout", &options.timeout);
    let retry_after = set("retry_after", &options.retry_after);
    let check = call("check", &options.check);
    let idle = set("idle", &options.idle);
    let close = call("close", &options.close);
    let restore = options.restore.as_ref().map(|(restore, _)| match restore {
        Restore::Keep => quote!(.restore(#private::Restore::Keep)),
        Restore::Check => quote!(.restore(#private::Restore::Check)),
        Restore::Rebuild => quote!(.restore(#private::Restore::Rebuild)),
    });
    quote!(#lazy #timeout #retry_after #check #idle #close #restore)
}

/// The type of the value, checked.
fn kept(model: &Model, private: &TokenStream) -> TokenStream {
    let value = &model.value;
    let shareable = tokens::require("shareable", value, private);
    let no_state = model.checks_state.then(|| {
        let no_state = tokens::no_state(value, &model.name, private);
        quote!(&& #no_state)
    });
    let by = match &model.source {
        Source::Fn { returns, .. } => match &**returns {
            Returns::Plain(_) => "not_a_result",
            Returns::Result { .. } => {
                return tokens::fitting(&quote!(#shareable #no_state), value, private);
            }
        },
        Source::Static { .. } => "no_result",
    };
    let is_no_result = tokens::is_no_result(by, value, private);
    tokens::fitting(&quote!(#is_no_result && #shareable #no_state), value, private)
}
