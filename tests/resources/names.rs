//! Resources are found by path and by any name.

use super::*;

mod far {
    pub(super) mod away {
        use rewarm::init;

        #[init]
        pub async fn db() -> u32 {
            42
        }
    }
}

#[init]
async fn here(#[from(far::away::db)] there: &u32) -> u32 {
    there + 1
}

#[init]
async fn absolute(
    #[from(crate::names::far::away::db)] one: Arc<u32>,
    #[from(self::here)] other: &u32,
) -> u32 {
    *one + other
}

#[init]
async fn r#type() -> u32 {
    1
}

#[init(lazy)]
async fn r#match(r#type: &u32, #[from(r#type)] r#in: &u32) -> Result<u32, String> {
    Err(format!("{} and {}", r#type, r#in))
}

#[tokio::test]
async fn resources_are_found_by_path_and_by_any_name() {
    let _turn = outside_containers().await;
    assert_eq!(*here().await.unwrap(), 43);
    assert_eq!(*absolute().await.unwrap(), 85);
    let error = r#match().await.unwrap_err();
    assert_eq!(error.resource(), "match");
    assert_eq!(chain(error), "resource `match` is unavailable: 1 and 1");
    assert_eq!(*r#type::rebuild().await.unwrap(), 1);
}
