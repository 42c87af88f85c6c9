//! A rebuild of a resource that many others are built from.

use super::*;

/// Resources of which each is built from the one before.
macro_rules! chain {
    ($($name:ident from $before:ident),+) => {
        $(
            #[init(lazy)]
            pub(super) async fn $name($before: &u32) -> u32 {
                BUILDS.up();
                *$before
            }
        )+
    };
}

mod links {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();
    pub(super) static ROOTS: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn link_0() -> u32 {
        ROOTS.up()
    }

    chain!(
        link_1 from link_0, link_2 from link_1, link_3 from link_2, link_4 from link_3,
        link_5 from link_4, link_6 from link_5, link_7 from link_6, link_8 from link_7,
        link_9 from link_8, link_10 from link_9, link_11 from link_10, link_12 from link_11
    );
}

#[tokio::test]
async fn a_rebuild_rebuilds_each_dependent_once() {
    let _turn = outside_containers().await;
    use links::{BUILDS, link_0, link_12};
    assert_eq!(*link_12().await.unwrap(), 1);
    assert_eq!(BUILDS.get(), 12);
    link_0::rebuild().await.unwrap();
    for value in all(waiting(4, link_12).await).await {
        assert_eq!(*value.unwrap(), 2);
    }
    assert_eq!(BUILDS.get(), 24, "each of them once more");
}
