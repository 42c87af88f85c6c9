//! Matching of paths by name. A macro sees names before they are resolved, so a path matches a
//! known one if it is the tail of it: `Mutex`, `sync::Mutex` and `std::sync::Mutex` match
//! `std::sync::Mutex`, `my::Mutex` does not.

use std::collections::HashMap;

use syn::{Path, PathArguments, UseTree};

/// The names that a body declares, imports and binds.
#[derive(Default)]
pub(super) struct Scope {
    /// Types, modules and functions: `None` if declared in the body, the full path if imported.
    names: HashMap<String, Option<Vec<String>>>,
    /// Variables and parameters, with the number of their bindings. They shadow functions but not
    /// modules: a variable `env` does not change the meaning of `env::var`.
    variables: HashMap<String, usize>,
}

impl Scope {
    /// Records a declaration in the body.
    pub(super) fn declare(&mut self, name: &syn::Ident) {
        self.names.insert(crate::tokens::text(name), None);
    }

    /// Records a binding of a variable or a parameter.
    pub(super) fn bind(&mut self, name: &syn::Ident) {
        *self.variables.entry(crate::tokens::text(name)).or_default() += 1;
    }

    /// True for a variable with a single binding in the item.
    pub(super) fn is_bound_once(&self, name: &syn::Ident) -> bool {
        self.variables.get(&crate::tokens::text(name)) == Some(&1)
    }

    /// Records the imports of a `use` in the body.
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

    /// True for a name that the item declares or binds.
    pub(super) fn declares(&self, name: &str) -> bool {
        matches!(self.names.get(name), Some(None)) || self.variables.contains_key(name)
    }

    /// True for a path of this one segment that the item does not declare, import or bind.
    pub(super) fn is_bare(&self, path: &Path, name: &str) -> bool {
        path.is_ident(name) && !self.names.contains_key(name) && !self.variables.contains_key(name)
    }

    /// The path with the imports of the body applied; `None` if its first segment is declared in
    /// the body.
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

    /// True for a path of at least `least` segments that is the tail of one of the `known` full
    /// paths, such as `std::sync::Mutex`. `core` and `alloc` count as `std`, and a re-export of
    /// `tracing` as `tracing`.
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
        if written.len() > 2
            && ["rewarm", "lambda_runtime"].contains(&&*written[0])
            && written[1] == "tracing"
        {
            written.remove(0);
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

/// True if the last segment of a path has arguments in angle brackets.
pub(super) fn is_generic(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|last| matches!(last.arguments, PathArguments::AngleBracketed(_)))
}

/// A path for a message: without generic arguments.
pub(super) fn show(path: &Path) -> String {
    let segments = path.segments.iter();
    let segments: Vec<_> = segments.map(|segment| segment.ident.to_string()).collect();
    segments.join("::")
}

/// True for a name in SCREAMING_CASE.
pub(super) fn is_screaming(name: &str) -> bool {
    name.contains(|c: char| c.is_uppercase()) && !name.contains(|c: char| c.is_lowercase())
}
