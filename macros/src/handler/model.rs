//! A handler without faults: the input of its expansion.

use syn::{PatType, ReturnType, Signature, Type};

use super::args::Options;
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{Function, Item, Returns, argument_of, peeled};
use crate::{audit, lints, signature, types};

pub(crate) struct Model {
    pub(super) options: Options,
    /// With its attributes, but without those of its parameters.
    pub(super) function: Function,
    pub(super) returns: Returns,
    pub(super) event: EventParam,
    pub(super) context: bool,
    pub(super) injected: Vec<Injected>,
}

/// The first parameter.
pub(super) enum EventParam {
    /// The payload.
    Payload(Type),
    /// A `LambdaEvent<T>`: the payload and the context.
    Whole(Type),
    /// No parameter: any event is accepted.
    None,
    /// `http`: the request.
    Request,
    /// `http`: the function takes resources alone and returns a service.
    Service,
}

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        let serves = options.http.is_some() && returns_service(&item);
        let attribute = match serves {
            true => lints::Attribute::Init, // it runs in INIT
            false => lints::Attribute::Handler { streams: options.streaming },
        };
        let faults = lints::check(attribute, &item, &options.allow, diag);
        let mut function = match item {
            Item::Fn(function) => function,
            Item::Static(item) => {
                diag.error(
                    &item.ident,
                    "`#[handler]` requires a function",
                    "it is called once per event",
                    "put `#[handler]` on an `async fn`",
                );
                return None;
            }
        };
        audit::check(&function.sig.ident, &function.body.stream(), diag);
        if !serves {
            lints::check_globals(&mut function, &options.allow, &options.krate);
        }
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine =
            signature::check_signature(&checked_signature(&function.sig, &options), true, diag);
        fine &= !lints::is_compile_error(&faults);
        let name = &function.sig.ident;
        if name == "main" {
            diag.error(
                name,
                "the handler cannot be `main`",
                "`main` starts the process, and tests call the handler by its own name",
                "rename it, and add `fn main() -> std::process::ExitCode { name::run() }`",
            );
            fine = false;
        }
        if function.sig.asyncness.is_none() && !serves {
            diag.error(
                &function.sig.fn_token,
                "a handler must be an `async fn`",
                "it is cancelled before Lambda's deadline, and only a future can be cancelled",
                "write `async fn`",
            );
            fine = false;
        }
        signature::no_skip(&params, diag);
        let mut params = params.into_iter().peekable();
        let event = match (serves, options.http.is_some()) {
            (true, _) => Some(EventParam::Service),
            (false, true) => params.next().and_then(|param| request(param, diag)),
            (false, false) => {
                params.next().map_or(Some(EventParam::None), |param| event(param, diag))
            }
        };
        fine &= event.is_some();
        let context = params.next_if(|param| !serves && is_context(param)).is_some();
        let mut injected = Vec::new();
        for param in params {
            if is_context(param) {
                let (what, help) = match (serves, context) {
                    (true, _) => (
                        "a function that returns a service cannot take a `Context`",
                        "take the request first, and the `Context` second",
                    ),
                    (_, true) => ("a handler takes one `Context`", "remove one of them"),
                    _ => ("the `Context` must be the second parameter", "move it behind the event"),
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

/// True if a parameter takes Lambda's context. With `#[from]` it is a resource, whatever the name
/// of its type.
fn is_context(param: &PatType) -> bool {
    types::ends_in(&param.ty, "Context") && signature::from_attribute(param).is_none()
}

/// True if a function under `http` returns a service: it does not take the request.
fn returns_service(item: &Item) -> bool {
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

/// The signature to check. The return type of an HTTP or streaming handler may be an `impl Trait`,
/// since no generated code names it.
fn checked_signature(sig: &Signature, options: &Options) -> Signature {
    let mut sig = sig.clone();
    let is_unnamed = options.http.is_some() || options.streaming;
    if matches!(&sig.output, ReturnType::Type(_, ty) if is_unnamed && types::hidden(ty).is_some()) {
        sig.output = ReturnType::Default;
    }
    sig
}

fn request(param: &PatType, diag: &mut Diag) -> Option<EventParam> {
    match event(param, diag)? {
        EventParam::Payload(_) => Some(EventParam::Request),
        _ => {
            diag.error(
                &param.ty,
                "the first parameter of an HTTP handler must be the request",
                "the event is converted into a request before the handler is called",
                "take a `rewarm::http::Request`, and a `Context` as the second parameter",
            );
            None
        }
    }
}

fn event(param: &PatType, diag: &mut Diag) -> Option<EventParam> {
    if let Some(attr) = signature::from_attribute(param) {
        diag.error(
            attr,
            "the first parameter must be the event",
            "resources come after it",
            "take the event first; `serde_json::Value` takes any",
        );
        return None;
    }
    if is_context(param) && types::is_lambdas(&param.ty) {
        diag.error(
            &param.ty,
            "the first parameter must be the event",
            "the `Context` comes second",
            "take the event first; `serde_json::Value` takes any",
        );
        return None;
    }
    if let Type::Reference(reference) = peeled(&param.ty) {
        diag.error(
            reference,
            "the event must be taken by value",
            "the first parameter is the event, and resources come after it",
            "take a type that is `Deserialize`, or `serde_json::Value` for any event",
        );
        return None;
    }
    match argument_of(&param.ty, "LambdaEvent") {
        Some(payload) => Some(EventParam::Whole(payload.clone())),
        None => Some(EventParam::Payload(peeled(&param.ty).clone())),
    }
}
