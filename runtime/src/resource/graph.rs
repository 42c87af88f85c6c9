//! The registry of all resources and caches of the program, and the graph that they form.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::RegistryEntry;

/// Every resource and cache of the program, collected by the linker.
#[linkme::distributed_slice]
pub static REGISTRY: [&'static dyn RegistryEntry];

/// Iterates over the [`REGISTRY`], which is empty under Miri: Miri links nothing.
pub(crate) fn registry() -> impl Iterator<Item = &'static dyn RegistryEntry> {
    #[cfg(not(miri))]
    let entries: &[&dyn RegistryEntry] = &REGISTRY;
    #[cfg(miri)]
    let entries: &[&dyn RegistryEntry] = &[];
    entries.iter().copied()
}

/// Marks everything stale that is built from these, directly or through others.
pub(crate) fn mark_dependents_stale(changed: Vec<&'static dyn RegistryEntry>) {
    if changed.is_empty() {
        return;
    }
    let graph = dependents();
    let mut reached: HashMap<usize, ()> = changed.iter().map(|entry| (key(*entry), ())).collect();
    let mut next = changed;
    while let Some(entry) = next.pop() {
        for dependent in graph.get(&key(entry)).into_iter().flatten() {
            if reached.insert(key(*dependent), ()).is_none() {
                dependent.mark_stale();
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
