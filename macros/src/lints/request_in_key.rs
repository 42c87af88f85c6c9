//! `request_in_key`: a cached function whose key differs in every invocation.

use syn::{FnArg, TypePath};

use super::body::Body;
use super::paths::show;
use super::types;
use super::{Attribute, Found, Lint};
use crate::item::Item;
use crate::signature;

pub(super) const LINT: Lint = Lint { name: "request_in_key", can_be_allowed: true, find };

const REQUEST: &[&str] = &[
    "lambda_runtime::LambdaEvent",
    "lambda_runtime::Context",
    "lambda_http::Context",
    "rewarm::LambdaEvent",
    "rewarm::Context",
];

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    let (Attribute::Cached { .. }, Item::Fn(function)) = (body.attribute, body.item) else {
        return;
    };
    for input in &function.sig.inputs {
        let FnArg::Typed(param) = input else { continue };
        if signature::from_attribute(param).is_some() || signature::skip_attribute(param).is_some()
        {
            continue;
        }
        let is_request = |ty: &TypePath| body.scope.is_one_of(&ty.path, REQUEST, 1);
        if let Some(ty) = types::find(&param.ty, &is_request, &|_| true) {
            found.add(
                ty,
                format_args!(
                    "`{}` never finds a cached value: its key contains a `{}`",
                    body.name(),
                    show(&ty.path)
                ),
                "each invocation has its own request id and deadline, so every call fetches, and \
                 its entry evicts a useful one",
                "take only the parts of the event that the value depends on, such as `id: &str`, \
                 or leave the argument out of the key with `#[skip]`",
            );
        }
    }
}
