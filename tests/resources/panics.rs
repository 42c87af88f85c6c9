//! Panics in bodies.

use super::*;

mod panicking {
    use super::*;

    pub(super) static ATTEMPTS: Count = Count::new();

    #[init(lazy)]
    pub(super) async fn unlucky() -> u32 {
        let attempt = ATTEMPTS.up();
        assert!(attempt > 1, "attempt {attempt} has no luck");
        attempt
    }

    #[init(lazy)]
    pub(super) fn blocked() -> u32 {
        panic!("no way")
    }
}

#[tokio::test]
async fn a_panic_is_an_error_with_its_message() {
    let _turn = outside_containers().await;
    use panicking::{blocked, unlucky};
    let text = chain(unlucky().await.unwrap_err());
    let message = "resource `unlucky` is unavailable: panicked: attempt 1 has no luck";
    assert!(text.starts_with(message), "{text}");
    assert_eq!(*unlucky().await.unwrap(), 2);

    let text = chain(blocked().unwrap_err());
    let message = "resource `blocked` is unavailable: panicked: no way";
    assert!(text.starts_with(message), "{text}");
}
