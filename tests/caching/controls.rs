//! `peek`, `refresh`, `invalidate` and `clear`.

use super::*;

mod controlled {
    use super::*;

    pub(super) static LOADS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn version() -> u32 {
        LOADS.up()
    }

    pub(super) static LOOKUPS: Count = Count::new();

    #[cached(ttl = "1h")]
    pub(super) async fn lookup(r#type: &str) -> Result<String, Refused> {
        let lookup = LOOKUPS.up();
        if lookup == 4 { Err(Refused) } else { Ok(format!("{} {lookup}", r#type)) }
    }
}

#[tokio::test]
async fn cached_values_are_peeked_refreshed_and_invalidated() {
    let _turn = outside_containers().await;
    use controlled::{lookup, version};
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 1);
    assert_eq!(version::peek(), Some(1));
    assert_eq!(version::refresh().await, 2);
    assert_eq!(version().await, 2);
    version::invalidate();
    assert_eq!(version::peek(), None);
    assert_eq!(version().await, 3);

    assert_eq!(lookup("a").await.unwrap(), "a 1");
    assert_eq!(lookup("b").await.unwrap(), "b 2");
    lookup::invalidate("a");
    assert_eq!((lookup::peek("a"), lookup::peek("b")), (None, Some("b 2".into())));
    assert_eq!(lookup::refresh("b").await.unwrap(), "b 3");
    assert_eq!(lookup::refresh("b").await, Err(Refused));
    assert_eq!(lookup("b").await.unwrap(), "b 3", "an error replaces nothing");
    lookup::clear();
    assert_eq!(lookup::stats().entries, 0);
    assert_eq!(lookup("b").await.unwrap(), "b 5");
}
