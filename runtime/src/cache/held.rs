//! The value of a cached resource while somebody uses it.

use std::ops::Deref;
use std::sync::Arc;

use super::answer::Answer;
use super::store::{Entry, SlotFound};
use crate::clock::Tick;
use crate::resource::Handle;

/// The value of a `#[cached]` resource while somebody uses it. Its entry is one of a value.
pub struct HeldValue<V, E>(pub(super) SlotFound<V, E>);

impl<V, E> HeldValue<V, E> {
    pub(super) fn fetched(value: V) -> Self {
        let entry = Entry { answer: Answer::Value(value), fresh_until: Tick::ZERO };
        Self(SlotFound::owned(entry))
    }
}

impl<V, E> Deref for HeldValue<V, E> {
    type Target = V;

    fn deref(&self) -> &V {
        match &self.0.as_ref().answer {
            Answer::Value(value) => value,
            Answer::Error(_) => unreachable!("only values are held"),
        }
    }
}

impl<V: Clone, E> Handle for HeldValue<V, E> {
    fn handle(&self) -> Arc<V> {
        Arc::new(V::clone(self))
    }
}
