//! Cached functions that call themselves.

use super::*;

mod recursive {
    use super::*;

    #[cached(ttl = "1h")]
    pub(super) fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }

    #[cached(ttl = "1h")]
    pub(super) async fn slow_fib(n: u64) -> u64 {
        if n < 2 { n } else { slow_fib(n - 1).await + slow_fib(n - 2).await }
    }
}

#[tokio::test]
async fn a_cached_function_may_call_itself() {
    let _turn = outside_containers().await;
    use recursive::{fib, slow_fib};
    assert_eq!(fib(90), 2_880_067_194_370_816_120);
    assert_eq!(fib::stats().loads, 91);
    assert_eq!(slow_fib(50).await, 12_586_269_025);
    assert_eq!(slow_fib::stats().loads, 51);
}
