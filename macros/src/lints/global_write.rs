//! `global_write`: a write to a global in `unsafe` code, or a mutable borrow or pointer to it.

use syn::{BinOp, Expr, PointerMutability};

use super::body::{Body, InUnsafe, Part};
use super::paths::is_screaming;
use super::static_mut::WHY;
use super::{Found, Lint};

pub(super) const LINT: Lint = Lint { name: "global_write", can_be_allowed: false, find };

const HELP: &str = "keep what belongs to one invocation in a local variable, and build what is \
                    only read with `#[init]`; what invocations are meant to share, such as a \
                    counter, is an atomic or a lock under `#[init(allow(global_state))]`";

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    let mut report = |path: &syn::Path, does: &str| {
        let what = format!("this {does} the global `{}`", super::paths::show(path));
        found.add(path, what, WHY, HELP);
    };
    for part in &body.parts {
        match part {
            Part::Expr(Expr::Assign(assign), InUnsafe(true)) => {
                for place in places(&assign.left) {
                    if let Some(path) = global(place, body) {
                        report(path, "writes to");
                    }
                }
            }
            Part::Expr(Expr::Binary(binary), InUnsafe(true)) if assigns(&binary.op) => {
                if let Some(path) = global(&binary.left, body) {
                    report(path, "writes to");
                }
            }
            Part::Expr(Expr::Reference(reference), InUnsafe(true))
                if reference.mutability.is_some() =>
            {
                if let Some(path) = global(&reference.expr, body) {
                    report(path, "mutably borrows");
                }
            }
            // Taking the pointer needs no `unsafe`, but a mutable one is only of use for writing.
            Part::Expr(Expr::RawAddr(raw), _)
                if matches!(raw.mutability, PointerMutability::Mut(_)) =>
            {
                if let Some(path) = global(&raw.expr, body) {
                    report(path, "takes a mutable pointer to");
                }
            }
            Part::Macro(mac) if body.scope.is_one_of(&mac.path, &["std::ptr::addr_of_mut"], 1) => {
                if let Ok(expr) = syn::parse2::<Expr>(mac.tokens.clone()) {
                    if let Some(path) = global(&expr, body) {
                        report(path, "takes a mutable pointer to");
                    }
                }
            }
            _ => {}
        }
    }
}

/// The places that an assignment writes to. A destructuring assignment has several.
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

/// The global that a place belongs to: a path in SCREAMING_CASE, or the base of a field or index.
fn global<'a>(place: &'a Expr, body: &Body<'_>) -> Option<&'a syn::Path> {
    match place {
        Expr::Path(path) => {
            let name = path.path.segments.last()?.ident.to_string();
            let is_local = path.path.get_ident().is_some() && body.scope.declares(&name);
            (is_screaming(&name) && !is_local).then_some(&path.path)
        }
        Expr::Field(field) => global(&field.base, body),
        Expr::Index(index) => global(&index.expr, body),
        Expr::Paren(paren) => global(&paren.expr, body),
        Expr::Group(group) => global(&group.expr, body),
        _ => None,
    }
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
