//! A resource, as far as its expansion goes.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Path, Type, Visibility};

use super::args::{Options, Restore};
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{split_docs, Function, Item, Returns, Static};
use crate::lints;
use crate::{signature, types};

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
    pub(super) check: Option<Path>,
    pub(super) idle: Option<Duration>,
    pub(super) close: Option<Path>,
    pub(super) restore: Option<Restore>,
}

/// Where the value comes from.
pub(super) enum Source {
    /// A function, and what fills its parameters.
    Fn { function: Box<Function>, returns: Box<Returns>, injected: Vec<Injected> },
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
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine = signature::check_signature(&function.sig, false, diag);
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
            signature::no_skip(&params, diag);
            for param in params {
                match Injected::read(param, diag) {
                    Some(param) => injected.push(param),
                    None => fine = false,
                }
            }
        }
        options.check(awaits, "make it an `async fn`", diag);
        if !fine {
            return None;
        }
        let returns = Returns::of(&function.sig.output);
        let (docs, attrs) = split_docs(&function.attrs, &["doc", "deprecated"]);
        function.attrs = attrs;
        Some(Self {
            docs,
            vis: function.vis.clone(),
            name: function.sig.ident.clone(),
            value: returns.value().clone(),
            lazy: options.lazy.is_some(),
            timeout: options.timeout.map(|(limit, _)| limit).filter(|_| awaits),
            retry_after: options.retry_after.map(|(pause, _)| pause),
            idle: options.idle.map(|(gap, _)| gap).filter(|_| options.check.is_some()),
            restore: options.restore.map(|(restore, _)| restore),
            check: options.check.filter(|_| awaits),
            close: options.close,
            krate: options.krate,
            source: Source::Fn {
                returns: Box::new(returns),
                function: Box::new(function),
                injected,
            },
        })
    }

    fn check_static(mut options: Options, item: Static, diag: &mut Diag) -> Option<Self> {
        if item.mutability.is_some() {
            return None; // the lint `static_mut` has said so
        }
        if let Returns::Result { ok, .. } = Returns::in_type(&item.ty) {
            let ok = quote::quote!(#ok);
            diag.error(
                &item.ty,
                "a static resource is its value, and not a `Result`",
                "an error in its initialiser is the resource's, and is told to Lambda",
                format_args!("write `{ok}` for the type, and `?` in the initialiser"),
            );
            return None;
        }
        let awaits = item.awaits();
        let help = "await in the initialiser, or make it an `async fn`";
        let not_kept = |(restore, _): &mut (Restore, Ident)| !awaits && *restore != Restore::Keep;
        if let Some((_, at)) = options.restore.take_if(not_kept) {
            diag.error(
                &at,
                "a static that derefs is kept by a restore",
                "there may be references to its value for as long as the process lives",
                "make it an `async fn`, or leave `restore` out",
            );
        }
        options.check(awaits, help, diag);
        let (docs, attrs) = split_docs(&item.attrs, &["doc", "deprecated"]);
        Some(Self {
            docs: docs.into_iter().chain(attrs).collect(),
            vis: item.vis,
            name: item.ident,
            value: types::of_a_static(item.ty),
            lazy: options.lazy.is_some(),
            timeout: options.timeout.map(|(limit, _)| limit).filter(|_| awaits),
            retry_after: options.retry_after.map(|(pause, _)| pause),
            idle: options.idle.map(|(gap, _)| gap).filter(|_| options.check.is_some()),
            // One that derefs is kept in any case.
            restore: options.restore.map(|(restore, _)| restore).filter(|_| awaits),
            check: options.check.filter(|_| awaits),
            close: options.close,
            krate: options.krate,
            source: Source::Static { init: item.init, awaits },
        })
    }
}

impl Options {
    /// Reports options that do not fit each other, or an initialiser that does not await.
    fn check(&self, awaits: bool, make_it_await: &str, diag: &mut Diag) {
        if let (false, Some((_, at))) = (awaits, &self.timeout) {
            diag.error(
                at,
                "a computation has no `timeout`",
                "it cannot be stopped half way: only what awaits can",
                format_args!("{make_it_await}, or leave the timeout out"),
            );
        }
        if let (false, Some(check)) = (awaits, &self.check) {
            diag.error(
                check,
                "a value that is used without waiting has no `check`",
                "the check has to be waited for before the value is used",
                format_args!("{make_it_await}, or leave the check out"),
            );
        }
        if self.checks {
            return;
        }
        // Where nothing awaits, there is no `check` to add.
        let add = if awaits { "add `check = path`, or " } else { "" };
        if let Some((_, at)) = &self.idle {
            diag.error(
                at,
                "`idle` has no meaning without a `check`",
                "it says after what idle gap the value is checked",
                format_args!("{add}leave `idle` out"),
            );
        }
        if let Some((Restore::Check, at)) = &self.restore {
            diag.error(
                at,
                "there is no `check` that a restore could run",
                "",
                format_args!("{add}write `restore = rebuild`"),
            );
        }
    }
}
