//! The key: the arguments but for those with `#[skip]` and `#[from]`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::*;

mod plain {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) async fn length(text: &str, bytes: &[u8], factor: usize) -> usize {
        (text.len() + bytes.len()) * factor
    }
}

#[tokio::test]
async fn borrowed_and_owned_arguments_are_the_same_key() {
    let _turn = outside_containers().await;
    use plain::length;
    assert_eq!(length("tea", b"pot", 1).await, 6);
    let owned = (String::from("tea"), b"pot".to_vec());
    assert_eq!(length(&owned.0, &owned.1, 1).await, 6);
    assert_eq!(length::stats().loads, 1);
    for other in [("te", "apot", 1), ("teapot", "", 1), ("tea", "pot", 2)] {
        let sum = length(other.0, other.1.as_bytes(), other.2).await;
        assert_eq!(sum, 6 * other.2);
    }
    let stats = length::stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (1, 4, 4));
    assert_eq!((stats.entries, stats.load_errors, stats.stale_hits), (4, 0, 0));
    assert_eq!(length::peek("tea", b"pot", 2), Some(12));
    assert_eq!(length::peek("tea", b"pot", 3), None);
    assert_eq!(length::stats().hits, 1, "`peek` is not a hit");
}

mod injected {
    use super::*;

    #[init]
    pub(super) async fn db() -> String {
        "db".to_owned()
    }

    #[cached(ttl = "1h")]
    pub(super) async fn row(
        #[from] db: &String,
        key: &str,
        #[from(db)] same: Arc<String>,
        #[skip] trace: &str,
        #[skip] attempt: u32,
    ) -> Result<String, Error> {
        Ok(format!("{db}={same} {key} {trace} {attempt}"))
    }
}

#[tokio::test]
async fn injected_and_skipped_arguments_are_not_part_of_the_key() {
    let _turn = outside_containers().await;
    use injected::row;
    assert_eq!(row("a", "first", 1).await.unwrap(), "db=db a first 1");
    assert_eq!(row("a", "second", 2).await.unwrap(), "db=db a first 1");
    assert_eq!(row("b", "third", 3).await.unwrap(), "db=db b third 3");
    assert_eq!(row::stats().entries, 2);
    assert_eq!(row::peek("a").unwrap(), "db=db a first 1");
    row::invalidate("a");
    assert_eq!(row::peek("a"), None);
}

#[handler(report_every = 0)]
async fn idle(_: Value) {}

/// The `hash` of the key panics at each of its calls in turn.
#[tokio::test]
async fn a_key_whose_hash_panics_leaves_other_keys_alone() {
    let _turn = simulation().await;
    let _container = idle::container().await;
    static CALM: AtomicU64 = AtomicU64::new(0);

    #[derive(Clone, PartialEq, Eq)]
    struct Moody(u8);
    impl Hash for Moody {
        fn hash<H: Hasher>(&self, state: &mut H) {
            assert!(self.0 != 13 || CALM.fetch_sub(1, SeqCst) != 0, "unlucky");
            state.write_u8(self.0);
        }
    }
    #[cached(ttl = "1h")]
    fn doubled(key: Moody) -> u8 {
        key.0 * 2
    }

    let mut panics = 0;
    for calm in 0..20 {
        CALM.store(calm, SeqCst);
        let called = std::panic::catch_unwind(|| {
            doubled(Moody(13));
            doubled::invalidate(Moody(13));
        });
        panics += usize::from(called.is_err());
        assert_eq!((doubled(Moody(1)), doubled(Moody(2))), (2, 4), "calm {calm} times");
    }
    assert!((5..20).contains(&panics), "{panics}");
    CALM.store(100, SeqCst);
    assert_eq!(doubled(Moody(13)), 26);
    assert_eq!(doubled::stats().entries, 3);
}
