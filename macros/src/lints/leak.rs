//! `leak`: memory that is leaked in code that runs for each event.

use syn::{Expr, ExprMethodCall, GenericArgument, Ident, Path, Type};

use super::body::{self, Body, Part};
use super::calls::{self, Calls};
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "leak", can_be_allowed: true, find };

pub(super) const WORDS: &[&str] = &["leak", "into_raw", "forget", "ManuallyDrop"];

const LEAKS: Calls = Calls {
    functions: &[
        "std::boxed::Box::leak",
        "std::boxed::Box::into_raw",
        "std::vec::Vec::leak",
        "std::string::String::leak",
        "std::mem::forget",
        "std::mem::ManuallyDrop::new",
    ],
    unmistakable: &[],
    what: "leaks memory each time this runs",
    why: "a container runs this thousands of times, until it is out of memory and Lambda kills it",
    help: "own the value, or share it with `Arc::new(value)`; build a value that has to live as \
           long as the container with `#[init]`",
};

/// Types with a method `leak`.
const LEAKED: &[&str] = &["std::string::String", "std::vec::Vec"];

/// Macros that return a `String` or a `Vec`.
const CREATING_MACROS: &[&str] = &["std::format", "std::vec"];

/// Methods that return a `String` or a `Vec` on every receiver.
const CREATING_METHODS: &[&str] = &[
    "to_owned",
    "to_string",
    "to_vec",
    "to_uppercase",
    "to_lowercase",
    "into_string",
    "into_bytes",
    "into_vec",
];

/// Methods that return a `String` or a `Vec` if their receiver is or holds one.
const PASSING_METHODS: &[&str] = &["clone", "unwrap", "expect", "unwrap_or_default"];

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    calls::find(body, found, &[LEAKS]);
    if body.attribute == Attribute::Init {
        return;
    }
    for part in &body.parts {
        // Any type may have a method of this name, so the receiver decides.
        if let Part::Expr(Expr::MethodCall(call), _) = part {
            if call.method == "leak" && call.args.is_empty() && is_leaked(&call.receiver, body) {
                LEAKS.report(&call.method, ".leak()", found);
            }
        }
    }
}

/// True for an expression or a variable that is certain to be a `String` or a `Vec`.
fn is_leaked(expr: &Expr, body: &Body<'_>) -> bool {
    match expr {
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| holds_one(name, body)),
        Expr::MethodCall(call) if call.method == "clone" => is_leaked(&call.receiver, body),
        expr => is_created(expr, body),
    }
}

/// True for a variable that is bound once in the body, to a `String` or a `Vec`.
fn holds_one(name: &Ident, body: &Body<'_>) -> bool {
    let one = body.variables.iter().find(|variable| variable.name == name);
    one.filter(|_| body.scope.is_bound_once(name)).is_some_and(|one| match one.ty {
        Some(ty) => is_leaked_type(ty, body),
        None => one.init.is_some_and(|init| is_created(init, body)),
    })
}

/// True for an expression that creates a `String` or a `Vec`.
fn is_created(expr: &Expr, body: &Body<'_>) -> bool {
    match expr {
        Expr::Paren(paren) => is_created(&paren.expr, body),
        Expr::Group(group) => is_created(&group.expr, body),
        Expr::Try(tried) => is_created(&tried.expr, body),
        Expr::Macro(mac) => body.scope.is_one_of(&mac.mac.path, CREATING_MACROS, 1),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                body::unqualified(path).is_some_and(|path| is_associated(&path, body))
            }
            _ => false,
        },
        Expr::MethodCall(call) => {
            let is = |names: &[&str]| names.iter().any(|name| call.method == name);
            is(CREATING_METHODS)
                || collects(call, body)
                || is(PASSING_METHODS) && is_created(&call.receiver, body)
        }
        _ => false,
    }
}

/// `String::from`, `Vec::<u8>::with_capacity`
fn is_associated(path: &Path, body: &Body<'_>) -> bool {
    let mut ty = path.clone();
    ty.segments.pop();
    ty.segments.pop_punct();
    !ty.segments.is_empty() && body.scope.is_one_of(&ty, LEAKED, 1)
}

/// `.collect::<Vec<_>>()`
fn collects(call: &ExprMethodCall, body: &Body<'_>) -> bool {
    let ty = call.turbofish.as_ref().and_then(|turbofish| turbofish.args.first());
    match ty {
        Some(GenericArgument::Type(ty)) => call.method == "collect" && is_leaked_type(ty, body),
        _ => false,
    }
}

fn is_leaked_type(ty: &Type, body: &Body<'_>) -> bool {
    matches!(ty, Type::Path(path) if body.scope.is_one_of(&path.path, LEAKED, 1))
}
