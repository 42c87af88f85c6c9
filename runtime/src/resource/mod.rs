//! Resources as their users and the container see them: the traits behind a parameter `db: &Pool`,
//! and the entries of the registry.

pub(crate) mod awaited_static;
pub(crate) mod cell;
pub(crate) mod graph;
pub(crate) mod hold;
pub(crate) mod lifecycle;
pub(crate) mod spec;
mod state;
pub(crate) mod static_cell;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Tick;
use crate::base::erased::{BoxFuture, Erased};
use crate::error::ResourceError;

pub(crate) use graph::{
    HandlerNeeds, Needed, begin_replacement, mark_dependents_stale, needed, registry,
};
pub use graph::{REGISTRY, Registered};

/// A resource: an `#[init]`, or a `#[cached]` without arguments. Functions take it by the name of a
/// parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not declared by `#[init]`, or by `#[cached]` on a function without arguments",
    note = "a parameter is filled with the resource of the same name; a `#[cached]` function with \
            arguments is not a resource and is called in the body\n\
            help: declare it with `#[init]`, import it with `use`, or give its path with \
            `#[from(path::to::resource)]`"
)]
pub trait Resource {
    /// Lets an expansion check that a name is that of a resource.
    const IS: bool = true;
    /// The type of the storage.
    type Storage: Storage;
    /// One more than the deepest of the resources that this one is built from. For a resource that
    /// is built from itself this cannot be evaluated, and the compiler's error shows the name.
    const A_RESOURCE_NEEDS_ITSELF: usize;

    /// Returns the storage of the value.
    fn storage() -> &'static Self::Storage;
}

/// The storage of a resource's value.
pub trait Storage: Sync + 'static {
    /// A value that is in use.
    type Ref: Deref + Send + Sync + 'static;

    /// Returns the value if it is ready.
    fn ready(&'static self) -> Option<Self::Ref>;

    /// Waits until the value is ready.
    fn wait(&'static self) -> PendingValue;

    /// Returns the value to a caller that does not await, and builds it on this thread if need be.
    ///
    /// # Errors
    /// One that is not ready if the resource would have to be awaited.
    fn wait_blocking(&'static self) -> Result<Erased, ResourceError>;

    /// Gives a value that was waited for its type.
    fn hold(&'static self, value: Erased) -> Self::Ref;

    /// Returns the entry of the registry.
    fn entry(&'static self) -> &'static dyn RegistryEntry;
}

/// A future of a value.
pub type PendingValue = BoxFuture<'static, Result<Erased, ResourceError>>;

/// A future that makes a [`RegistryEntry`] ready.
pub type EnsureReady = BoxFuture<'static, Result<(), ResourceError>>;

/// A resource or a cache as the container sees it, whatever its type.
pub trait RegistryEntry: Sync {
    /// Returns the name under which it was declared.
    fn name(&self) -> &'static str;
    /// See [`Resource::A_RESOURCE_NEEDS_ITSELF`].
    fn depth(&self) -> usize;
    /// Returns its part in INIT.
    fn kind(&self) -> EntryKind;
    /// Returns the number of times that it was built; of a cache, the number of times that it was
    /// emptied because a dependency was rebuilt.
    fn generation(&self) -> u64 {
        0
    }
    /// Returns the entries that it is built from.
    fn dependencies(&self) -> Vec<&'static dyn RegistryEntry> {
        Vec::new()
    }
    /// Makes it ready: built, checked where that is due, and built from the dependencies of now.
    fn ensure_ready(&'static self) -> EnsureReady;
    /// INIT does not build it, since the handler does not need it.
    fn leave_out_of_init(&self) {}
    /// A dependency was rebuilt, or is stale and may be.
    fn mark_stale(&self, _is_rebuilt: bool) {}
    /// An invocation begins, `idle` after the last one ended. Returns true if this leaves the value
    /// stale.
    fn on_invocation_start(&self, _idle: Duration) -> bool {
        false
    }
    /// The container was restored from a snapshot. Returns true if this leaves the value stale.
    fn restored(&self) -> bool {
        false
    }
    /// True if it is built, and has to be checked or rebuilt before it is used.
    fn is_stale(&self) -> bool {
        false
    }
    /// True while an attempt is under way.
    fn is_building(&self) -> bool {
        false
    }
    /// True if it has a `close` hook.
    fn has_close(&self) -> bool {
        false
    }
    /// True if replaced generations wait to be closed.
    fn has_retired(&self) -> bool {
        false
    }
    /// Closes replaced generations that are not in use any more.
    fn close_retired(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Closes all generations, at SHUTDOWN.
    fn close(&'static self) -> Option<BoxFuture<'static, ()>> {
        None
    }
    /// Resets it to the state in which the process started.
    #[cfg(feature = "testing")]
    fn reset(&self);
    /// Drops the values that have expired.
    fn purge(&self, _now: Tick) {}
    /// Returns the duration of the last successful attempt.
    fn build_time(&self) -> Option<Duration> {
        None
    }
    /// True for a cache with a store.
    fn has_store(&self) -> bool {
        false
    }
    /// Returns the statistics of a cache.
    fn stats(&self) -> Option<crate::base::counters::Stats> {
        None
    }
}

/// The part of a [`RegistryEntry`] in INIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A resource with an `async` initialiser, which INIT starts first.
    Async,
    /// A resource whose initialiser does not await.
    Blocking,
    /// A resource that is built at its first use.
    Lazy,
    /// A cache, which is filled by use.
    Cache,
}

/// A value in use that is owned by an `Arc`.
pub trait Handle: Deref {
    /// Returns the `Arc`.
    fn handle(&self) -> Arc<Self::Target>;
}

/// A parameter that owns its value: `db: Arc<Pool>`, or a clone.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` cannot be filled from this resource",
    label = "neither the type of the resource nor an `Arc` of it",
    note = "the resource is held as `{H}`\n\
            help: take a resource of type `T` as `&T`, `Arc<T>`, or `T` if it is `Clone`"
)]
pub trait FromRef<T, H> {
    /// `()`, or a type that is not [`Possible`].
    type Way;

    /// Returns the parameter's value.
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

/// A value of which a parameter can have a clone.
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

/// The value of a static that derefs, in use.
pub struct StaticRef<T: 'static>(pub &'static T);

impl<T> Deref for StaticRef<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0
    }
}

/// Gives rustc an impl with a bound that fails, and so our message, for an `Arc` of a static.
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

/// A way to fill a parameter.
#[diagnostic::on_unimplemented(
    message = "a static resource cannot be taken as an `Arc`",
    label = "a static is not owned by an `Arc`",
    note = "a static lives until the container ends and is never replaced\nhelp: take it as `&T`"
)]
pub trait Possible {}

impl Possible for () {}

/// The resources that a function takes, as a tuple.
pub trait ResourceSet {
    /// All of them, in use.
    type Refs: Send + Sync + 'static;
    /// Those that are ready, in use.
    type Ready: Send + 'static;

    /// Returns all of them if they are ready, or those that are.
    fn ready() -> Result<Self::Refs, Self::Ready>;
    /// Waits for each of the others, in order.
    fn wait(ready: &Self::Ready) -> Vec<PendingValue>;
    /// Builds each of the others on this thread, in order.
    ///
    /// # Errors
    /// The first error. See [`Storage::wait_blocking`].
    fn wait_blocking(ready: &Self::Ready) -> Result<Vec<Erased>, ResourceError>;
    /// Puts values that were waited for beside those that were ready.
    fn hold(ready: Self::Ready, values: Vec<Erased>) -> Self::Refs;
    /// Returns their entries of the registry.
    fn entries() -> Vec<&'static dyn RegistryEntry>;
}

macro_rules! sets {
    ($($name:ident)*) => {
        sets!(@ $($name)*);
    };
    (@ $first:ident $($name:ident)*) => {
        #[allow(non_snake_case)]
        impl<$first: Resource, $($name: Resource),*> ResourceSet for ($first, $($name,)*) {
            type Refs = (<$first::Storage as Storage>::Ref, $(<$name::Storage as Storage>::Ref,)*);
            type Ready = (
                Option<<$first::Storage as Storage>::Ref>,
                $(Option<<$name::Storage as Storage>::Ref>,)*
            );

            #[inline]
            fn ready() -> Result<Self::Refs, Self::Ready> {
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

            fn wait_blocking(
                ($first, $($name,)*): &Self::Ready,
            ) -> Result<Vec<Erased>, ResourceError> {
                let mut values = Vec::new();
                if $first.is_none() {
                    values.push($first::storage().wait_blocking()?);
                }
                $(if $name.is_none() {
                    values.push($name::storage().wait_blocking()?);
                })*
                Ok(values)
            }

            fn hold(($first, $($name,)*): Self::Ready, values: Vec<Erased>) -> Self::Refs {
                let mut values = values.into_iter();
                (
                    $first.unwrap_or_else(|| $first::storage().hold(next(&mut values))),
                    $($name.unwrap_or_else(|| $name::storage().hold(next(&mut values))),)*
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
    type Refs = ();
    type Ready = ();

    fn ready() -> Result<(), ()> {
        Ok(())
    }

    fn wait((): &()) -> Vec<PendingValue> {
        Vec::new()
    }

    fn wait_blocking((): &()) -> Result<Vec<Erased>, ResourceError> {
        Ok(Vec::new())
    }

    fn hold((): (), _: Vec<Erased>) {}

    fn entries() -> Vec<&'static dyn RegistryEntry> {
        Vec::new()
    }
}

fn next(values: &mut std::vec::IntoIter<Erased>) -> Erased {
    match values.next() {
        Some(value) => value,
        None => unreachable!("there is a value for each resource that was not ready"),
    }
}

/// Returns the depth of a resource that is built from others of these depths: one more than the
/// deepest, or 0.
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
