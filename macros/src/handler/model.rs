//! A handler, as far as its expansion goes.

use syn::{PatType, Type};

use super::args::Options;
use crate::diag::Diag;
use crate::item::{Function, Item, Returns};
use crate::lints;
use crate::names::{self, Injected};

pub(crate) struct Model {
    pub(super) options: Options,
    /// With its own attributes, and without those of its parameters.
    pub(super) function: Function,
    pub(super) returns: Returns,
    pub(super) event: Event,
    pub(super) context: bool,
    pub(super) injected: Vec<Injected>,
}

/// The first parameter.
pub(super) enum Event {
    /// The payload.
    Payload(Type),
    /// `LambdaEvent<T>`: payload and context.
    Whole(Type),
    /// There is none: whatever comes is not looked at.
    None,
}

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        lints::check(lints::Attribute::Handler, &item, &options.allow, diag);
        let mut function = match item {
            Item::Fn(function) => function,
            Item::Static(item) => {
                diag.error(
                    &item.ident,
                    "a static cannot answer events",
                    "",
                    "put `#[handler]` on an `async fn`",
                );
                return None;
            }
        };
        let params = names::parameters(&function.sig, diag)?;
        let mut fine = names::check_signature(&function.sig, diag);
        let name = &function.sig.ident;
        if name == "main" {
            diag.error(
                name,
                "the handler cannot be `main`",
                "tests have to be able to call it",
                "name it after what it does, and add `fn main() -> std::process::ExitCode { name::run() }`",
            );
            fine = false;
        }
        if function.sig.asyncness.is_none() {
            diag.error(
                &function.sig.fn_token,
                "a handler is an `async fn`",
                "it has to be cancelled ahead of Lambda's deadline, which only what awaits can be",
                "write `async fn`",
            );
            fine = false;
        }
        names::no_skip(&params, diag);
        let mut params = params.into_iter().peekable();
        let event = match params.next() {
            None => Event::None,
            Some(param) => match event(param, diag) {
                Some(event) => event,
                None => {
                    fine = false;
                    Event::None
                }
            },
        };
        // With `#[from]` it is a resource, whatever its type is called.
        let is_context = |param: &&PatType| {
            names::ends_in(&param.ty, "Context") && names::from_attribute(param).is_none()
        };
        let context = params.next_if(is_context).is_some();
        let mut injected = Vec::new();
        for param in params {
            match Injected::read(param, diag) {
                Some(param) => injected.push(param),
                None => fine = false,
            }
        }
        if !fine {
            return None;
        }
        function.sig = names::plain_signature(&function.sig);
        Some(Self {
            returns: Returns::of(&function.sig.output),
            options,
            function,
            event,
            context,
            injected,
        })
    }
}

fn event(param: &PatType, diag: &mut Diag) -> Option<Event> {
    if let Some(attr) = names::from_attribute(param) {
        diag.error(
            attr,
            "the first parameter is the event",
            "resources come after it",
            "take the event first; `serde_json::Value` is any",
        );
        return None;
    }
    if let Type::Reference(reference) = &*param.ty {
        diag.error(
            reference,
            "the event is given away, not lent",
            "the first parameter is the event, and resources come after it",
            "take it by value: a type that is `Deserialize`, or `serde_json::Value` for any",
        );
        return None;
    }
    if let Type::Path(path) = &*param.ty {
        if let Some(last) = path.path.segments.last().filter(|last| last.ident == "LambdaEvent") {
            if let syn::PathArguments::AngleBracketed(args) = &last.arguments {
                if let Some(syn::GenericArgument::Type(payload)) = args.args.first() {
                    return Some(Event::Whole(payload.clone()));
                }
            }
        }
    }
    Some(Event::Payload((*param.ty).clone()))
}
