//! A cached function, as far as its expansion goes.

use proc_macro2::Ident;
use syn::{Attribute, Pat, PatType, Signature, Type};

use super::args::Options;
use crate::diag::Diag;
use crate::injected::Injected;
use crate::item::{peeled, split_docs, Function, Item, Returns};
use crate::lints;
use crate::{signature, types};

pub(crate) struct Model {
    pub(super) options: Options,
    pub(super) docs: Vec<Attribute>,
    pub(super) function: Function,
    /// What its callers see: the signature without what resources fill.
    pub(super) seen: Signature,
    pub(super) returns: Returns,
    /// In the order in which the function takes them.
    pub(super) params: Vec<Param>,
    pub(super) injected: Vec<Injected>,
}

/// What a parameter is to the cache.
pub(super) enum Param {
    /// The resource of that number.
    Resource(usize),
    /// A part of the key.
    Key(Argument),
    /// Passed on, but no part of the key.
    Skipped(Argument),
}

/// An argument that a caller gives.
pub(super) struct Argument {
    pub(super) name: Ident,
    /// The type; of a borrowed one, what is borrowed.
    pub(super) ty: Type,
    pub(super) borrowed: bool,
}

/// As many arguments as the runtime has keys for.
const MAX_ARGUMENTS: usize = 8;

impl Model {
    pub(super) fn check(options: Options, item: Item, diag: &mut Diag) -> Option<Self> {
        let faults = lints::check(lints::Attribute::Cached, &item, &options.allow, diag);
        let mut function = match item {
            Item::Fn(function) => function,
            Item::Static(item) => {
                diag.error(
                    &item.ident,
                    "a static cannot be fetched again",
                    "`#[cached]` calls a function each time its answer has become too old",
                    "make it a function that returns the value, or use `#[init]` to build it once",
                );
                return None;
            }
        };
        let sig = signature::without_lifetimes(&function.sig);
        let params = signature::parameters(&sig, diag);
        let mut fine = signature::check_signature(&function.sig, false, diag);
        // Its type cannot be a key either, and once is enough.
        fine &= !faults.contains(&"request_in_key");
        let awaits = function.sig.asyncness.is_some();
        if matches!(function.sig.output, syn::ReturnType::Default) {
            diag.error(
                &function.sig.ident,
                "a function that returns nothing has nothing to keep",
                "",
                "return the value, or remove `#[cached]`",
            );
            fine = false;
        }
        if let (false, Some((_, at))) = (awaits, &options.timeout) {
            diag.error(
                at,
                "a computation has no `timeout`",
                "it cannot be stopped half way: only what awaits can",
                "make it an `async fn`, or leave the timeout out",
            );
        }
        let (mut kinds, mut injected, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        for param in params {
            if let Some(from) = signature::from_attribute(param) {
                if !awaits {
                    diag.error(
                        from,
                        "a function that does not wait cannot take a resource",
                        "the resource has to be waited for",
                        "make it an `async fn`",
                    );
                    fine = false;
                }
                match Injected::read(param, diag) {
                    Some(resource) => {
                        kinds.push(Param::Resource(injected.len()));
                        injected.push(resource);
                    }
                    None => fine = false,
                }
                continue;
            }
            let Some(argument) = Argument::read(param, diag) else {
                fine = false;
                continue;
            };
            let mut plain = param.clone();
            plain.attrs.clear();
            if let Pat::Ident(pat) = &mut *plain.pat {
                pat.mutability = None;
            }
            seen.push(plain);
            kinds.push(match signature::skip_attribute(param) {
                Some(_) => Param::Skipped(argument),
                None => Param::Key(argument),
            });
        }
        let keys = kinds.iter().filter(|kind| matches!(kind, Param::Key(_))).count();
        if keys > MAX_ARGUMENTS {
            let what = format!("a key of {keys} arguments is too long");
            let help = format!("take a struct, or at most {MAX_ARGUMENTS} arguments");
            diag.error(&function.sig.inputs, what, "", help);
            fine = false;
        }
        if let (0, Some((_, at))) = (keys, &options.max_entries) {
            diag.error(
                at,
                "`max_entries` has no meaning here",
                "a function without arguments has one answer",
                "remove it",
            );
        }
        if !fine {
            return None;
        }
        let (docs, attrs) = split_docs(&function.attrs, &["doc", "deprecated", "must_use"]);
        function.attrs = attrs;
        let mut signature = signature::plain_signature(&sig);
        signature.inputs = seen.into_iter().map(syn::FnArg::Typed).collect();
        Some(Self {
            returns: Returns::of(&function.sig.output),
            seen: signature,
            options,
            docs,
            function,
            params: kinds,
            injected,
        })
    }

    /// The arguments that are the key.
    pub(super) fn key(&self) -> Vec<&Argument> {
        let key = self.params.iter().filter_map(|param| match param {
            Param::Key(argument) => Some(argument),
            _ => None,
        });
        key.collect()
    }

    /// Whether it keeps more than one answer.
    pub(super) fn is_keyed(&self) -> bool {
        self.params.iter().any(|param| matches!(param, Param::Key(_)))
    }

    /// The arguments that are passed on.
    pub(super) fn skipped(&self) -> Vec<&Argument> {
        let skipped = self.params.iter().filter_map(|param| match param {
            Param::Skipped(argument) => Some(argument),
            _ => None,
        });
        skipped.collect()
    }
}

impl Argument {
    fn read(param: &PatType, diag: &mut Diag) -> Option<Self> {
        let Pat::Ident(pat) = &*param.pat else {
            diag.error(
                &param.pat,
                "this argument has no name",
                "the arguments are the key under which the answer is kept",
                "give it a name, and take it apart in the body",
            );
            return None;
        };
        let whole = peeled(&param.ty);
        let (ty, borrowed) = match whole {
            Type::Reference(reference) if reference.mutability.is_some() => {
                diag.error(
                    whole,
                    "an argument of a cached function cannot be borrowed mutably",
                    "on a hit the function does not run, and nothing would be written",
                    "take it by value or by `&`, and return what changes",
                );
                return None;
            }
            // One that lives for good is its own owner.
            Type::Reference(_) if !types::borrows(whole) => (whole, false),
            Type::Reference(reference) => (peeled(&reference.elem), true),
            ty => (ty, false),
        };
        if types::hidden(ty).is_some() {
            return None; // a generic function, and reported as such
        }
        if types::borrows(ty) {
            diag.error(
                ty,
                "this argument borrows inside its type",
                "a key is kept, and cannot borrow from a caller; only a reference to the whole can be made owned",
                "own it: `Option<String>` for `Option<&str>`",
            );
            return None;
        }
        Some(Self { name: pat.ident.clone(), ty: ty.clone(), borrowed })
    }
}
