//! What a resource is to those who use it: the traits behind a parameter `db: &Pool`, and what the
//! compiler says where they do not fit.

pub(crate) mod attempt;
pub(crate) mod cell;
pub(crate) mod held;
pub(crate) mod lifecycle;
pub(crate) mod spec;
pub(crate) mod static_cell;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::base::clock::Tick;
use crate::base::erased::{BoxFuture, Erased};
use crate::error::ResourceError;

/// What `#[init]` or a `#[cached]` without arguments declares: something that others take by
/// naming it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not declared by `#[init]`, or by `#[cached]` on a function without arguments",
    note = "a parameter is filled with the resource of the same name; a `#[cached]` function with \
            arguments is not a resource and is called in the body\n\
            help: declare it with `#[init]`, import it with `use`, or give its path with \
            `#[from(path::to::resource)]`"
)]
pub trait Resource {
    /// For what is said of a type that is none.
    const IS: bool = true;
    /// What it stands in.
    type Storage: Storage;
    /// One more than the deepest of the resources that this one is made from. One that is made from
    /// itself, through others or not, has none: its name is in what the compiler says then.
    const DEPTH_UNLESS_CIRCULAR: usize;

    /// Where it stands.
    fn storage() -> &'static Self::Storage;
}

/// What the value of a resource stands in.
pub trait Storage: Sync + 'static {
    /// How the value is held while somebody uses it.
    type ResourceRef: Deref + Send + Sync + 'static;

    /// Takes hold of the value if it can be used as it is.
    fn ready(&'static self) -> Option<Self::ResourceRef>;

    /// Waits until the value can be used.
    fn wait(&'static self) -> PendingValue;

    /// Takes hold of what was waited for.
    fn held(&'static self, value: Erased) -> Self::ResourceRef;

    /// Its part in the container's life.
    fn entry(&'static self) -> &'static dyn RegistryEntry;
}

/// A value that is waited for.
pub type PendingValue = BoxFuture<'static, Result<Erased, ResourceError>>;

/// A [`RegistryEntry`] that is being made usable.
pub type EnsureReady = BoxFuture<'static, Result<(), ResourceError>>;

/// A resource as the container sees it, whatever its type.
pub trait RegistryEntry: Sync {
    /// The name it was declared under.
    fn name(&self) -> &'static str;
    /// See [`Resource::DEPTH_UNLESS_CIRCULAR`].
    fn depth(&self) -> usize;
    /// Which part it plays in the container's life.
    fn kind(&self) -> EntryKind;
    /// How often it was built; 0 if it never was. Cached values have no generations.
    fn generation(&self) -> u64 {
        0
    }
    /// What it is built from.
    fn dependencies(&self) -> Vec<&'static dyn RegistryEntry> {
        Vec::new()
    }
    /// Makes it usable: built, checked where that is due, and as fresh as what it was built from.
    fn ensure_ready(&'static self) -> EnsureReady;
    /// Something that it is built from was rebuilt, or is in doubt.
    fn mark_stale(&self) {}
    /// An invocation begins, `idle` after the last one ended; whether that leaves the value in doubt.
    fn on_invocation_start(&self, _idle: Duration) -> bool {
        false
    }
    /// The container was restored from a snapshot; whether that leaves the value in doubt.
    fn restored(&self) -> bool {
        false
    }
    /// Whether it is built, and not to be used before it is looked at.
    fn is_stale(&self) -> bool {
        false
    }
    /// Whether it is being built or looked at.
    fn is_building(&self) -> bool {
        false
    }
    /// Whether it wants to be closed.
    fn has_close(&self) -> bool {
        false
    }
    /// Whether replaced generations wait to be closed.
    fn has_retired(&self) -> bool {
        false
    }
    /// Closes replaced generations that nobody holds any more.
    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Closes all that is there: SHUTDOWN.
    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Back to how the process started, for the next simulated container.
    #[cfg(feature = "testing")]
    fn reset(&self);
    /// Drops what is too old to be given to anybody.
    fn purge(&self, _now: Tick) {}
    /// How long the last attempt to build it took.
    fn build_time(&self) -> Option<Duration> {
        None
    }
    /// What a cache counted.
    fn stats(&self) -> Option<crate::base::counters::Stats> {
        None
    }
}

/// Every resource and cache of the program, put together by the linker.
#[linkme::distributed_slice]
pub static REGISTRY: [&'static dyn RegistryEntry];

/// The [`REGISTRY`]; empty under Miri, which links nothing.
pub(crate) fn registry() -> impl Iterator<Item = &'static dyn RegistryEntry> {
    #[cfg(not(miri))]
    let entries: &[&dyn RegistryEntry] = &REGISTRY;
    #[cfg(miri)]
    let entries: &[&dyn RegistryEntry] = &[];
    entries.iter().copied()
}

/// Says to all that is built from these, directly or not, that it needs a look.
pub(crate) fn mark_dependents_stale(mut changed: Vec<&'static dyn RegistryEntry>) {
    let mut next = 0;
    while let Some(entry) = changed.get(next).copied() {
        let is_new =
            |other: &&dyn RegistryEntry| !changed.iter().any(|it| std::ptr::addr_eq(*it, *other));
        let built_from = |other: &&dyn RegistryEntry| {
            other.dependencies().iter().any(|it| std::ptr::addr_eq(*it, entry))
        };
        let dependents: Vec<_> = registry().filter(is_new).filter(built_from).collect();
        dependents.iter().for_each(|entry| entry.mark_stale());
        changed.extend(dependents);
        next += 1;
    }
}

/// What INIT does with a [`RegistryEntry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Builds it, started before the others: its initialiser waits for something.
    PendingValue,
    /// Builds it beside the others: its initialiser computes.
    Computing,
    /// Leaves it to the first use.
    Lazy,
    /// A cache: filled by use.
    Cache,
}

/// Can be had as an `Arc` of what it holds.
pub trait Handle: Deref {
    /// One more owner of the value.
    fn handle(&self) -> Arc<Self::Target>;
}

/// A parameter that owns what it is given: `db: Arc<Pool>`, or a clone.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` cannot be filled from this resource",
    label = "neither the type of the resource nor an `Arc` of it",
    note = "the resource is held as `{H}`\n\
            help: take a resource of type `T` as `&T`, `Arc<T>`, or `T` if it is `Clone`"
)]
pub trait FromRef<T, H> {
    /// Whether it can be.
    type Way;

    /// The parameter's value.
    fn from_ref(held: &H) -> Self
    where
        Self::Way: Possible;
}

#[diagnostic::do_not_recommend]
impl<T, H: Handle<Target = T>> FromRef<T, H> for Arc<T> {
    type Way = ();

    fn from_ref(held: &H) -> Self {
        held.handle()
    }
}

/// What can be handed out as a value of its own.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` cannot be filled from this resource",
    label = "not `Clone`",
    note = "the container keeps the resource for later invocations, so the parameter needs a clone\n\
            help: take `&{Self}` or `Arc<{Self}>`"
)]
pub trait Cloneable: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> Cloneable for T {}

#[diagnostic::do_not_recommend]
impl<T: Cloneable, H: Deref<Target = T>> FromRef<T, H> for T {
    type Way = ();

    fn from_ref(held: &H) -> Self {
        T::clone(held)
    }
}

/// The value of a static that derefs, while somebody uses it.
pub struct StaticRef<T: 'static>(pub &'static T);

impl<T> Deref for StaticRef<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0
    }
}

/// For what is said of it.
#[diagnostic::do_not_recommend]
impl<T> FromRef<T, StaticRef<T>> for Arc<T> {
    type Way = StaticRef<T>;

    fn from_ref(_: &StaticRef<T>) -> Self
    where
        StaticRef<T>: Possible,
    {
        unreachable!("does not compile")
    }
}

/// What a parameter can be filled by.
#[diagnostic::on_unimplemented(
    message = "a static resource cannot be taken as an `Arc`",
    label = "a static is not owned by an `Arc`",
    note = "a static lives until the container ends and is never replaced\nhelp: take it as `&T`"
)]
pub trait Possible {}

impl Possible for () {}

/// All resources that one function names, as a tuple.
pub trait ResourceSet {
    /// All of them, held.
    type ResourceRef: Send + Sync + 'static;
    /// Those that are ready, held.
    type Ready: Send + 'static;

    /// All of them if they are ready, or those that are.
    fn ready() -> Result<Self::ResourceRef, Self::Ready>;
    /// Waits for each of the others, in order.
    fn wait(ready: &Self::Ready) -> Vec<PendingValue>;
    /// Takes hold of what was waited for, beside those that were ready.
    fn held(ready: Self::Ready, values: Vec<Erased>) -> Self::ResourceRef;
    /// Where they stand in the container.
    fn entries() -> Vec<&'static dyn RegistryEntry>;
}

macro_rules! sets {
    ($($name:ident)*) => {
        sets!(@ $($name)*);
    };
    (@ $first:ident $($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<$first: Resource, $($name: Resource),*> ResourceSet for ($first, $($name,)*) {
            type ResourceRef = (<$first::Storage as Storage>::ResourceRef, $(<$name::Storage as Storage>::ResourceRef,)*);
            type Ready = (
                Option<<$first::Storage as Storage>::ResourceRef>,
                $(Option<<$name::Storage as Storage>::ResourceRef>,)*
            );

            #[inline]
            fn ready() -> Result<Self::ResourceRef, Self::Ready> {
                match ($first::storage().ready(), $($name::storage().ready(),)*) {
                    (Some($first), $(Some($name),)*) => Ok(($first, $($name,)*)),
                    ready => Err(ready),
                }
            }

            fn wait(($first, $($name,)*): &Self::Ready) -> Vec<PendingValue> {
                let waiting = [
                    $first.is_none().then(|| $first::storage().wait()),
                    $($name.is_none().then(|| $name::storage().wait()),)*
                ];
                waiting.into_iter().flatten().collect()
            }

            fn held(($first, $($name,)*): Self::Ready, values: Vec<Erased>) -> Self::ResourceRef {
                let mut values = values.into_iter();
                (
                    $first.unwrap_or_else(|| $first::storage().held(next(&mut values))),
                    $($name.unwrap_or_else(|| $name::storage().held(next(&mut values))),)*
                )
            }

            fn entries() -> Vec<&'static dyn RegistryEntry> {
                vec![$first::storage().entry(), $($name::storage().entry(),)*]
            }
        }
        sets!(@ $($name)*);
    };
    (@) => {};
}

sets!(A B C D E F G H I J K L M N O P);

impl ResourceSet for () {
    type ResourceRef = ();
    type Ready = ();

    fn ready() -> Result<(), ()> {
        Ok(())
    }

    fn wait((): &()) -> Vec<PendingValue> {
        Vec::new()
    }

    fn held((): (), _: Vec<Erased>) {}

    fn entries() -> Vec<&'static dyn RegistryEntry> {
        Vec::new()
    }
}

fn next(values: &mut std::vec::IntoIter<Erased>) -> Erased {
    match values.next() {
        Some(value) => value,
        None => unreachable!("each was waited for"),
    }
}

/// Waits for all at the same time; the first that cannot be had ends it.
#[cold]
pub(crate) fn all(
    waiting: Vec<PendingValue>,
) -> BoxFuture<'static, Result<Vec<Erased>, ResourceError>> {
    Box::pin(try_join_all(waiting))
}

/// The depth of a resource made from others of these depths: one more than the deepest, 0 if it
/// is made from none.
pub const fn depth<const N: usize>(dependencies: [usize; N]) -> usize {
    let (mut depth, mut i) = (0, 0);
    while i < N {
        if dependencies[i] >= depth {
            depth = dependencies[i] + 1;
        }
        i += 1;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_one_more_than_the_deepest() {
        assert_eq!(depth([]), 0);
        assert_eq!(depth([0]), 1);
        assert_eq!(depth([1, 4, 2]), 5);
    }
}
