//! The statics that `assert_reuse_safe` compares.

use std::cell::Cell;
use std::sync::{LazyLock, OnceLock};

use rewarm::testing::assert_reuse_safe_except;
use rewarm_tests::Backend;
use rewarm_tests_library::greeting;
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

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

#[handler(report_every = 0, allow(global_state))]
async fn counts(event: u64) -> u64 {
    state::COUNT.fetch_add(1, SeqCst);
    event
}

#[cached(ttl = "1m", allow(global_state))]
async fn fetched(n: u64) -> u64 {
    static FETCHES: AtomicU64 = AtomicU64::new(0);
    FETCHES.fetch_add(1, SeqCst);
    n
}

#[handler(report_every = 0)]
async fn fetches(event: u64) -> u64 {
    fetched(event).await
}

#[handler(report_every = 0, allow(global_state))]
async fn counts_some(event: u64) -> u64 {
    if event == 8 {
        state::COUNT.fetch_add(1, SeqCst);
    }
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
async fn counts_in_an_audited_crate(event: u64) -> u64 {
    rewarm_tests_audited::count();
    event
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

#[handler(report_every = 0, allow(global_state))]
async fn counts_as_meant(event: u64) -> u64 {
    state::EXCUSED.fetch_add(1, SeqCst);
    rewarm_tests_library::count_as_meant();
    event
}

#[handler(report_every = 0)]
async fn counts_elsewhere(event: u64) -> u64 {
    state::count_elsewhere();
    event
}

#[init(lazy)]
static FACTOR: u64 = 2;

#[init(lazy, allow(global_state))]
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

#[init(lazy)]
async fn users() -> Result<SqlitePool, sqlx::Error> {
    let users = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    sqlx::raw_sql("CREATE TABLE user (id INTEGER, city TEXT); INSERT INTO user VALUES (7, 'Riga')")
        .execute(&users)
        .await?;
    Ok(users)
}

#[init(lazy)]
fn http() -> reqwest::Client {
    reqwest::Client::new()
}

/// The URL of the API that [`queries`] calls.
static API: OnceLock<String> = OnceLock::new();

#[handler(report_every = 0, allow(global_state))]
async fn queries(id: i64, users: &SqlitePool, http: &reqwest::Client) -> Result<String, Error> {
    let city: Option<String> = sqlx::query_scalar("SELECT city FROM user WHERE id = ?")
        .bind(id)
        .fetch_optional(users)
        .await?;
    let url = API.get().ok_or_else(|| Error::msg("there is no API"))?;
    let weather =
        http.get(format!("{url}/{}", city.unwrap_or_default())).send().await?.text().await?;
    Ok(weather)
}

/// The message of the assertion, which fails.
async fn found<H: rewarm::private::Handler>(
    container: impl AsyncFn() -> rewarm::testing::Container<H>,
) -> String {
    failure(assert_reuse_safe(container, [7, 8])).await
}

#[tokio::test]
async fn a_static_that_invocations_change_is_named() {
    let _turn = simulation().await;
    assert_eq!(
        found(counts::container).await,
        "invocations change a static\n  \
         `lifecycle::statics::state::COUNT` (8 bytes): changed by invocation 1 (event 0), 2 (event \
         1), 3 (event 0), 4 (event 1)\n  \
         the responses are the same in cold and in reused containers\n\
         a static lives as long as its container: on Lambda, the next invocation, of another \
         customer, finds what this one has left\n\
         help: a value of one invocation belongs in a local variable or an argument, a value that \
         is built once and only read in `#[init]`, a value that is fetched in `#[cached]`\n\
         help: if the invocations are meant to share it, write `#[rewarm::allow(global_state, reason \
         = \"…\")]` on the static; one of another crate is left out by `assert_reuse_safe_except(&[\"lifecycle::statics::state::COUNT\"], …)`"
    );
}

#[tokio::test]
async fn a_static_is_found_wherever_it_is() {
    let _turn = simulation().await;
    for (text, path) in [
        (found(counts_in_a_function::container).await, "state::count_in_a_function::COUNT` (8"),
        (found(counts_in_an_impl::container).await, "state::Counted>::count::IN_AN_IMPL` (8"),
        (found(fetches::container).await, "`lifecycle::statics::fetched::FETCHES` (8"),
        (found(counts_in_a_library::container).await, "`rewarm_tests_library::CALLS` (4"),
        (found(counts_in_an_audited_crate::container).await, "`rewarm_tests_audited::CALLS` (8"),
        (found(remembers_the_user::container).await, "state::CURRENT_USER` (24"),
    ] {
        assert!(text.contains(&format!("{path} bytes): changed by invocation 1 (")), "{text}");
        assert_eq!(text.matches("changed by").count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_static_that_one_of_the_events_changes_is_found() {
    let _turn = simulation().await;
    let text = found(counts_some::container).await;
    assert!(text.contains("COUNT` (8 bytes): changed by invocation 2 (event 1), 4 (event 1)\n"));
}

#[tokio::test]
async fn the_static_that_changes_a_response_is_named() {
    let _turn = simulation().await;
    let text = found(remembers_the_first::container).await;
    assert!(
        text.ends_with(
            "the response: 8 in a cold container, 7 in a reused one\n  \
             `lifecycle::statics::state::first::FIRST` (16 bytes): changed by invocation 1 (event 0)"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn a_static_that_is_meant_to_change_is_left_out() {
    let _turn = simulation().await;
    assert_reuse_safe(counts_as_meant::container, [7, 8]).await;
    for path in ["lifecycle::statics::state::COUNT", "COUNT"] {
        assert_reuse_safe_except(&[path], counts::container, [7, 8]).await;
    }
}

#[tokio::test]
async fn a_change_behind_a_pointer_or_in_a_thread_local_is_not_seen() {
    let _turn = simulation().await;
    assert_reuse_safe(counts_elsewhere::container, [7, 8]).await;
}

#[tokio::test]
async fn harmless_statics_are_no_findings() {
    let _turn = simulation().await;
    assert_reuse_safe(harmless::container, [7, 8]).await;
}

#[tokio::test]
async fn libraries_have_state_of_their_own() {
    let _turn = simulation().await;
    let backend = Backend::start(|path, _| (200, format!("rain in {path}"))).await;
    API.set(backend.url()).unwrap();
    assert_reuse_safe(queries::container, [7, 8]).await;
    let mut container = queries::container().await;
    assert_eq!(container.invoke(7).await.unwrap(), "rain in /Riga");
}

#[test]
fn what_an_invocation_builds_is_printed() {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "statics::harmless_statics_are_no_findings"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    let notes: BTreeSet<_> = stderr.lines().collect();
    let note = |path| {
        format!(
            "note: assert_reuse_safe in statics::harmless_statics_are_no_findings: \
             `lifecycle::statics::state::table::{path} bytes) is built in an invocation instead of \
             INIT; `#[init]` would build it before the first event"
        )
    };
    let (even, odd) = (note("EVEN` (40"), note("ODD` (32"));
    assert_eq!(notes, BTreeSet::from([even.as_str(), odd.as_str()]));
}
