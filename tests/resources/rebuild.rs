//! `rebuild`.

use super::*;

mod replaced {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn db() -> Result<u32, Refused> {
        match BUILDS.up() {
            3 => Err(Refused),
            build => Ok(build),
        }
    }
}

#[tokio::test]
async fn a_rebuild_replaces_the_value_and_holders_keep_the_old_one() {
    let _turn = outside_containers().await;
    use replaced::db;
    let old = db().await.unwrap();
    let new = db::rebuild().await.unwrap();
    assert_eq!((*old, *new), (1, 2));
    assert!(Arc::ptr_eq(&new, &db().await.unwrap()));
    let gone = Arc::downgrade(&old);
    drop(old);
    assert!(gone.upgrade().is_none(), "the old value is dropped with its last holder");

    let error = db::rebuild().await.unwrap_err();
    assert_eq!(error.resource(), "db");
    assert!(Arc::ptr_eq(&new, &db().await.unwrap()));
    assert!(Arc::ptr_eq(&new, &db::get().unwrap()));
    assert_eq!(*db::rebuild().await.unwrap(), 4);
}
