//! `assert_reuse_safe`.

use super::*;

mod safety {
    use super::*;

    #[handler(report_every = 0)]
    pub async fn pure(event: u64) -> u64 {
        event * 2
    }

    #[init(lazy)]
    async fn factor() -> u64 {
        2
    }

    #[cached(ttl = "1m")]
    async fn squared(n: u64) -> u64 {
        n * n
    }

    /// Keeps its state in a resource and a cached function.
    #[handler(report_every = 0)]
    pub async fn tidy(event: u64, factor: &u64) -> u64 {
        squared(event).await * factor
    }

    #[handler(report_every = 0, allow(global_state))]
    pub async fn counting(event: u64) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        LAST.swap(event, SeqCst)
    }

    /// A library with a hidden static.
    mod library {
        pub fn first_wins(n: u64) -> u64 {
            static FIRST: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
            *FIRST.get_or_init(|| n)
        }
    }

    #[handler(report_every = 0)]
    pub async fn remembering(event: u64) -> u64 {
        library::first_wins(event)
    }

    #[handler(report_every = 0)]
    pub async fn littering(event: u64) -> Result<String, std::io::Error> {
        let path = std::env::temp_dir().join(format!("rewarm-littering-{}", std::process::id()));
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, format!("{before}{event}"))?;
        Ok(before)
    }

    /// The file of `filing` in `/tmp`. Each checkout has its own.
    pub fn file() -> std::path::PathBuf {
        let checkout = env!("CARGO_MANIFEST_DIR").replace('/', "-");
        std::path::Path::new("/tmp").join(format!("rewarm-filing{checkout}"))
    }

    static CURRENT: AtomicU64 = AtomicU64::new(0);

    /// Correct unless invocations are concurrent.
    #[handler(report_every = 0, allow(global_state))]
    pub async fn overwritten(event: u64) -> u64 {
        CURRENT.store(event, SeqCst);
        tokio::task::yield_now().await;
        CURRENT.load(SeqCst)
    }

    /// Keeps its first response in a file.
    #[handler(report_every = 0)]
    pub async fn filing(event: u64) -> Result<String, std::io::Error> {
        if let Ok(kept) = std::fs::read_to_string(file()) {
            return Ok(kept);
        }
        std::fs::write(file(), event.to_string())?;
        Ok(event.to_string())
    }
}

/// The message of a failed assertion.
pub async fn failure(assertion: impl Future<Output = ()>) -> String {
    let result = AssertUnwindSafe(assertion).catch_unwind().await;
    *result.expect_err("it should fail").downcast::<String>().expect("a text")
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_that_the_first_container_leaves_is_found_each_time() {
    let _turn = simulation().await;
    let path = safety::file();
    std::fs::remove_file(&path).ok();
    for _ in 0..2 {
        let text = failure(assert_reuse_safe(safety::filing::container, [1, 2, 3])).await;
        assert!(
            text.contains("the response: \"2\" in a cold container, \"1\" in a reused one"),
            "{text}"
        );
        assert!(text.ends_with(&format!("files left: {}", path.display())), "{text}");
        assert!(!path.exists(), "it is removed with its container");
    }
}

#[tokio::test]
async fn an_assertion_after_a_failed_one_has_its_own_processes() {
    let _turn = simulation().await;
    failure(assert_reuse_safe(safety::counting::container, [1, 2])).await;
    // In this process, the first of all events would win.
    let text = failure(assert_reuse_safe(safety::remembering::container, [1, 2, 3])).await;
    assert!(text.starts_with("container reuse changes a response"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cold_containers_that_share_a_process_print_a_warning`"]
async fn on_a_thread_of_tokio() {
    let assertion = assert_reuse_safe(safety::pure::container, [1, 2]);
    tokio::spawn(assertion).await.unwrap();
}

#[test]
fn cold_containers_that_share_a_process_print_a_warning() {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "on_a_thread_of_tokio"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    let warning = "cold containers share this process: the test's name is not known";
    assert!(run.status.success() && stderr.matches(warning).count() == 1, "{stderr}");
}

#[tokio::test]
async fn a_pure_handler_is_reuse_safe() {
    let _turn = simulation().await;
    assert_reuse_safe(safety::pure::container, [1, 2, 3]).await;
    assert_reuse_safe(safety::tidy::container, [1, 2, 3, 2]).await;
}

#[tokio::test]
#[should_panic = "container reuse changes a response"]
async fn a_hidden_atomic_is_found() {
    let _turn = simulation().await;
    assert_reuse_safe(safety::counting::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "container reuse changes a response"]
async fn state_that_concurrent_invocations_overwrite_is_found() {
    let _turn = simulation().await;
    assert_reuse_safe(safety::overwritten::container, [1, 2]).await;
}

#[tokio::test]
#[should_panic = "container reuse changes a response"]
async fn a_static_of_a_library_is_found() {
    let _turn = simulation().await;
    assert_reuse_safe(safety::remembering::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "container reuse changes a response"]
async fn a_file_that_outlives_an_invocation_is_found() {
    let _turn = simulation().await;
    assert_reuse_safe(safety::littering::container, [1, 2, 3]).await;
}
