//! The value of a cached resource while somebody uses it.

use std::ops::Deref;
use std::sync::Arc;

use super::answer::Answer;
use super::store::SlotFound;
use crate::resource::Handle;

/// The value of a `#[cached]` resource while somebody uses it.
pub enum HeldValue<V, E> {
    /// As it is kept.
    #[doc(hidden)]
    Kept(SlotFound<V, E>),
    /// As it was fetched.
    #[doc(hidden)]
    Fetched(V),
}

impl<V, E> Deref for HeldValue<V, E> {
    type Target = V;

    fn deref(&self) -> &V {
        match self {
            Self::Fetched(value) => value,
            Self::Kept(found) => match &found.as_ref().answer {
                Answer::Value(value) => value,
                Answer::Error(_) => unreachable!("only values are held"),
            },
        }
    }
}

impl<V: Clone, E> Handle for HeldValue<V, E> {
    fn handle(&self) -> Arc<V> {
        Arc::new(V::clone(self))
    }
}
