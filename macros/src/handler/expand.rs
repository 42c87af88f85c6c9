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
    let event = event_type(&model.event, &private);
    let response = match model.options.streaming {
        true => quote!(#private::Stream),
        false => quote!(#private::Json),
    };
    let service = match &model.event {
        EventParam::Service => service(model),
        _ => TokenStream::new(),
    };
    let layers = model.options.layer.as_ref().map(|layer| layers(model, layer));
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
        #layers

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
    let service = matches!(model.event, EventParam::Service).then(|| quote!(__APP));
    let layers = model.options.layer.as_ref().map(|_| quote!(__LAYERED));
    let own: Vec<_> = service.into_iter().chain(layers).collect();
    let own = (!own.is_empty()).then(|| quote!(#private::Vec::from([#((&#own).entry()),*])));
    let all: Vec<_> = named.into_iter().chain(more).chain(own).collect();
    let all = match &*all {
        [] => return None,
        [one] => one.clone(),
        all => quote!([#(#all),*].concat()),
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
    model.context
        || model.options.layer.is_some()
        || !matches!(model.event, EventParam::Payload(_) | EventParam::None)
}

/// The body of `call`: from the event to the response.
fn call(model: &Model) -> TokenStream {
    let (private, krate) = (tokens::private(), &model.options.krate);
    match (&model.options.layer, &model.event) {
        (Some(_), EventParam::Request | EventParam::Service) => {
            return quote!((&__LAYERED).get().await?.serve(__event, __context).await);
        }
        (Some(_), _) => {
            let event = quote!(#krate::LambdaEvent::new(__event, __context));
            return quote!((&__LAYERED).get().await?.call(#event).await);
        }
        (None, EventParam::Service) => {
            return quote!((&__APP).get().await?.serve(__event, __context).await);
        }
        (None, _) => {}
    }
    let hold = injected::hold(&model.injected, &private, &ours("__held"));
    let (call, at) = called(model);
    let response = convert(model, at, &by(model, at, "respond"));
    let response = quote!(#call #response);
    let EventParam::Request = &model.event else {
        return quote!(#hold #response);
    };
    let send = match model.options.streaming {
        true => quote!(#private::http::serve_streaming),
        false => quote!(#private::http::serve),
    };
    let context = request_context(model);
    quote! {
        #hold
        #send(__event, __context, |__request| {
            #context
            async { #response }
        }).await
    }
}

/// Puts the `Result` of the function as written into the variable `__output`, with the span of its
/// return type.
fn called(model: &Model) -> (TokenStream, Span) {
    let private = tokens::private();
    let name = &model.function.sig.ident;
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
        EventParam::Request => Some(quote!(__request)),
        EventParam::None | EventParam::Service => None,
    };
    let context = model.context.then(|| quote!(__context));
    let resources = injected::arguments(&model.injected, &private, &ours("__held"));
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
    let output = output_at(at);
    (quote!(let #output = #call;), at)
}

/// The variable for the context of a request, if the function takes it.
fn request_context(model: &Model) -> Option<TokenStream> {
    let private = tokens::private();
    model.context.then(|| quote!(let __context = #private::http::context(&__request);))
}

/// The function of the runtime that makes the response of a `Result`. A type without the bound of a
/// response is reported at this span. `respond` is the one for an HTTP response that is not streamed.
fn by(model: &Model, at: Span, respond: &str) -> TokenStream {
    let private = tokens::private();
    let respond = Ident::new(respond, at);
    match (&model.event, model.options.streaming) {
        (EventParam::Request | EventParam::Service, false) => {
            quote_spanned!(at=> #private::http::#respond)
        }
        (EventParam::Request | EventParam::Service, true) => {
            quote_spanned!(at=> #private::http::respond_stream)
        }
        (_, false) => quote_spanned!(at=> #private::json),
        (_, true) => quote_spanned!(at=> #private::stream),
    }
}

/// Converts the `Result` in the variable `__output` by a function of the runtime, which gets the
/// conversion of its error.
fn convert(model: &Model, at: Span, by: &TokenStream) -> TokenStream {
    let output = output_at(at);
    let private = tokens::at(&tokens::private(), at);
    let convert = quote_spanned!(at=> #private::error_of(&#output).convert());
    let convert_body = match (&model.event, model.options.streaming) {
        (EventParam::Request | EventParam::Service, _) | (_, false) => None,
        (_, true) => Some(convert_each(&private, at)),
    };
    quote! {
        let __convert = #convert;
        #by(#output, __convert, #convert_body)
    }
}

/// The variable for a `Result`. What has no bound of ours is reported where the user wrote it.
fn output_at(at: Span) -> Ident {
    Ident::new("__output", ours_at(at))
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
fn service(model: &Model) -> TokenStream {
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
    let guard = quote_spanned!(name.span()=> #private::a_guard_is_held_across_await);
    let (ty, app) = app(model, at, "Returned", "respond");
    // A function without `.await` opened no connection that a restore could break.
    let restore = (!awaits).then(|| quote!(.restore(#private::Restore::Keep)));
    quote! {
        static __APP: #private::Cell<#ty> = #private::Cell::new(
            #private::Spec::waiting(#text, #depth, #private::entries::<__Needs>, || #guard(async {
                #[allow(unused_imports)]
                use #private::services::*;
                #hold
                let __service = #made;
                #app
            })) #restore,
            || &__APP,
        );

        #private::register!(__ENTRY = __APP, in "");
    }
}

/// The layers around the handler: a resource of the container that is built from no other.
fn layers(model: &Model, layer: &syn::Path) -> TokenStream {
    let (private, krate) = (tokens::private(), &model.options.krate);
    let at = layer.span();
    let text = layer.segments.last().map_or_else(String::new, |last| tokens::text(&last.ident));
    let hold = injected::hold(&model.injected, &private, &ours("__held"));
    let (call, returned_at) = called(model);
    let respond = |by| {
        let response = convert(model, returned_at, by);
        quote!(#call #response)
    };
    let (request, work) = match (&model.event, model.options.streaming) {
        (EventParam::Service, false) => {
            let response = quote!((&__APP).get().await?.call(__request).await);
            (quote!(__request), quote!(#private::http::read(#response).await))
        }
        (EventParam::Service, true) => {
            (quote!(__request), quote!((&__APP).get().await?.call(__request).await))
        }
        (EventParam::Request, streams) => {
            let (context, response) = (request_context(model), respond(&by(model, at, "respond")));
            let response = match streams {
                true => response,
                false => quote!(#private::http::read({ #response }).await),
            };
            (quote!(__request), quote!(#context #hold #response))
        }
        (_, streams) => {
            let by = match streams {
                true => by(model, returned_at, "respond"),
                false => quote!(::core::result::Result::map_err),
            };
            let response = respond(&by);
            let parts =
                quote!(let (__event, __context) = #krate::LambdaEvent::into_parts(__event););
            (quote!(__event), quote!(#parts #hold #response))
        }
    };
    let name = model.function.sig.ident.span();
    let guard = quote_spanned!(ours_at(name)=> #private::a_guard_is_held_across_await);
    let (ty, app) = app(model, at, "Layered", "respond_layered");
    let made = quote_spanned!(at=> #layer());
    let work = quote!(#guard(async move { #work }));
    // With one span, so that a type that is no layer is reported once.
    let around = quote_spanned! {ours_at(at)=>
        let __next = #private::next(|#request| #work);
        let __layer = #made;
        let __service = (&&#private::layer_of(&__layer)).around(&__layer, __next);
    };
    quote! {
        static __LAYERED: #private::Cell<#ty> = #private::Cell::new(
            #private::Spec::computing(#text, || {
                #[allow(unused_imports)]
                use #private::services::*;
                #around
                #app
            })
            .restore(#private::Restore::Keep),
            || &__LAYERED,
        );

        #private::register!(__LAYERS = __LAYERED, in "");
    }
}

/// The type of the `App` of a handler, and the `App` that is made of the variable `__service`.
fn app(model: &Model, at: Span, kind: &str, respond: &str) -> (TokenStream, TokenStream) {
    let (private, krate, kind) = (tokens::private(), &model.options.krate, ours(kind));
    let (request, response) = match (&model.event, model.options.streaming) {
        (EventParam::Request | EventParam::Service, false) => {
            (quote!(#private::http::Request), quote!(#private::http::Whole))
        }
        (EventParam::Request | EventParam::Service, true) => {
            (quote!(#private::http::Request), quote!(#private::http::Streaming))
        }
        (event, streams) => {
            let event = event_type(event, &private);
            let response = if streams { quote!(Stream) } else { quote!(Json) };
            (quote!(#krate::LambdaEvent<#event>), quote!(#private::#response))
        }
    };
    let ty = quote!(#private::App<#request, #response>);
    let at = ours_at(at);
    let (output, finish) = (output_at(at), convert(model, at, &by(model, at, respond)));
    let of = quote_spanned!(at=> #private::service_of::<#private::#kind, #request, _>(&__service));
    let made = quote_spanned!(at=> (&&&&&#of).app(__service, |#output| { #finish }));
    let made = quote!(#private::built::<#ty>(#made));
    (ty, made)
}

/// The type of the events that are deserialized.
fn event_type(event: &EventParam, private: &TokenStream) -> TokenStream {
    match event {
        EventParam::Payload(ty) | EventParam::Whole(ty) => quote!(#ty),
        EventParam::None => quote!(#private::IgnoredAny),
        EventParam::Request | EventParam::Service => quote!(#private::http::Event),
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
