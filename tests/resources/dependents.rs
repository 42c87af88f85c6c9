//! Resources that are built from others follow them.

use super::*;

mod diamond {
    use super::*;

    pub(super) static BUILDS: [Count; 4] = [const { Count::new() }; 4];

    pub(super) struct Built(pub(super) u32);

    #[init(lazy)]
    pub(super) async fn bottom() -> Built {
        Built(BUILDS[0].up())
    }

    #[init(lazy)]
    pub(super) async fn left(bottom: &Built) -> Built {
        BUILDS[1].up();
        Built(10 * bottom.0)
    }

    #[init(lazy)]
    pub(super) async fn right(bottom: Arc<Built>) -> Result<Built, Refused> {
        BUILDS[2].up();
        Ok(Built(100 * bottom.0))
    }

    #[init(lazy)]
    pub(super) async fn top(left: &Built, right: &Built, bottom: &Built) -> Built {
        BUILDS[3].up();
        Built(left.0 + right.0 + bottom.0)
    }
}

#[tokio::test]
async fn dependents_are_rebuilt_after_their_dependencies() {
    let _turn = outside_containers().await;
    use diamond::{BUILDS, bottom, left, right, top};
    let builds = || [0, 1, 2, 3].map(|n: usize| BUILDS[n].get());
    assert_eq!(top().await.unwrap().0, 111);
    assert_eq!(builds(), [1, 1, 1, 1]);

    bottom::rebuild().await.unwrap();
    assert_eq!(builds(), [2, 1, 1, 1], "dependents are rebuilt at their next use");
    assert_eq!(top().await.unwrap().0, 222);
    assert_eq!(top().await.unwrap().0, 222);
    assert_eq!(builds(), [2, 2, 2, 2]);

    left::rebuild().await.unwrap();
    assert_eq!(top().await.unwrap().0, 222);
    assert_eq!(builds(), [2, 3, 2, 3]);
    assert_eq!(right().await.unwrap().0, 200);
    assert_eq!(builds(), [2, 3, 2, 3]);
}
