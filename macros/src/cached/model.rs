//! A cached function without faults: the input of its expansion.

use proc_macro2::Ident;
use syn::{Pat, PatType, Path, Signature, Type};

use super::args::Options;
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{Function, Item, Returns, peeled};
use crate::{audit, item_attributes, lints, signature, types};

pub(crate) struct Model {
    pub(super) options: Options,
    pub(super) function: Function,
    /// The signature for callers, without the parameters that resources fill.
    pub(super) public_sig: Signature,
    pub(super) returns: Returns,
    /// In the order of the function's own signature.
    pub(super) params: Vec<Param>,
    pub(super) injected: Vec<Injected>,
}

/// The role of a parameter.
pub(super) enum Param {
    /// The resource at that index.
    Resource(usize),
    /// Part of the key.
    Key(Argument),
    /// Passed on, but not part of the key.
    Skipped(Argument),
}

/// An argument that a caller passes.
pub(super) struct Argument {
    pub(super) name: Ident,
    /// The type, without the `&` if it is borrowed.
    pub(super) ty: Type,
    pub(super) borrowed: bool,
}

/// The longest key that the runtime implements.
const MAX_ARGUMENTS: usize = 8;

impl Model {
    pub(super) fn check(mut options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        options.check(&item, diag);
        let attribute = lints::Attribute::Cached { is_stored: options.store.is_some() };
        let faults = lints::check(attribute, &item, &options.allow, diag);
        let mut function = match item {
            Item::Fn(function) => function,
            Item::Static(item) => {
                diag.error(
                    &item.ident,
                    "`#[cached]` requires a function",
                    "a value older than `ttl` is fetched again, by a call of the function",
                    "make it a function that returns the value, or use `#[init]` to build it once",
                );
                return None;
            }
        };
        audit::check(&function.sig.ident, &function.body.stream(), diag);
        lints::check_globals(&mut function, &options.allow, &options.krate);
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine = signature::check_signature(&function.sig, false, diag);
        // The compiler would report the type of that argument a second time.
        fine &= !faults.contains(&"request_in_key") && !lints::is_compile_error(&faults);
        let awaits = function.sig.asyncness.is_some();
        if matches!(function.sig.output, syn::ReturnType::Default) {
            diag.error(
                &function.sig.ident,
                "a cached function must return a value",
                "",
                "return the value, or remove `#[cached]`",
            );
            fine = false;
        }
        let waits = [
            (
                "timeout",
                &options.timeout,
                "a function without `.await` cannot be stopped before it ends",
            ),
            (
                "stale_if_slow",
                &options.stale_if_slow,
                "a function without `.await` runs on the thread of its caller to its end",
            ),
        ];
        for (option, given, why) in waits {
            if let (false, Some((_, at))) = (awaits, given) {
                let what = format!("`{option}` requires an `async fn`");
                let help = format!("make it an `async fn`, or remove `{option}`");
                diag.error(at, what, why, help);
            }
        }
        if let Some(store) = options.store.take_if(|_| !awaits) {
            diag.error(
                &store.path,
                "`store` requires an `async fn`",
                "the store is awaited before the function is called",
                "make it an `async fn`, or remove `store`",
            );
        }
        if let Some(store) = &options.store {
            store.check(options.ttl, diag);
        }
        let (mut roles, mut injected, mut public) = (Vec::new(), Vec::new(), Vec::new());
        for param in params {
            match Param::read(param, &mut injected, diag) {
                Some(role) => {
                    if !matches!(role, Param::Resource(_)) {
                        public.push(syn::FnArg::Typed(public_param(param)));
                    }
                    roles.push(role);
                }
                None => fine = false,
            }
        }
        let keys = roles.iter().filter(|role| matches!(role, Param::Key(_))).count();
        if keys > MAX_ARGUMENTS {
            let what = format!("the key has {keys} arguments, and the limit is {MAX_ARGUMENTS}");
            let help = "take a struct that holds several of them";
            diag.error(&function.sig.inputs, what, "", help);
            fine = false;
        }
        if let (0, Some((_, at))) = (keys, &options.max_entries) {
            diag.error(
                at,
                "`max_entries` requires arguments",
                "a function without arguments has one value",
                "remove `max_entries`",
            );
        }
        if !fine {
            return None;
        }
        let mut public_sig = signature::plain_signature(&sig);
        public_sig.inputs = public.into_iter().collect();
        Some(Self {
            returns: Returns::of(&function.sig.output),
            public_sig,
            options,
            function,
            params: roles,
            injected,
        })
    }

    /// The arguments that form the key.
    pub(super) fn key(&self) -> Vec<&Argument> {
        let key = self.params.iter().filter_map(|param| match param {
            Param::Key(argument) => Some(argument),
            _ => None,
        });
        key.collect()
    }

    /// The resources that a fetch uses, and the store.
    pub(super) fn sources(&self) -> Vec<&Path> {
        let store = self.options.store.iter().map(|store| &store.path);
        self.injected.iter().map(|injected| &injected.resource).chain(store).collect()
    }

    /// True if the cache keeps a value for each key.
    pub(super) fn is_keyed(&self) -> bool {
        self.params.iter().any(|param| matches!(param, Param::Key(_)))
    }

    /// The arguments that are passed on, but not part of the key.
    pub(super) fn skipped(&self) -> Vec<&Argument> {
        let skipped = self.params.iter().filter_map(|param| match param {
            Param::Skipped(argument) => Some(argument),
            _ => None,
        });
        skipped.collect()
    }
}

impl Param {
    /// Reads a parameter. A resource is added to `injected`.
    fn read(param: &PatType, injected: &mut Vec<Injected>, diag: &mut Diag) -> Option<Self> {
        if signature::from_attribute(param).is_none() {
            let argument = Argument::read(param, diag)?;
            return Some(match signature::skip_attribute(param) {
                Some(_) => Self::Skipped(argument),
                None => Self::Key(argument),
            });
        }
        injected.push(Injected::read(param, diag)?);
        Some(Self::Resource(injected.len() - 1))
    }
}

/// The parameter in the signature for callers, without `mut`. Of its attributes, only levels of
/// lints are left.
fn public_param(param: &PatType) -> PatType {
    let mut public = param.clone();
    public.attrs = item_attributes::for_repeated(&param.attrs);
    if let Pat::Ident(pat) = &mut *public.pat {
        pat.mutability = None;
    }
    public
}

impl Argument {
    fn read(param: &PatType, diag: &mut Diag) -> Option<Self> {
        let Pat::Ident(pat) = &*param.pat else {
            diag.error(
                &param.pat,
                "this argument has no name",
                "the arguments form the key under which the value is kept",
                "give it a name, and destructure it in the body",
            );
            return None;
        };
        let whole = peeled(&param.ty);
        let (ty, borrowed) = match whole {
            Type::Reference(reference) if reference.mutability.is_some() => {
                diag.error(
                    whole,
                    "an argument of a cached function cannot be borrowed mutably",
                    "the function does not run on a hit, so nothing would be written",
                    "take it by value or by `&`, and return what changes",
                );
                return None;
            }
            // A `'static` reference is kept as it is.
            Type::Reference(_) if !types::borrows(whole) => (whole, false),
            Type::Reference(reference) => (peeled(&reference.elem), true),
            ty => (ty, false),
        };
        if types::hidden(ty).is_some() {
            return None; // reported as a generic function
        }
        if types::borrows(ty) {
            diag.error(
                ty,
                "the type of this argument contains a reference",
                "the cache can keep an owned copy of what `&T` refers to, if `T` itself borrows nothing",
                "take an owned type: `Option<String>` for `Option<&str>`",
            );
            return None;
        }
        Some(Self { name: pat.ident.clone(), ty: ty.clone(), borrowed })
    }
}
