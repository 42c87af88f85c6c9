//! `global_write`: a write to a global, or a way to one, in `unsafe` code.

use syn::{BinOp, Expr, PointerMutability};

use super::body::{InUnsafe, Part, Subject};
use super::{Found, Lint};

pub(super) const LINT: Lint = Lint { name: "global_write", can_be_allowed: false, find };

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    let mut report = |path: &syn::Path, does: &str| {
        let what = format!("this {does} the global `{}`", super::paths::show(path));
        found.add(
            path,
            what,
            "every later invocation would see what this one left there, and two threads at a time \
             would be undefined behaviour",
            "declare a resource with `#[init]` that holds it in a `Mutex` or an atomic",
        );
    };
    for part in &subject.parts {
        match part {
            Part::Expr(Expr::Assign(assign), InUnsafe(true)) => {
                for place in places(&assign.left) {
                    if let Some(path) = global(place, subject) {
                        report(path, "writes to");
                    }
                }
            }
            Part::Expr(Expr::Binary(binary), InUnsafe(true)) if assigns(&binary.op) => {
                if let Some(path) = global(&binary.left, subject) {
                    report(path, "writes to");
                }
            }
            Part::Expr(Expr::Reference(reference), InUnsafe(true))
                if reference.mutability.is_some() =>
            {
                if let Some(path) = global(&reference.expr, subject) {
                    report(path, "mutably borrows");
                }
            }
            // Making the pointer is safe; there is nothing to do with it but to write.
            Part::Expr(Expr::RawAddr(raw), _)
                if matches!(raw.mutability, PointerMutability::Mut(_)) =>
            {
                if let Some(path) = global(&raw.expr, subject) {
                    report(path, "takes a mutable pointer to");
                }
            }
            Part::Macro(mac)
                if subject.scope.is_one_of(&mac.path, &["std::ptr::addr_of_mut"], 1) =>
            {
                if let Ok(expr) = syn::parse2::<Expr>(mac.tokens.clone()) {
                    if let Some(path) = global(&expr, subject) {
                        report(path, "takes a mutable pointer to");
                    }
                }
            }
            _ => {}
        }
    }
}

/// The places that an assignment writes to: one, or those in a pattern.
fn places(left: &Expr) -> Vec<&Expr> {
    match left {
        Expr::Tuple(tuple) => tuple.elems.iter().flat_map(places).collect(),
        Expr::Array(array) => array.elems.iter().flat_map(places).collect(),
        Expr::Call(call) => call.args.iter().flat_map(places).collect(),
        Expr::Struct(it) => it.fields.iter().flat_map(|field| places(&field.expr)).collect(),
        Expr::Paren(paren) => places(&paren.expr),
        place => vec![place],
    }
}

/// The global that a place is in: a path in SCREAMING_CASE, or a field or an element of it.
fn global<'a>(place: &'a Expr, subject: &Subject<'_>) -> Option<&'a syn::Path> {
    match place {
        Expr::Path(path) => {
            let name = path.path.segments.last()?.ident.to_string();
            let is_local = path.path.get_ident().is_some() && subject.scope.declares(&name);
            (is_screaming(&name) && !is_local).then_some(&path.path)
        }
        Expr::Field(field) => global(&field.base, subject),
        Expr::Index(index) => global(&index.expr, subject),
        Expr::Paren(paren) => global(&paren.expr, subject),
        Expr::Group(group) => global(&group.expr, subject),
        _ => None,
    }
}

fn is_screaming(name: &str) -> bool {
    name.contains(|c: char| c.is_uppercase()) && !name.contains(|c: char| c.is_lowercase())
}

fn assigns(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
