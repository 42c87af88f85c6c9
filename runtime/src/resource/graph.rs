//! The registry of all resources and caches of the program, and the graph that they form.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::RegistryEntry;

/// Every resource and cache of the program, collected by the linker.
#[linkme::distributed_slice]
pub static REGISTRY: [Registered];

/// A resource or a cache, and the path of the module that declares it.
pub struct Registered {
    /// The resource or cache.
    pub entry: &'static dyn RegistryEntry,
    /// The path, which begins with the name of the crate. It is empty for the service and the layers of
    /// a handler, which no other handler needs.
    pub module: &'static str,
}

/// The [`REGISTRY`], which is empty under Miri: Miri links nothing.
fn registered() -> &'static [Registered] {
    #[cfg(not(miri))]
    return &REGISTRY;
    #[cfg(miri)]
    &[]
}

/// Iterates over all resources and caches.
pub(crate) fn registry() -> impl Iterator<Item = &'static dyn RegistryEntry> {
    registered().iter().map(|registered| registered.entry)
}

/// The resources that a handler needs in INIT: those of its own crate, those that it names, and all
/// that these are built from. Others of the program may belong to other functions.
pub(crate) fn needed(handler: &HandlerNeeds) -> Needed {
    let (mut reached, mut next) = (HashSet::new(), handler.named.clone());
    while let Some(entry) = next.pop() {
        if reached.insert(key(entry)) {
            next.extend(entry.dependencies());
        }
    }
    let is_needed = |it: &&Registered| {
        crate_of(it.module) == crate_of(handler.module) || reached.contains(&key(it.entry))
    };
    let (needed, others): (Vec<_>, Vec<_>) = registered().iter().partition(is_needed);
    let entries = |all: Vec<&Registered>| all.into_iter().map(|it| it.entry).collect();
    Needed { needed: entries(needed), others: entries(others) }
}

/// See [`needed`].
pub(crate) struct Needed {
    pub(crate) needed: Vec<&'static dyn RegistryEntry>,
    pub(crate) others: Vec<&'static dyn RegistryEntry>,
}

/// A handler's own crate, and the resources that it names.
pub(crate) struct HandlerNeeds {
    pub(crate) module: &'static str,
    pub(crate) named: Vec<&'static dyn RegistryEntry>,
}

fn crate_of(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// The number of generations that replaced another one, in the whole program.
static REPLACED: AtomicU64 = AtomicU64::new(0);

/// A generation is about to replace another one, whose dependents are marked stale.
pub(crate) fn begin_replacement() {
    REPLACED.fetch_add(1, SeqCst);
}

/// Tells whether values that were taken one after the other belong together.
pub(crate) struct View {
    replaced: u64,
    tries: u8,
}

impl View {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { replaced: REPLACED.load(SeqCst), tries: 0 }
    }

    /// True if no generation was replaced since the last call. Who rebuilds all the time keeps no
    /// caller waiting for ever.
    #[inline]
    pub(crate) fn is_whole(&mut self) -> bool {
        const MAX_TRIES: u8 = 100;
        let replaced = REPLACED.load(SeqCst);
        let is_same = std::mem::replace(&mut self.replaced, replaced) == replaced;
        self.tries += 1;
        is_same || self.tries == MAX_TRIES
    }
}

/// Marks everything stale that is built from these, directly or through others. They have been
/// rebuilt, or may be when they are used.
pub(crate) fn mark_dependents_stale(changed: Vec<&'static dyn RegistryEntry>, is_rebuilt: bool) {
    if changed.is_empty() {
        return;
    }
    let graph = dependents();
    let mut reached: HashMap<usize, ()> = changed.iter().map(|entry| (key(*entry), ())).collect();
    let mut next = changed;
    while let Some(entry) = next.pop() {
        for dependent in graph.get(&key(entry)).into_iter().flatten() {
            if reached.insert(key(*dependent), ()).is_none() {
                dependent.mark_stale(is_rebuilt);
                next.push(*dependent);
            }
        }
    }
}

/// The entries that are built from an entry, by its [`key`].
type Dependents = HashMap<usize, Vec<&'static dyn RegistryEntry>>;

/// The graph never changes: it is computed once.
fn dependents() -> &'static Dependents {
    static DEPENDENTS: OnceLock<Dependents> = OnceLock::new();
    DEPENDENTS.get_or_init(|| {
        let mut dependents = Dependents::new();
        for entry in registry() {
            for dependency in entry.dependencies() {
                dependents.entry(key(dependency)).or_default().push(entry);
            }
        }
        dependents
    })
}

/// The address of an entry. Entries stand in statics.
fn key(entry: &'static dyn RegistryEntry) -> usize {
    std::ptr::from_ref(entry).cast::<()>().addr()
}
