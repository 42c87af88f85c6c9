//! A resource, as far as its expansion goes.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Path, Type, Visibility};

use super::args::Options;
use crate::diag::Diag;
use crate::item::{Function, Item, Returns, Static, split_docs};
use crate::lints;
use crate::names::{self, Injected};

pub(crate) struct Model {
    pub(super) krate: Path,
    pub(super) docs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) name: Ident,
    pub(super) value: Type,
    pub(super) source: Source,
    pub(super) lazy: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) retry_after: Option<Duration>,
}

/// Where the value comes from.
pub(super) enum Source {
    /// A function, and what fills its parameters.
    Fn {
        function: Box<Function>,
        returns: Box<Returns>,
        awaits: bool,
        injected: Vec<Injected>,
    },
    /// The initialiser of a static.
    Static { init: TokenStream, awaits: bool },
}

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        lints::check(lints::Attribute::Init, &item, &options.allow, diag);
        match item {
            Item::Fn(function) => Self::check_fn(options, function, diag),
            Item::Static(item) => Self::check_static(options, item, diag),
        }
    }

    fn check_fn(options: Options, mut function: Function, diag: &mut Diag) -> Option<Self> {
        let params = names::parameters(&function.sig, diag)?;
        let mut fine = names::check_signature(&function.sig, diag);
        let awaits = function.sig.asyncness.is_some();
        let mut injected = Vec::new();
        if let (false, Some(first)) = (awaits, params.first()) {
            diag.error(
                first,
                "a resource that is built without waiting takes no parameters",
                "they have to be waited for, and a `fn` cannot",
                "make it an `async fn`",
            );
            fine = false;
        } else {
            for param in params {
                if let Some(attr) = names::skip_attribute(param) {
                    diag.error(
                        attr,
                        "`#[skip]` has no meaning here",
                        "there is no key",
                        "remove it",
                    );
                }
                match Injected::read(param, diag) {
                    Some(param) => injected.push(param),
                    None => fine = false,
                }
            }
        }
        if let (false, Some((_, at))) = (awaits, &options.timeout) {
            diag.error(
                at,
                "a computation has no `timeout`",
                "it cannot be stopped half way: only what awaits can",
                "make it an `async fn`, or leave the timeout out",
            );
        }
        if !fine {
            return None;
        }
        let returns = Returns::of(&function.sig.output);
        let (docs, attrs) = split_docs(&function.attrs);
        function.attrs = attrs;
        Some(Self {
            docs,
            vis: function.vis.clone(),
            name: function.sig.ident.clone(),
            value: returns.value().clone(),
            lazy: options.lazy.is_some(),
            timeout: options.timeout.map(|(limit, _)| limit).filter(|_| awaits),
            retry_after: options.retry_after.map(|(pause, _)| pause),
            krate: options.krate,
            source: Source::Fn {
                returns: Box::new(returns),
                function: Box::new(function),
                awaits,
                injected,
            },
        })
    }

    fn check_static(options: Options, item: Static, diag: &mut Diag) -> Option<Self> {
        if item.mutability.is_some() && item.is_plain() {
            return None; // the lint `static_mut` has said so
        }
        let awaits = item.awaits();
        if let (false, Some((_, at))) = (awaits, &options.timeout) {
            diag.error(
                at,
                "a computation has no `timeout`",
                "it cannot be stopped half way: only what awaits can",
                "leave the timeout out",
            );
        }
        let (docs, attrs) = split_docs(&item.attrs);
        Some(Self {
            docs: docs.into_iter().chain(attrs).collect(),
            vis: item.vis,
            name: item.ident,
            value: item.ty,
            lazy: options.lazy.is_some(),
            timeout: options.timeout.map(|(limit, _)| limit).filter(|_| awaits),
            retry_after: options.retry_after.map(|(pause, _)| pause),
            krate: options.krate,
            source: Source::Static {
                init: item.init,
                awaits,
            },
        })
    }
}
