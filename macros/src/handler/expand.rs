//! The code of a handler: the function as it was written, and a type of the same name that runs it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use super::emf::{Dimension, Emf};
use super::model::{EventParam, Model};
use crate::fallback;
use crate::item::Returns;
use crate::tokens::{self, ours, ours_at, quote};
use crate::{injected, parts, types};

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let (allow, private) = (tokens::allow(), tokens::private());
    let function = &model.function;
    let (vis, name) = (&function.vis, &function.sig.ident);
    let about = format!("Runs the handler `{}`.", tokens::text(name));
    let output = named_output(model).map(|ty| {
        let is_no_result = tokens::is_no_result("not_a_result", ty, &private);
        let ty = tokens::fitting(&is_no_result, ty, &private);
        quote!(type __Output = #ty;)
    });
    let serves = matches!(model.event, EventParam::Service);
    let needs =
        (serves || !model.injected.is_empty()).then(|| injected::needs(&model.injected, &private));
    let (seen, needs) = if model.injected.is_empty() { (None, needs) } else { (needs, None) };
    let spec = spec(model);
    let resources = resources(model, &private);
    let event = match &model.event {
        EventParam::Payload(ty) | EventParam::Whole(ty) => quote!(#ty),
        EventParam::None => quote!(#private::IgnoredAny),
        EventParam::Request | EventParam::Service => quote!(#private::http::Event),
    };
    let response = match model.options.streaming {
        true => quote!(#private::Stream),
        false => quote!(#private::Json),
    };
    let service = match &model.event {
        EventParam::Service => service(model, &response),
        _ => TokenStream::new(),
    };
    let (given, context) = match takes_context(model) {
        true => (quote!(__context), quote!(#krate::Context)),
        false => (quote!(()), quote!(())),
    };
    let call = call(model);
    // With the span of the name, where a future that is not `Send` is reported.
    let at = ours_at(name.span());
    let call = quote_spanned! {at=>
        async fn call(
            __event: #event,
            #given: #context,
        ) -> ::core::result::Result<#response, #krate::InvocationError> {
            #call
        }
    };
    let handler = quote! {
        #[allow(unused_imports)]
        use #private::{ByDiagnostic as _, ByReport as _};
        #output
        #needs
        #service

        impl #private::Handler for #name {
            const SPEC: #private::HandlerSpec = #spec;
            type Event = #event;
            type Context = #context;
            type Response = #response;
            #resources
            #call
        }

        impl #name {
            /// Runs the handler, in Lambda or on the command line.
            #vis fn run() -> #private::ExitCode {
                #private::run::<Self>()
            }
            /// Returns the handler as a `tower::Service`.
            #vis fn service() -> #private::Service<Self> {
                #private::service()
            }
            #private::container!(#vis fn);
        }
    };
    let attrs = &function.attrs;
    let handler = parts::block(attrs, krate, seen.as_ref(), &handler);
    let type_of = parts::type_of(attrs, vis, name, &about);
    let handler = match &model.options.http {
        None => handler,
        Some(http) => {
            let run = fallback::run(vis, name, krate);
            quote_spanned!(http.span()=> #krate::private::with_http! { { #handler } { #allow #run } })
        }
    };
    let allow_in_written = parts::allow_in_written(&function.sig, &syn::Visibility::Inherited);
    quote! {
        #[allow(dead_code, #allow_in_written)]
        #function

        #type_of

        #handler
    }
}

/// The resources that INIT builds for the handler, if it names any.
fn resources(model: &Model, private: &TokenStream) -> Option<TokenStream> {
    let init: Vec<_> = model.options.init.iter().collect();
    let named = (!model.injected.is_empty()).then(|| quote!(#private::entries::<__Needs>()));
    let more = (!init.is_empty()).then(|| {
        let set = injected::set("__Init", &init, private);
        quote!({ #set #private::entries::<__Init>() })
    });
    if named.is_none() && more.is_none() {
        return None;
    }
    let all = match (named, more) {
        (Some(named), Some(more)) => quote!([#named, #more].concat()),
        (named, more) => quote!(#named #more),
    };
    Some(quote! {
        fn resources() -> #private::Vec<&'static dyn #private::RegistryEntry> {
            #all
        }
    })
}

/// The options that differ from the default, as calls of the builder.
fn spec(model: &Model) -> TokenStream {
    let private = tokens::private();
    let options = &model.options;
    let margin =
        tokens::set_duration("deadline_margin", options.deadline_margin.as_ref(), &private);
    let every = options.report_every.map(|every| quote!(.report_every(#every)));
    let emf = options.emf.as_ref().map(|emf| emf_spec(emf, &private));
    let warmup = options.warmup.as_ref().map(|held| {
        let held = held.as_ref().map_or(std::time::Duration::ZERO, |(held, _)| *held);
        let held = tokens::duration(held, &private);
        quote!(.warmup(#held))
    });
    let rule = options.warmup_rule.as_ref().map(|rule| quote!(.warmup_rule(#rule)));
    let http = options.http.is_some().then(|| quote!(.http()));
    let name = tokens::text(&model.function.sig.ident);
    quote!(#private::HandlerSpec::new(#name, ::core::module_path!()) #margin #every #emf #warmup #rule #http)
}

/// True if the call uses the context of the invocation.
fn takes_context(model: &Model) -> bool {
    model.context || !matches!(model.event, EventParam::Payload(_) | EventParam::None)
}

/// The body of `call`: from the event to the response.
fn call(model: &Model) -> TokenStream {
    let private = tokens::private();
    let name = &model.function.sig.ident;
    let (held, output) = (ours("__held"), ours("__output"));
    let hold = injected::hold(&model.injected, &private, &held);
    let event = match &model.event {
        EventParam::Payload(_) => Some(quote!(__event)),
        EventParam::Whole(_) => {
            let krate = &model.options.krate;
            let context = if model.context {
                quote!(::core::clone::Clone::clone(&__context))
            } else {
                quote!(__context)
            };
            Some(quote!(#krate::LambdaEvent::new(__event, #context)))
        }
        EventParam::None => None,
        EventParam::Request => Some(quote!(__request)),
        EventParam::Service => {
            return quote!((&__APP).get().await?.serve(__event, __context).await);
        }
    };
    let context = model.context.then(|| quote!(__context));
    let resources = injected::arguments(&model.injected, &private, &held);
    let arguments = event.into_iter().chain(context).chain(resources);
    let call = quote!(#name(#(#arguments),*).await);
    let (call, at) = match &model.returns {
        Returns::Result { whole, .. } => (call, whole.span()),
        Returns::Plain(ty) => {
            let ty_of_ok = named_output(model).map_or_else(|| quote!(_), |_| quote!(__Output));
            let ok = quote!(::core::result::Result::Ok::<#ty_of_ok, #private::Infallible>);
            (quote!(#ok(#call)), ty.span())
        }
    };
    // A return type without the bound of a response is reported where the user wrote it.
    let output = Ident::new(&output.to_string(), ours_at(at));
    let response = match (&model.event, model.options.streaming) {
        (EventParam::Request, false) => quote_spanned!(at=> #private::http::respond),
        (EventParam::Request, true) => quote_spanned!(at=> #private::http::respond_stream),
        (_, false) => quote_spanned!(at=> #private::json),
        (_, true) => quote_spanned!(at=> #private::stream),
    };
    // Also for an error without a bound of ours.
    let private_at = tokens::at(&private, at);
    let convert = quote_spanned!(at=> #private_at::error_of(&#output).convert());
    let convert_body = match (&model.event, model.options.streaming) {
        (EventParam::Request, _) | (_, false) => None,
        (_, true) => Some(convert_each(&private_at, at)),
    };
    let response = quote! {
        let #output = #call;
        let __convert = #convert;
        #response(#output, __convert, #convert_body)
    };
    let EventParam::Request = &model.event else {
        return quote!(#hold #response);
    };
    let send = match model.options.streaming {
        true => quote!(#private::http::serve_streaming),
        false => quote!(#private::http::serve),
    };
    let context =
        model.context.then(|| quote!(let __context = #private::http::context(&__request);));
    quote! {
        #hold
        #send(__event, __context, |__request| {
            #context
            async { #response }
        }).await
    }
}

/// A conversion of errors of a type that the compiler infers.
fn convert_each(private: &TokenStream, at: Span) -> TokenStream {
    let error = Ident::new("__error", ours_at(at));
    quote_spanned!(at=> |#error| #private::error_type(&#error).convert()(#error))
}

/// The return type, if it has a name and is not written as a `Result`.
fn named_output(model: &Model) -> Option<&syn::Type> {
    match &model.returns {
        Returns::Plain(ty) if types::hidden(ty).is_none() => Some(ty),
        _ => None,
    }
}

/// The service that the function returns: a resource of the container, built again after one of the
/// resources that it was built from.
fn service(model: &Model, response: &TokenStream) -> TokenStream {
    let private = tokens::private();
    let (name, held) = (&model.function.sig.ident, ours("__held"));
    let text = tokens::text(name);
    let depth = injected::depth(&injected::resources(&model.injected), &private);
    let hold = injected::hold(&model.injected, &private, &held);
    let arguments = injected::arguments(&model.injected, &private, &held);
    let call = quote!(#name(#(#arguments),*));
    let awaits = model.function.sig.asyncness.is_some();
    let call = if awaits { quote!(#call.await) } else { call };
    let (made, at) = match &model.returns {
        Returns::Result { whole, .. } => {
            let report = quote_spanned!(whole.span()=> #private::Reportable::report);
            (quote!(#call.map_err(#report)?), whole.span())
        }
        Returns::Plain(ty) => (call, ty.span()),
    };
    let guard = quote_spanned!(name.span()=> #private::guard_across_await);
    let service = Ident::new("__service", ours_at(at));
    let convert = convert_each(&tokens::at(&private, at), at);
    let app = quote_spanned!(at=> #private::http::App::<#response>::new(#service, #convert));
    // A function without `.await` opened no connection that a restore could break.
    let restore = (!awaits).then(|| quote!(.restore(#private::Restore::Keep)));
    quote! {
        static __APP: #private::Cell<#private::http::App<#response>> = #private::Cell::new(
            #private::Spec::waiting(#text, #depth, #private::entries::<__Needs>, || #guard(async {
                #hold
                let #service = #made;
                #private::built(#app)
            })) #restore,
            || &__APP,
        );

        #private::register!(__ENTRY = __APP);
    }
}

fn emf_spec(emf: &Emf, private: &TokenStream) -> TokenStream {
    let namespace = &emf.namespace;
    let dimensions = emf.dimensions.iter().map(|dimension| match dimension {
        Dimension::Known(variant) => {
            let variant = ours(variant);
            quote!(#private::Dimension::#variant)
        }
        Dimension::Is(name, value) => quote!(#private::Dimension::Is(#name, #value)),
    });
    quote!(.emf(#namespace, &[#(#dimensions),*]))
}
