//! Keys made from a function's arguments: looked up by what the caller borrowed, owned only when a
//! value has to be fetched.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use quick_cache::Equivalent;

/// A key of its own.
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> Key for T {}

/// A value that every caller gets a clone of.
pub trait Value: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Value for T {}

/// What a caller has in hand: finds an entry without owning a key.
pub trait Query<K>: Hash + Equivalent<K> {
    /// The key it would be kept under.
    fn own(&self) -> K;
}

impl Query<()> for () {
    fn own(&self) {}
}

/// Borrowed arguments. Hashes like the tuple of the owned ones.
#[derive(Clone, Copy)]
pub struct Arguments<T>(pub T);

impl<T: Hash> Hash for Arguments<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

macro_rules! queries {
    ($(($ty:ident $n:tt))+) => {
        impl<$($ty: ?Sized + Eq + ToOwned),+> Equivalent<($($ty::Owned,)+)> for Arguments<($(&$ty,)+)> {
            fn equivalent(&self, key: &($($ty::Owned,)+)) -> bool {
                $(*self.0.$n == *Borrow::<$ty>::borrow(&key.$n))&&+
            }
        }

        impl<$($ty: ?Sized + Hash + Eq + ToOwned),+> Query<($($ty::Owned,)+)> for Arguments<($(&$ty,)+)> {
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
        assert!(query.equivalent(&key));
        assert!(!Arguments(("a", &[1u8][..], &7u64)).equivalent(&key));
        assert!(!Arguments(("b", &[1u8, 2][..], &7u64)).equivalent(&key));
    }
}
