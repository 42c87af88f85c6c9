//! The types that lints know, and the search for a type inside another.

use syn::{GenericArgument, PathArguments, Type, TypePath};

use super::paths::{Scope, is_generic};

/// Locks. Their content can be changed through a shared reference.
pub(super) const LOCKS: &[&str] = &[
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::ReentrantLock",
    "tokio::sync::Mutex",
    "tokio::sync::RwLock",
    "parking_lot::Mutex",
    "parking_lot::RwLock",
    "parking_lot::FairMutex",
    "parking_lot::ReentrantMutex",
    "async_lock::Mutex",
    "async_lock::RwLock",
    "async_std::sync::Mutex",
    "async_std::sync::RwLock",
    "futures::lock::Mutex",
    "futures_util::lock::Mutex",
    "spin::Mutex",
    "spin::RwLock",
];

/// Collections that can grow.
pub(super) const GROWING: &[&str] = &[
    "std::vec::Vec",
    "std::string::String",
    "std::collections::VecDeque",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::collections::BTreeMap",
    "std::collections::BTreeSet",
    "std::collections::BinaryHeap",
    "std::collections::LinkedList",
    "std::collections::hash_map::HashMap",
    "std::collections::btree_map::BTreeMap",
    "hashbrown::HashMap",
    "hashbrown::HashSet",
    "indexmap::IndexMap",
    "indexmap::IndexSet",
    "rustc_hash::FxHashMap",
    "rustc_hash::FxHashSet",
    "ahash::AHashMap",
    "ahash::AHashSet",
    "smallvec::SmallVec",
    "bytes::BytesMut",
];

/// Types that count as their type argument.
const WRAPPERS: &[&str] = &[
    "std::option::Option",
    "std::boxed::Box",
    "std::sync::Arc",
    "std::rc::Rc",
    "std::pin::Pin",
    "std::borrow::Cow",
    "std::sync::OnceLock",
    "std::sync::LazyLock",
    "once_cell::sync::OnceCell",
    "once_cell::sync::Lazy",
    "tokio::sync::OnceCell",
    "arc_swap::ArcSwap",
];

/// True for a wrapper with a type argument.
pub(super) fn is_wrapper(ty: &TypePath, scope: &Scope) -> bool {
    scope.is_one_of(&ty.path, WRAPPERS, 1) && is_generic(&ty.path)
}

/// True for a lock with a type argument.
pub(super) fn is_lock(ty: &TypePath, scope: &Scope) -> bool {
    scope.is_one_of(&ty.path, LOCKS, 1) && is_generic(&ty.path)
}

/// True for a collection that can grow.
pub(super) fn is_growing(ty: &TypePath, scope: &Scope) -> bool {
    scope.is_one_of(&ty.path, GROWING, 1)
}

/// The direct components of a type: its type arguments, elements or fields.
pub(super) fn parts(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Path(path) => match path.path.segments.last().map(|last| &last.arguments) {
            Some(PathArguments::AngleBracketed(args)) => {
                let types = args.args.iter().filter_map(|arg| match arg {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        },
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        Type::Array(array) => vec![&array.elem],
        Type::Slice(slice) => vec![&slice.elem],
        Type::Reference(reference) => vec![&reference.elem],
        Type::Paren(paren) => vec![&paren.elem],
        Type::Group(group) => vec![&group.elem],
        _ => Vec::new(),
    }
}

/// The first path in a type that `is` accepts. The search enters the type arguments of a path only
/// if `descend` accepts the path, and all other types always.
pub(super) fn find<'a>(
    ty: &'a Type,
    is: &dyn Fn(&TypePath) -> bool,
    descend: &dyn Fn(&TypePath) -> bool,
) -> Option<&'a TypePath> {
    if let Type::Path(path) = ty {
        if is(path) {
            return Some(path);
        }
        if !descend(path) {
            return None;
        }
    }
    parts(ty).into_iter().find_map(|part| find(part, is, descend))
}
