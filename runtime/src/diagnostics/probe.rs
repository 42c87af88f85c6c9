//! Properties of types, tested at compile time without a trait bound.

use std::error::Error as StdError;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::base::erased::{Erased, lent};
use crate::error::{BoxError, ResourceError};

/// Tests for properties of `T` without an error if one is missing: an inherent constant whose bounds
/// hold takes precedence over the constant of the trait [`Fallback`].
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The results for types that lack the property.
pub trait Fallback<T> {
    /// Not a `Result`.
    const IS_RESULT: bool = false;
    /// Not an `Option`, so never `None`.
    const IS_NONE: fn(&Erased) -> bool = |_| false;
    /// Not `Clone`.
    const CLONE: Option<fn(&T) -> T> = None;
    /// Not an error, so only the name of the type is reported.
    const INTO_BOX: fn(T) -> BoxError = |_| {
        let text = format!("an error of type `{}`", std::any::type_name::<T>());
        crate::error::Error::msg(text).into()
    };
    /// Not `From<ResourceError>`.
    const FROM_RESOURCE_ERROR: Option<fn(ResourceError) -> T> = None;
}

impl<T> Fallback<T> for Probe<T> {}

#[allow(missing_docs)]
impl<T, E> Probe<Result<T, E>> {
    pub const IS_RESULT: bool = true;
}

#[allow(missing_docs)]
impl<T: 'static> Probe<Option<T>> {
    pub const IS_NONE: fn(&Erased) -> bool = |value| lent::<Option<T>>(value).is_none();
}

#[allow(missing_docs)]
impl<T: Clone> Probe<T> {
    pub const CLONE: Option<fn(&T) -> T> = Some(T::clone);
}

#[allow(missing_docs)]
impl<T: Into<BoxError>> Probe<T> {
    pub const INTO_BOX: fn(T) -> BoxError = T::into;
}

#[allow(missing_docs)]
impl<T: From<ResourceError>> Probe<T> {
    pub const FROM_RESOURCE_ERROR: Option<fn(ResourceError) -> T> = Some(T::from);
}

/// An error of a type that may be no `std::error::Error`. Method resolution takes the first of
/// [`ChainOfError`], [`ChainByDeref`] and [`NoChain`] that applies.
pub struct ChainOf<'a, E>(pub &'a E);

impl<E> Copy for ChainOf<'_, E> {}

impl<E> Clone for ChainOf<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

/// An error.
pub trait ChainOfError {
    /// Formats it with its sources.
    fn chain(&self) -> String;
}

impl<E: StdError + 'static> ChainOfError for &ChainOf<'_, E> {
    fn chain(&self) -> String {
        crate::error::chain(self.0)
    }
}

/// A pointer to an error, such as a `Box`, or an `anyhow::Error`.
pub trait ChainByDeref {
    /// Formats it with its sources.
    fn chain(&self) -> String;
}

impl<E: Deref<Target = dyn StdError + Send + Sync>> ChainByDeref for ChainOf<'_, E> {
    fn chain(&self) -> String {
        crate::error::chain(&**self.0)
    }
}

/// Any other type.
pub trait NoChain {
    /// Names the type.
    fn chain(self) -> String;
}

impl<E> NoChain for ChainOf<'_, E> {
    fn chain(self) -> String {
        format!("an error of type `{}`", std::any::type_name::<E>())
    }
}

/// Lends a value to a parameter that borrows a trait object `D`. A pointer to `D`, such as
/// `Arc<dyn Trait>`, lends its target; any other value lends itself ([`LendsItself`]).
pub struct Lender<'a, V: ?Sized, D: ?Sized>(&'a V, PhantomData<&'a D>);

impl<'a, V: ?Sized, D: ?Sized> Lender<'a, V, D> {
    /// Wraps a value.
    #[inline]
    pub fn of(value: &'a V) -> Self {
        Self(value, PhantomData)
    }
}

impl<'a, V: Deref<Target = D> + ?Sized, D: ?Sized> Lender<'a, V, D> {
    /// The target of the pointer.
    #[inline]
    pub fn lend(self) -> &'a D {
        self.0
    }
}

/// The fallback of [`Lender`] for values that are not pointers to `D`.
pub trait LendsItself<'a, V: ?Sized> {
    /// The value.
    fn lend(self) -> &'a V;
}

impl<'a, V: ?Sized, D: ?Sized> LendsItself<'a, V> for Lender<'a, V, D> {
    #[inline]
    fn lend(self) -> &'a V {
        self.0
    }
}

/// A `Result`, also behind an alias, and its two types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    note = "help: write `Result<T, E>`, or an alias of it with one type parameter"
)]
pub trait IsResult {
    /// The type of the value.
    type Ok;
    /// The type of the error.
    type Err;
    /// Returns the value as a plain `Result`.
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn into_result(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_probe_tells_types_apart_behind_aliases() {
        type Hidden = std::io::Result<u8>;
        struct Opaque;
        const {
            assert!(Probe::<Hidden>::IS_RESULT);
            assert!(!Probe::<Option<u8>>::IS_RESULT);
            assert!(Probe::<Opaque>::CLONE.is_none());
            assert!(Probe::<String>::CLONE.is_some());
        }
        let (none, zero): (Erased, Erased) = (Arc::new(None::<u8>), Arc::new(0_u8));
        assert!((Probe::<Option<u8>>::IS_NONE)(&none));
        assert!(!(Probe::<u8>::IS_NONE)(&zero));
        assert!(Probe::<std::fmt::Error>::FROM_RESOURCE_ERROR.is_none());
        assert!(Probe::<crate::error::Error>::FROM_RESOURCE_ERROR.is_some());
        assert_eq!((Probe::<String>::INTO_BOX)("text".into()).to_string(), "text");
        assert!((Probe::<Opaque>::INTO_BOX)(Opaque).to_string().ends_with("Opaque`"));
    }
}
