//! Values and futures whose type only those know who put them in and take them out. What keeps them alive is
//! compiled once, and not for every type that a user keeps.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

/// A future of some type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A value of some type.
pub type Erased = Arc<dyn Any + Send + Sync>;

/// The value, by those who know its type.
pub(crate) fn owned<T: Send + Sync + 'static>(value: Erased) -> Arc<T> {
    match value.downcast() {
        Ok(value) => value,
        Err(_) => unreachable!("a place holds values of its own type"),
    }
}

/// The same, where it stands.
pub fn lent<T: 'static>(value: &Erased) -> &T {
    match value.downcast_ref() {
        Some(value) => value,
        None => unreachable!("a place holds values of its own type"),
    }
}
