//! `leak`: memory that is given up in code that runs again and again.

use syn::{Expr, ExprMethodCall, GenericArgument, Ident, Path, Type};

use super::body::{self, Part, Subject};
use super::calls::{self, Calls};
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "leak", can_be_allowed: true, find };

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
    what: "leaks a little each time this runs",
    why: "a container runs it thousands of times, until Lambda kills it for its memory",
    help: "own the value or share it with an `Arc`; what has to live as long as the container is a \
           resource (`#[init]`)",
};

/// What has the method `leak`.
const LEAKED: &[&str] = &["std::string::String", "std::vec::Vec"];

/// Macros that make one.
const MADE_BY: &[&str] = &["std::format", "std::vec"];

/// Methods that make one of whatever they are called on.
const MADE_OF: &[&str] = &[
    "to_owned",
    "to_string",
    "to_vec",
    "to_uppercase",
    "to_lowercase",
    "into_string",
    "into_bytes",
    "into_vec",
];

/// Methods through which it comes.
const PASSED_BY: &[&str] = &["clone", "unwrap", "expect", "unwrap_or_default"];

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    calls::find(subject, found, &[LEAKS]);
    if subject.attribute == Attribute::Init {
        return;
    }
    for part in &subject.parts {
        // Anybody's type may have a method of this name, so it has to be seen what it is called on.
        if let Part::Expr(Expr::MethodCall(call), _) = part {
            if call.method == "leak" && call.args.is_empty() && is_leaked(&call.receiver, subject) {
                LEAKS.report(&call.method, ".leak()", found);
            }
        }
    }
}

/// Whether an expression, or the variable that it is, surely is a `String` or a `Vec`.
fn is_leaked(expr: &Expr, subject: &Subject<'_>) -> bool {
    match expr {
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| holds_one(name, subject)),
        Expr::MethodCall(call) if call.method == "clone" => is_leaked(&call.receiver, subject),
        expr => is_made(expr, subject),
    }
}

/// Whether a variable has one meaning in the body, and was bound to a `String` or a `Vec`.
fn holds_one(name: &Ident, subject: &Subject<'_>) -> bool {
    let one = subject.variables.iter().find(|variable| variable.name == name);
    one.filter(|_| subject.scope.is_bound_once(name)).is_some_and(|one| match one.ty {
        Some(ty) => is_leaked_type(ty, subject),
        None => one.init.is_some_and(|init| is_made(init, subject)),
    })
}

/// Whether an expression makes a `String` or a `Vec`.
fn is_made(expr: &Expr, subject: &Subject<'_>) -> bool {
    match expr {
        Expr::Paren(paren) => is_made(&paren.expr, subject),
        Expr::Group(group) => is_made(&group.expr, subject),
        Expr::Try(tried) => is_made(&tried.expr, subject),
        Expr::Macro(mac) => subject.scope.is_one_of(&mac.mac.path, MADE_BY, 1),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => {
                body::unqualified(path).is_some_and(|path| is_associated(&path, subject))
            }
            _ => false,
        },
        Expr::MethodCall(call) => {
            let is = |names: &[&str]| names.iter().any(|name| call.method == name);
            is(MADE_OF)
                || collects(call, subject)
                || is(PASSED_BY) && is_made(&call.receiver, subject)
        }
        _ => false,
    }
}

/// `String::from`, `Vec::<u8>::with_capacity`
fn is_associated(path: &Path, subject: &Subject<'_>) -> bool {
    let mut ty = path.clone();
    ty.segments.pop();
    ty.segments.pop_punct();
    !ty.segments.is_empty() && subject.scope.is_one_of(&ty, LEAKED, 1)
}

/// `.collect::<Vec<_>>()`
fn collects(call: &ExprMethodCall, subject: &Subject<'_>) -> bool {
    let ty = call.turbofish.as_ref().and_then(|turbofish| turbofish.args.first());
    match ty {
        Some(GenericArgument::Type(ty)) => call.method == "collect" && is_leaked_type(ty, subject),
        _ => false,
    }
}

fn is_leaked_type(ty: &Type, subject: &Subject<'_>) -> bool {
    matches!(ty, Type::Path(path) if subject.scope.is_one_of(&path.path, LEAKED, 1))
}
