//! The value of a cached resource while somebody uses it.

use std::ops::Deref;
use std::sync::Arc;

use super::entries::Found;
use crate::resource::Handle;

/// The value of a `#[cached]` resource while somebody uses it.
pub struct ValueRef<V>(pub(super) Holding<V>);

pub(super) enum Holding<V> {
    /// Where it is kept. There is one.
    Kept(Found<V>),
    /// As it was waited for.
    Fetched(Arc<V>),
}

impl<V> ValueRef<V> {
    fn arc(&self) -> &Arc<V> {
        match &self.0 {
            Holding::Kept(found) => match &**found {
                Some(kept) => &kept.value,
                None => unreachable!("a value is there"),
            },
            Holding::Fetched(value) => value,
        }
    }
}

impl<V> Deref for ValueRef<V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.arc()
    }
}

impl<V> Handle for ValueRef<V> {
    fn handle(&self) -> Arc<V> {
        Arc::clone(self.arc())
    }
}
