//! A handler, as far as its expansion goes.

use syn::{PatType, ReturnType, Signature, Type};

use super::args::Options;
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{argument_of, peeled, Function, Item, Returns};
use crate::lints;
use crate::{signature, types};

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
    /// `http`: the request.
    Request,
    /// `http`: the function is not called for events, but makes a service of its resources.
    Service,
}

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        let serves = options.http.is_some() && makes_service(&item);
        let attribute = match serves {
            true => lints::Attribute::Init, // which is when it runs
            false => lints::Attribute::Handler,
        };
        lints::check(attribute, &item, &options.allow, diag);
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
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine =
            signature::check_signature(&named_output(&function.sig, &options), true, diag);
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
        if function.sig.asyncness.is_none() && !serves {
            diag.error(
                &function.sig.fn_token,
                "a handler is an `async fn`",
                "it has to be cancelled ahead of Lambda's deadline, which only what awaits can be",
                "write `async fn`",
            );
            fine = false;
        }
        signature::no_skip(&params, diag);
        let mut params = params.into_iter().peekable();
        let event = match (serves, options.http.is_some()) {
            (true, _) => Some(Event::Service),
            (false, true) => params.next().and_then(|param| request(param, diag)),
            (false, false) => params.next().map_or(Some(Event::None), |param| event(param, diag)),
        };
        fine &= event.is_some();
        let context = params.next_if(|param| !serves && is_context(param)).is_some();
        let mut injected = Vec::new();
        for param in params {
            if is_context(param) {
                let (what, help) = match (serves, context) {
                    (true, _) => (
                        "a service is not made of a `Context`",
                        "take the request, and the `Context` second",
                    ),
                    (_, true) => ("a handler has one `Context`", "remove one of them"),
                    _ => ("the `Context` is the second parameter", "move it behind the event"),
                };
                let why = "every other parameter is filled by the resource of its name";
                diag.error(&param.ty, what, why, help);
                fine = false;
                continue;
            }
            match Injected::read(param, diag) {
                Some(param) => injected.push(param),
                None => fine = false,
            }
        }
        let (true, Some(event)) = (fine, event) else {
            return None;
        };
        function.sig = signature::plain_signature(&function.sig);
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

/// Whether a parameter takes Lambda's context. With `#[from]` it is a resource, whatever its type is
/// called.
fn is_context(param: &PatType) -> bool {
    types::ends_in(&param.ty, "Context") && signature::from_attribute(param).is_none()
}

/// Whether a function under `http` makes a service: it does not take the request.
fn makes_service(item: &Item) -> bool {
    let Item::Fn(function) = item else {
        return false;
    };
    match function.sig.inputs.first() {
        Some(syn::FnArg::Typed(param)) => {
            let ty = match peeled(&param.ty) {
                Type::Reference(reference) => &*reference.elem,
                ty => ty,
            };
            !types::ends_in(ty, "Request") && !types::ends_in(ty, "LambdaEvent")
        }
        _ => true,
    }
}

/// The signature without an `impl Trait` that nobody has to name: what goes out at once is not
/// kept.
fn named_output(sig: &Signature, options: &Options) -> Signature {
    let mut sig = sig.clone();
    let goes_out = options.http.is_some() || options.streaming;
    if matches!(&sig.output, ReturnType::Type(_, ty) if goes_out && types::hidden(ty).is_some()) {
        sig.output = ReturnType::Default;
    }
    sig
}

fn request(param: &PatType, diag: &mut Diag) -> Option<Event> {
    match event(param, diag)? {
        Event::Payload(_) => Some(Event::Request),
        _ => {
            diag.error(
                &param.ty,
                "an HTTP handler takes the request, not the event that it came in",
                "",
                "take a `rewarm::http::Request`, and a `Context` beside it",
            );
            None
        }
    }
}

fn event(param: &PatType, diag: &mut Diag) -> Option<Event> {
    if let Some(attr) = signature::from_attribute(param) {
        diag.error(
            attr,
            "the first parameter is the event",
            "resources come after it",
            "take the event first; `serde_json::Value` is any",
        );
        return None;
    }
    if is_context(param) && types::is_lambdas(&param.ty) {
        diag.error(
            &param.ty,
            "the first parameter is the event",
            "the `Context` comes second",
            "take the event first; `serde_json::Value` is any",
        );
        return None;
    }
    if let Type::Reference(reference) = peeled(&param.ty) {
        diag.error(
            reference,
            "the event is given away, not lent",
            "the first parameter is the event, and resources come after it",
            "take it by value: a type that is `Deserialize`, or `serde_json::Value` for any",
        );
        return None;
    }
    match argument_of(&param.ty, "LambdaEvent") {
        Some(payload) => Some(Event::Whole(payload.clone())),
        None => Some(Event::Payload(peeled(&param.ty).clone())),
    }
}
