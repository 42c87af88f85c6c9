//! A resource's value while somebody uses it.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;

use crate::resource::Handle;

/// A value that somebody uses. A rebuild meanwhile does not take it away.
pub struct ResourceRef<T>(Guard<Option<Arc<T>>>);

impl<T> ResourceRef<T> {
    pub(super) fn new(guard: Guard<Option<Arc<T>>>) -> Option<Self> {
        guard.is_some().then_some(Self(guard))
    }

    pub(super) fn owned(value: Arc<T>) -> Self {
        Self(Guard::from_inner(Some(value)))
    }

    fn arc(&self) -> &Arc<T> {
        match &*self.0 {
            Some(value) => value,
            None => unreachable!("both constructors hold a value"),
        }
    }
}

impl<T> Deref for ResourceRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.arc()
    }
}

impl<T> Handle for ResourceRef<T> {
    fn handle(&self) -> Arc<T> {
        Arc::clone(self.arc())
    }
}
