//! Keys made of a function's arguments. A lookup borrows the arguments; only a miss owns them.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

/// An owned key.
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> Key for T {}

/// A value of which every caller gets a clone.
pub trait Value: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Value for T {}

/// The arguments of a caller, which find an entry without an owned key.
pub trait Query<K>: Hash {
    /// True if this is the key.
    fn matches(&self, key: &K) -> bool;
    /// Returns the owned key.
    fn own(&self) -> K;
}

impl Query<()> for () {
    fn matches(&self, (): &()) -> bool {
        true
    }

    fn own(&self) {}
}

/// Borrowed arguments. They hash like the tuple of the owned ones.
#[derive(Clone, Copy)]
pub struct Arguments<T>(pub T);

impl<T: Hash> Hash for Arguments<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

macro_rules! queries {
    ($(($ty:ident $n:tt))+) => {
        impl<$($ty: ?Sized + Hash + Eq + ToOwned),+> Query<($($ty::Owned,)+)> for Arguments<($(&$ty,)+)> {
            #[inline]
            fn matches(&self, key: &($($ty::Owned,)+)) -> bool {
                $(*self.0.$n == *Borrow::<$ty>::borrow(&key.$n))&&+
            }

            fn own(&self) -> ($($ty::Owned,)+) {
                ($(self.0.$n.to_owned(),)+)
            }
        }
    };
}

queries!((A 0));
queries!((A 0)(B 1));
queries!((A 0)(B 1)(C 2));
queries!((A 0)(B 1)(C 2)(D 3));
queries!((A 0)(B 1)(C 2)(D 3)(E 4));
queries!((A 0)(B 1)(C 2)(D 3)(E 4)(F 5));
queries!((A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6));
queries!((A 0)(B 1)(C 2)(D 3)(E 4)(F 5)(G 6)(H 7));

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, RandomState};

    #[test]
    fn borrowed_and_owned_arguments_are_one_key() {
        let query = Arguments(("a", &[1u8, 2][..], &7u64));
        let key: (String, Vec<u8>, u64) = query.own();
        let hasher = RandomState::new();
        assert_eq!(hasher.hash_one(query), hasher.hash_one(&key));
        assert!(query.matches(&key));
        assert!(!Arguments(("a", &[1u8][..], &7u64)).matches(&key));
        assert!(!Arguments(("b", &[1u8, 2][..], &7u64)).matches(&key));
    }
}
