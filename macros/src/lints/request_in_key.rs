//! `request_in_key`: a cached function that takes what no two invocations have in common.

use syn::{FnArg, TypePath};

use super::body::Subject;
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

fn find(subject: &Subject<'_>, found: &mut Found<'_>) {
    let (Attribute::Cached, Item::Fn(function)) = (subject.attribute, subject.item) else {
        return;
    };
    for input in &function.sig.inputs {
        let FnArg::Typed(param) = input else { continue };
        if signature::from_attribute(param).is_some() || signature::skip_attribute(param).is_some()
        {
            continue;
        }
        let is_request = |ty: &TypePath| subject.scope.is_one_of(&ty.path, REQUEST, 1);
        if let Some(ty) = types::find(&param.ty, &is_request, &|_| true) {
            found.add(
                ty,
                format_args!("a key with a `{}` in it never comes again", show(&ty.path)),
                "each invocation brings its own request id and deadline, so every call would fetch, \
                 and push a useful answer out of the cache",
                "take the parts of the event that the answer depends on, or mark it `#[skip]`",
            );
        }
    }
}
