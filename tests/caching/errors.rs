//! Errors are not cached, and neither is `None`.

use super::*;

mod fallible {
    use super::*;

    pub(super) static LOADS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn settings() -> Result<u32, Refused> {
        match LOADS.up() {
            1 | 2 => Err(Refused),
            load => Ok(load),
        }
    }

    pub(super) static SEARCHES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn find(name: String) -> Option<u32> {
        (SEARCHES.up() > 2).then_some(name.len() as u32)
    }

    pub(super) static QUERIES: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) fn query() -> std::io::Result<Option<u32>> {
        match QUERIES.up() {
            1 => Err(std::io::Error::other("no")),
            2 => Ok(None),
            query => Ok(Some(query)),
        }
    }
}

#[tokio::test]
async fn only_values_are_cached() {
    let _turn = outside_containers().await;
    use fallible::{find, query, settings};
    let outcomes = all((0..5).map(|_| settings())).await;
    assert_eq!(outcomes, [Err(Refused), Err(Refused), Ok(3), Ok(3), Ok(3)]);
    let stats = settings::stats();
    assert_eq!((stats.loads, stats.load_errors, stats.entries), (3, 2, 1));

    let outcomes = all((0..4).map(|_| find("tea".into()))).await;
    assert_eq!(outcomes, [None, None, Some(3), Some(3)]);

    assert_eq!(query().unwrap_err().to_string(), "no");
    assert_eq!(query().unwrap(), None);
    assert_eq!(query().unwrap(), Some(3));
    assert_eq!(query().unwrap(), Some(3));
}
