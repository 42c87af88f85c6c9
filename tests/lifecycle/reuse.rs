//! `assert_reuse_safe` and the processes of simulated containers.

use super::*;

mod safety {
    use super::*;

    #[handler(report_every = 0)]
    pub async fn pure(event: u64) -> u64 {
        event * 2
    }

    #[init]
    async fn factor() -> u64 {
        2
    }

    #[cached(ttl = "1m")]
    async fn squared(n: u64) -> u64 {
        n * n
    }

    /// Keeps everything where it may be kept.
    #[handler(report_every = 0)]
    pub async fn tidy(event: u64, factor: &u64) -> u64 {
        squared(event).await * factor
    }

    #[handler(report_every = 0, allow(hidden_static))]
    pub async fn counting(event: u64) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        LAST.swap(event, SeqCst)
    }

    /// What a careless library does.
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

    /// The file in `/tmp` of a handler that keeps its first answer there. Other checkouts have
    /// other ones.
    pub fn file() -> std::path::PathBuf {
        let checkout = env!("CARGO_MANIFEST_DIR").replace('/', "-");
        std::path::Path::new("/tmp").join(format!("rewarm-filing{checkout}"))
    }

    static CURRENT: AtomicU64 = AtomicU64::new(0);

    /// Right as long as nobody else is invoked meanwhile.
    #[handler(report_every = 0)]
    pub async fn overwritten(event: u64) -> u64 {
        CURRENT.store(event, SeqCst);
        tokio::task::yield_now().await;
        CURRENT.load(SeqCst)
    }

    #[handler(report_every = 0)]
    pub async fn filing(event: u64) -> Result<String, std::io::Error> {
        if let Ok(kept) = std::fs::read_to_string(file()) {
            return Ok(kept);
        }
        std::fs::write(file(), event.to_string())?;
        Ok(event.to_string())
    }
}

/// How an assertion fails.
async fn failure(assertion: impl Future<Output = ()>) -> String {
    let outcome = AssertUnwindSafe(assertion).catch_unwind().await;
    *outcome.expect_err("it should fail").downcast::<String>().expect("a text")
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_that_the_first_container_leaves_is_found_each_time() {
    let _world = world().await;
    let path = safety::file();
    std::fs::remove_file(&path).ok();
    for _ in 0..2 {
        let text = failure(assert_reuse_safe(safety::filing::container, [1, 2, 3])).await;
        assert!(text.contains("the answer: \"2\" in a cold container, \"1\" here"), "{text}");
        assert!(text.ends_with(&format!("left behind: {}", path.display())), "{text}");
        assert!(!path.exists(), "it goes with its container");
    }
}

#[tokio::test]
async fn an_assertion_behind_one_that_fails_has_processes_of_its_own_too() {
    let _world = world().await;
    failure(assert_reuse_safe(safety::counting::container, [1, 2])).await;
    // In this process, the first of all events would win for good.
    let text = failure(assert_reuse_safe(safety::remembering::container, [1, 2, 3])).await;
    assert!(text.starts_with("reuse changes an answer"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cold_containers_that_share_a_process_are_said`"]
async fn on_a_thread_of_tokio() {
    let assertion = assert_reuse_safe(safety::pure::container, [1, 2]);
    tokio::spawn(assertion).await.unwrap();
}

#[test]
fn cold_containers_that_share_a_process_are_said() {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "on_a_thread_of_tokio"])
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    let warning = "a cold container has no process of its own: the test's name is not known";
    assert!(run.status.success() && said.matches(warning).count() == 1, "{said}");
}

#[tokio::test]
#[should_panic = "this test already holds a simulated container"]
async fn a_second_container_in_a_test_is_refused() {
    let _world = world().await;
    let _first = safety::pure::container().await;
    let _second = safety::tidy::container().await;
}

#[tokio::test]
async fn a_second_container_in_another_task_waits_its_turn() {
    let _world = world().await;
    let mut first = safety::pure::container().await;
    let second = tokio::spawn(async {
        let mut second = safety::pure::container().await;
        second.invoke(2).await.unwrap();
        (second.snapshot().invocations, second)
    });
    tokio::task::yield_now().await;
    first.invoke(1).await.unwrap();
    drop(first);
    let (invocations, mut second) = second.await.unwrap();
    assert_eq!(invocations, 1);
    // It has been handed on, and is this test's now.
    second.invoke(3).await.unwrap();
    let third = AssertUnwindSafe(safety::pure::container()).catch_unwind().await;
    assert!(third.is_err());
}

#[tokio::test]
async fn a_pure_handler_is_reuse_safe() {
    let _world = world().await;
    assert_reuse_safe(safety::pure::container, [1, 2, 3]).await;
    assert_reuse_safe(safety::tidy::container, [1, 2, 3, 2]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_hidden_atomic_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::counting::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn what_other_invocations_see_between_two_steps_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::overwritten::container, [1, 2]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_library_that_remembers_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::remembering::container, [1, 2, 3]).await;
}

#[tokio::test]
#[should_panic = "reuse changes an answer"]
async fn a_file_that_outlives_an_invocation_is_found() {
    let _world = world().await;
    assert_reuse_safe(safety::littering::container, [1, 2, 3]).await;
}
