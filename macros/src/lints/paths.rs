//! Which names a lint knows. A macro sees names as they are written and not what they stand for, so
//! a path is taken for a known one if it is the tail of it: `Mutex`, `sync::Mutex` and
//! `std::sync::Mutex` are, `my::Mutex` is not.

use std::collections::HashMap;

use syn::{Path, PathArguments, UseTree};

/// What a body says about the names in it.
#[derive(Default)]
pub(super) struct Scope {
    /// Types, modules and functions. Declared in the body: `None`; imported there: the whole path.
    names: HashMap<String, Option<Vec<String>>>,
    /// Bound by the item, and how often. They hide functions, but no modules: `env::var` is not a
    /// field of `env`.
    variables: HashMap<String, usize>,
}

impl Scope {
    /// The body declares this name.
    pub(super) fn declare(&mut self, name: &syn::Ident) {
        self.names.insert(crate::tokens::text(name), None);
    }

    /// The item binds this name to a value.
    pub(super) fn bind(&mut self, name: &syn::Ident) {
        *self.variables.entry(crate::tokens::text(name)).or_default() += 1;
    }

    /// Whether this variable has one meaning in the whole item.
    pub(super) fn is_bound_once(&self, name: &syn::Ident) -> bool {
        self.variables.get(&crate::tokens::text(name)) == Some(&1)
    }

    /// The body imports these.
    pub(super) fn import(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        let text = crate::tokens::text;
        match tree {
            UseTree::Path(path) => {
                before.push(text(&path.ident));
                self.import(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = before.last() {
                    self.names.insert(last.clone(), Some(before.clone()));
                }
            }
            UseTree::Name(name) => {
                let path = before.iter().cloned().chain([text(&name.ident)]);
                self.names.insert(text(&name.ident), Some(path.collect()));
            }
            UseTree::Rename(rename) => {
                let path = before.iter().cloned().chain([text(&rename.ident)]);
                self.names.insert(text(&rename.rename), Some(path.collect()));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
            UseTree::Glob(_) => {}
        }
    }

    /// Whether the body itself says what this name is.
    pub(super) fn declares(&self, name: &str) -> bool {
        matches!(self.names.get(name), Some(None)) || self.variables.contains_key(name)
    }

    /// Whether a path is this name alone, and the body does not say what that is.
    pub(super) fn is_bare(&self, path: &Path, name: &str) -> bool {
        path.is_ident(name) && !self.names.contains_key(name) && !self.variables.contains_key(name)
    }

    /// The path with the body's imports written out; `None` if it begins with something that the
    /// body declares.
    fn resolve(&self, path: &Path) -> Option<Vec<String>> {
        let segments = path.segments.iter();
        let mut written: Vec<_> =
            segments.map(|segment| crate::tokens::text(&segment.ident)).collect();
        if written.len() == 1 && self.variables.contains_key(&written[0]) {
            return None;
        }
        match self.names.get(written.first()?) {
            Some(None) if path.leading_colon.is_none() => None,
            Some(Some(import)) if path.leading_colon.is_none() => {
                written.splice(..1, import.iter().cloned());
                Some(written)
            }
            _ => Some(written),
        }
    }

    /// Whether the path, as far as it is written, is the tail of one of `known`, with at least
    /// `least` segments of it. `known` are written as in `use`: `std::sync::Mutex`; `core` and
    /// `alloc` count as `std`.
    pub(super) fn is_one_of(&self, path: &Path, known: &[&str], least: usize) -> bool {
        let Some(mut written) = self.resolve(path) else {
            return false;
        };
        if written.len() < least {
            return false;
        }
        if written.len() > 1 && (written[0] == "core" || written[0] == "alloc") {
            written[0] = "std".to_owned();
        }
        known.iter().any(|known| {
            let known: Vec<_> = known.split("::").collect();
            known.len() >= written.len()
                && known
                    .iter()
                    .rev()
                    .zip(written.iter().rev())
                    .all(|(known, written)| known == written)
        })
    }
}

/// Whether the last segment of a path has arguments in angle brackets.
pub(super) fn is_generic(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|last| matches!(last.arguments, PathArguments::AngleBracketed(_)))
}

/// A path as it is shown to the user: without arguments.
pub(super) fn show(path: &Path) -> String {
    let segments = path.segments.iter();
    let segments: Vec<_> = segments.map(|segment| segment.ident.to_string()).collect();
    segments.join("::")
}
