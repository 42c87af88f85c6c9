//! `timeout`.

use super::*;

mod limited {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    pub enum Failure {
        Resource(String),
    }

    impl From<rewarm::ResourceError> for Failure {
        fn from(error: rewarm::ResourceError) -> Self {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            Self::Resource(format!("{}: {}", error.resource(), source.unwrap_or_default()))
        }
    }

    /// Takes as many seconds as its argument says.
    #[cached(ttl = "1h", timeout = "2s", max_entries = 1)]
    pub async fn slow(seconds: u64) -> Result<u64, Failure> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(seconds)
    }

    #[handler(report_every = 0)]
    pub async fn idle(_: Value) {}
}

#[tokio::test(start_paused = true)]
async fn a_fetch_fails_after_its_timeout() {
    use limited::{Failure, slow};
    let _turn = simulation().await;
    let container = limited::idle::container().await;
    assert_eq!(slow(1).await, Ok(1));
    let start = tokio::time::Instant::now();
    let (one, other) = tokio::join!(slow(3), slow(3));
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(one, Err(Failure::Resource("slow: no value after 2s".to_owned())));
    assert_eq!(one, other, "concurrent callers share the error");
    assert_eq!((slow::stats().loads, slow::stats().load_errors), (2, 1));

    assert_eq!(slow(0).await, Ok(0));
    assert_eq!(slow::stats().evictions, 1);
    drop(container);
    let _another = limited::idle::container().await;
    assert_eq!(slow::stats(), rewarm::Stats::default(), "a new container counts from 0");
}
