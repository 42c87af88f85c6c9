//! Resources that are injected with `#[from]`, and cached values as resources.

use super::*;

mod injected {
    use super::*;

    #[init(lazy)]
    pub(super) async fn broken() -> Result<String, Refused> {
        Err(Refused)
    }

    #[cached(ttl = "1h")]
    pub(super) async fn fallible(#[from] broken: &String) -> Result<String, Error> {
        Ok(broken.clone())
    }

    #[cached(ttl = "1h")]
    pub(super) async fn infallible(#[from] broken: &String) -> String {
        broken.clone()
    }

    #[init(lazy)]
    pub(super) async fn dependent(fallible: &String) -> String {
        fallible.clone()
    }
}

#[tokio::test]
async fn an_unavailable_resource_is_the_error_of_the_function() {
    let _turn = outside_containers().await;
    use injected::{dependent, fallible, infallible};
    let missing = format!("resource `broken` is unavailable: refused: {}", Refused::CAUSE);
    assert_eq!(fallible().await.unwrap_err().to_string(), missing);
    assert_eq!(panic_of(infallible()).await, missing);
    let error = Error::from(dependent().await.unwrap_err());
    assert_eq!(
        error.to_string(),
        format!(
            "resource `dependent` is unavailable: resource `fallible` is unavailable: {missing}"
        )
    );
}

mod mixed {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) async fn rate() -> u32 {
        7
    }

    #[init(lazy)]
    pub(super) async fn prices(rate: &u32) -> [u32; 2] {
        [rate * 2, rate * 3]
    }

    #[cached(ttl = "1h")]
    pub(super) async fn price(#[from] rate: &u32, #[from] prices: &[u32; 2], n: usize) -> u32 {
        assert_eq!(*rate, 7);
        prices[n]
    }
}

#[tokio::test]
async fn a_cached_resource_counts_one_hit_for_one_use() {
    let _turn = outside_containers().await;
    use mixed::{price, rate};
    let counts = || {
        let stats = rate::stats();
        (stats.hits, stats.misses, stats.loads)
    };
    assert_eq!(rate().await, 7);
    assert_eq!(counts(), (0, 1, 1));
    // One hit of `price`, which waits for `prices`, and one of `prices`.
    assert_eq!(price(0).await, 14);
    assert_eq!(counts(), (2, 1, 1));
    assert_eq!(price(1).await, 21);
    assert_eq!(counts(), (3, 1, 1));
}
