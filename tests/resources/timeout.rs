//! `timeout`.

use super::*;

mod slow {
    use super::*;

    #[init(lazy, timeout = "3s")]
    pub(super) async fn never() -> u32 {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_fails_after_its_timeout() {
    let _turn = outside_containers().await;
    let begin = tokio::time::Instant::now();
    let error = slow::never().await.unwrap_err();
    assert_eq!(chain(error), "resource `never` is unavailable: not ready after 3s");
    assert_eq!(begin.elapsed().as_secs(), 3, "of the paused clock");
}
