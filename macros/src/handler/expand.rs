//! The code of a handler: the function as it was written, and a type of the same name that runs it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::emf::{Dimension, Emf};
use super::model::{Event, Model};
use crate::item::Returns;
use crate::names::{self, ours};

pub(super) fn expand(model: &Model) -> TokenStream {
    let krate = &model.options.krate;
    let private = quote!(#krate::private);
    let (allow, function) = (names::allow(), &model.function);
    let (vis, name) = (&function.vis, &function.sig.ident);
    let text = names::text(name);
    let about = format!("Runs the handler `{text}`.");

    let event_type = match &model.event {
        Event::Payload(ty) | Event::Whole(ty) => quote!(#ty),
        Event::None => quote!(#private::IgnoredAny),
    };
    let held = ours("__held");
    let resources = names::arguments(&model.injected, &private, &held);
    let event = match &model.event {
        Event::Payload(_) => Some(quote!(__event.payload)),
        Event::Whole(_) if model.context => Some(quote!(__event.clone())),
        Event::Whole(_) => Some(quote!(__event)),
        Event::None => None,
    };
    let context = model.context.then(|| quote!(__event.context));
    let arguments = event.into_iter().chain(context).chain(resources);
    let call = quote!(#name(#(#arguments),*).await);
    let (answer, error, call) = match &model.returns {
        Returns::Result { whole, ok } => {
            (quote!(#ok), quote_spanned!(whole.span()=> <#whole as #private::IsResult>::Err), call)
        }
        Returns::Plain(ty) => {
            (quote!(#ty), quote!(#private::Infallible), quote!(::core::result::Result::Ok(#call)))
        }
    };
    let not_a_result = match &model.returns {
        Returns::Plain(ty) => names::not_a_result(ty, &private),
        Returns::Result { .. } => TokenStream::new(),
    };
    let hold = (!model.injected.is_empty()).then(|| {
        let set = names::resource_set(&model.injected);
        quote!(let #held = #private::hold::<#set>().await?;)
    });
    let spec = {
        let margin = model.options.deadline_margin.map(|margin| {
            let margin = names::duration(margin, &private);
            quote!(.deadline_margin(#margin))
        });
        let every = model.options.report_every.map(|every| quote!(.report_every(#every)));
        let emf = model.options.emf.as_ref().map(|emf| emf_spec(emf, &private));
        let warmup = model.options.warmup.then(|| quote!(.warmup()));
        quote!(#private::HandlerSpec::DEFAULT.name(#text) #margin #every #emf #warmup)
    };
    // Named so that a future that is not `Send` is reported on the function's name.
    let at = Span::call_site().located_at(name.span());
    let function_call = quote_spanned! {at=>
        async fn call(
            __event: #krate::LambdaEvent<#event_type>,
        ) -> ::core::result::Result<::core::result::Result<#answer, #error>, #krate::ResourceError> {
            #hold
            ::core::result::Result::Ok(#call)
        }
    };
    quote! {
        #[allow(dead_code)]
        #function

        #[doc = #about]
        #allow
        #vis struct #name {}

        #allow
        const _: () = {
            #not_a_result

            impl #private::Handler for #name {
                const SPEC: #private::HandlerSpec = #spec;
                type Event = #event_type;
                type Answer = #answer;
                type Error = #error;
                #function_call
            }

            impl #name {
                /// Runs the function: under Lambda, or on the command line.
                #vis fn run() -> #private::ExitCode {
                    #private::run::<Self>()
                }
                /// The function as a `tower::Service`.
                #vis fn service() -> #private::Service<Self> {
                    #private::service()
                }
                #private::container!(#vis fn);
            }
        };
    }
}

fn emf_spec(emf: &Emf, private: &TokenStream) -> TokenStream {
    let namespace = &emf.namespace;
    let dimensions = emf.dimensions.iter().map(|dimension| match dimension {
        Dimension::Known(variant) => {
            let variant = proc_macro2::Ident::new(variant, Span::call_site());
            quote!(#private::Dimension::#variant)
        }
        Dimension::Is(name, value) => quote!(#private::Dimension::Is(#name, #value)),
    });
    quote!(.emf(#namespace, &[#(#dimensions),*]))
}
