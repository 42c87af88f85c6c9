//! A resource without faults: the input of its expansion.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Type, Visibility};

use super::args::{Options, Restore};
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{Function, Item, Returns, Static};
use crate::lints;
use crate::{audit, signature, types};

pub(crate) struct Model {
    pub(super) options: Options,
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) name: Ident,
    pub(super) value: Type,
    pub(super) source: Source,
    /// True if the type is checked for state.
    pub(super) checks_state: bool,
}

/// The source of the value.
pub(super) enum Source {
    /// A function, and the resources that fill its parameters.
    Fn { function: Box<Function>, returns: Box<Returns>, injected: Vec<Injected> },
    /// The initialiser of a static.
    Static { init: TokenStream, awaits: bool },
}

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        let faults = lints::check(lints::Attribute::Init, &item, &options.allow, diag);
        let checks_state = lints::checks_state(&options.allow, &faults);
        if matches!(options.restore, Some((Restore::Keep, _))) {
            audit::check(item.name(), &item.body(), diag);
        }
        let model = match item {
            Item::Fn(function) => Self::check_fn(options, function, diag),
            Item::Static(item) => Self::check_static(options, item, diag),
        };
        let model = model.filter(|_| !lints::is_compile_error(&faults));
        model.map(|model| Self { checks_state, ..model })
    }

    fn check_fn(mut options: Options, function: Function, diag: &mut Diag) -> Option<Self> {
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine = signature::check_signature(&function.sig, false, diag);
        let awaits = function.sig.asyncness.is_some();
        let mut injected = Vec::new();
        signature::no_skip(&params, diag);
        for param in params {
            match Injected::read(param, diag) {
                Some(param) => injected.push(param),
                None => fine = false,
            }
        }
        options.check(awaits, "make it an `async fn`", diag);
        if !fine {
            return None;
        }
        let returns = Returns::of(&function.sig.output);
        Some(Self {
            options,
            attrs: function.attrs.clone(),
            vis: function.vis.clone(),
            name: function.sig.ident.clone(),
            value: returns.value().clone(),
            source: Source::Fn {
                returns: Box::new(returns),
                function: Box::new(function),
                injected,
            },
            checks_state: true,
        })
    }

    fn check_static(mut options: Options, item: Static, diag: &mut Diag) -> Option<Self> {
        if item.mutability.is_some() {
            return None; // reported by the lint `static_mut`
        }
        if let Returns::Result { ok, .. } = Returns::in_type(&item.ty) {
            let ok = quote::quote!(#ok);
            diag.error(
                &item.ty,
                "the type of a static resource cannot be a `Result`",
                "an error in its initialiser becomes the error of the resource",
                format_args!("write `{ok}` for the type, and `?` in the initialiser"),
            );
            return None;
        }
        let awaits = item.awaits();
        // A static that derefs is always kept.
        if let Some((restore, at)) = options.restore.take_if(|_| !awaits) {
            if restore != Restore::Keep {
                diag.error(
                    &at,
                    "a static that derefs is kept by a restore",
                    "references to its value may exist for as long as the process lives",
                    "make it an `async fn`, or remove `restore`",
                );
            }
        }
        options.check(awaits, "await in the initialiser, or make it an `async fn`", diag);
        Some(Self {
            options,
            attrs: item.attrs,
            vis: item.vis,
            name: item.ident,
            value: types::of_a_static(item.ty),
            source: Source::Static { init: item.init, awaits },
            checks_state: true,
        })
    }
}
