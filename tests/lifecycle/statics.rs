//! The statics that `assert_reuse_safe` compares.

use std::cell::Cell;
use std::sync::{LazyLock, OnceLock};

use rewarm::testing::assert_reuse_safe_except;
use rewarm_tests_library::greeting;

use super::*;
use reuse::failure;

/// State, as programs hide it from the compiler.
mod state {
    use super::*;

    pub fn count_in_a_function() {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        COUNT.fetch_add(1, SeqCst);
    }

    pub static COUNT: AtomicU64 = AtomicU64::new(0);

    pub static CURRENT_USER: Mutex<Option<u64>> = Mutex::new(None);

    pub fn set_user(user: u64) {
        *CURRENT_USER.lock().unwrap() = Some(user);
    }

    pub trait Counted {
        fn count(&self);
    }

    impl Counted for u64 {
        fn count(&self) {
            static IN_AN_IMPL: AtomicU64 = AtomicU64::new(0);
            IN_AN_IMPL.fetch_add(*self, SeqCst);
        }
    }

    /// Filled by the first call.
    pub fn first(n: u64) -> u64 {
        static FIRST: OnceLock<u64> = OnceLock::new();
        *FIRST.get_or_init(|| n)
    }

    pub static EXCUSED: AtomicU64 = AtomicU64::new(0);
    rewarm::private::excused!(EXCUSED);

    /// Counts behind a pointer and in a thread-local, where nothing is seen.
    pub fn count_elsewhere() {
        static BOXED: LazyLock<Box<AtomicU64>> = LazyLock::new(Box::default);
        BOXED.fetch_add(1, SeqCst);
        thread_local! {
            static LOCAL: Cell<u64> = const { Cell::new(0) };
        }
        LOCAL.set(LOCAL.get() + 1);
    }

    /// Built once, whichever event needs it.
    pub fn table(n: u64) -> u64 {
        static EVEN: LazyLock<[u64; 4]> = LazyLock::new(|| [1, 2, 3, 4]);
        static ODD: LazyLock<Vec<u64>> = LazyLock::new(|| vec![5, 6]);
        if n.is_multiple_of(2) { EVEN[1] } else { ODD[1] }
    }

    pub static LOCKED: Mutex<()> = Mutex::new(());
}

#[handler(report_every = 0)]
async fn counts_in_a_function(event: u64) -> u64 {
    state::count_in_a_function();
    event
}

#[handler(report_every = 0, allow(hidden_static))]
async fn counts(event: u64) -> u64 {
    state::COUNT.fetch_add(1, SeqCst);
    event
}

#[handler(report_every = 0)]
async fn counts_in_an_impl(event: u64) -> u64 {
    state::Counted::count(&event);
    event
}

#[handler(report_every = 0)]
async fn counts_in_a_library(event: u64, greeting: &String) -> String {
    rewarm_tests_library::count();
    format!("{greeting}, {event}")
}

#[handler(report_every = 0)]
async fn remembers_the_user(event: u64) -> u64 {
    state::set_user(event);
    event
}

#[handler(report_every = 0)]
async fn remembers_the_first(event: u64) -> u64 {
    state::first(event)
}

#[handler(report_every = 0, allow(hidden_static))]
async fn counts_as_meant(event: u64) -> u64 {
    state::EXCUSED.fetch_add(1, SeqCst);
    event
}

#[handler(report_every = 0)]
async fn counts_elsewhere(event: u64) -> u64 {
    state::count_elsewhere();
    event
}

#[init]
static FACTOR: u64 = 2;

#[init(lazy)]
async fn limit() -> Mutex<u64> {
    Mutex::new(100)
}

#[cached(ttl = "1m")]
async fn squared(n: u64) -> u64 {
    n * n
}

/// Changes only what is meant to be changed.
#[handler(report_every = 0)]
#[tracing::instrument]
async fn harmless(event: u64, limit: &Mutex<u64>) -> u64 {
    tracing::info!(event, "computes");
    *limit.lock().unwrap() += 1;
    let squared = squared(event).await;
    let _locked = state::LOCKED.lock();
    squared * *FACTOR + state::table(event)
}

/// The message of the assertion, which fails.
async fn found<H: rewarm::private::Handler>(
    container: impl AsyncFn() -> rewarm::testing::Container<H>,
) -> String {
    let text = failure(assert_reuse_safe(container, [7, 8])).await;
    eprintln!("{text}");
    text
}

#[tokio::test]
async fn a_static_that_invocations_change_is_named() {
    let _turn = simulation().await;
    let text = found(counts_in_a_function::container).await;
    assert_eq!(text, "invocations change a static, and the responses are the same");
}

#[tokio::test]
async fn x() {
    let _turn = simulation().await;
    found(counts::container).await;
    found(counts_in_an_impl::container).await;
    found(counts_in_a_library::container).await;
    found(remembers_the_user::container).await;
    found(remembers_the_first::container).await;
    assert_reuse_safe(counts_as_meant::container, [7, 8]).await;
    assert_reuse_safe(counts_elsewhere::container, [7, 8]).await;
    assert_reuse_safe(harmless::container, [7, 8]).await;
    assert_reuse_safe_except(&["state::COUNT"], counts::container, [7, 8]).await;
}
