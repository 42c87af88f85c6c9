//! `#[init]` on a static.

use super::*;

mod values {
    use super::*;

    pub(super) static BUILDS: Count = Count::new();

    async fn connect(ok: bool) -> Result<String, Refused> {
        tokio::task::yield_now().await;
        if ok { Ok("open".to_owned()) } else { Err(Refused) }
    }

    #[init(lazy)]
    pub(super) static GREETING: String = format!("hello {}", BUILDS.up());
    #[init(lazy)]
    pub(super) static SALUTATION: String = "dear reader".to_owned();
    #[init(lazy)]
    pub(super) static PORT: u16 = "8080".parse()?;
    #[init(lazy)]
    pub(super) static BAD_PORT: u16 = "many".parse::<u16>()?;
    #[init(lazy)]
    pub(super) static DB: String = connect(true).await?;
    #[init(lazy)]
    pub(super) static BAD_DB: String = connect(false).await?;

    #[init(lazy)]
    pub(super) static BAD_ADDRESS: String = format!("host:{}", *BAD_PORT);
    #[init(lazy)]
    pub(super) static BAD_URL: String = format!("http://{}", BAD_ADDRESS.as_str());

    #[init(lazy)]
    pub(super) async fn bad_client() -> String {
        tokio::task::yield_now().await;
        BAD_URL.clone()
    }

    #[cached(ttl = "1h")]
    pub(super) fn bad_port_text() -> Result<String, Error> {
        Ok(BAD_PORT.to_string())
    }

    #[init(lazy)]
    pub(super) async fn letter(
        #[from(SALUTATION)] salutation: &String,
        #[from(DB)] db: Arc<String>,
    ) -> String {
        format!("{salutation}, the database is {db}")
    }
}

#[tokio::test]
async fn a_static_derefs_to_its_value() {
    let _turn = outside_containers().await;
    use values::{BAD_PORT, BUILDS, GREETING, PORT};
    assert!(GREETING::get().is_none() || BUILDS.get() == 1);
    assert_eq!(GREETING.len(), 7);
    assert_eq!(*GREETING, "hello 1");
    assert_eq!(GREETING::get().unwrap(), "hello 1");
    assert_eq!(*PORT, 8080);
    let panic = panic_of(async { *BAD_PORT }).await;
    assert_eq!(panic, "resource `BAD_PORT` is unavailable: invalid digit found in string");
    assert!(BAD_PORT::get().is_none());
}

#[tokio::test]
async fn a_static_that_awaits_has_an_async_get() {
    let _turn = outside_containers().await;
    use values::{BAD_DB, DB, letter};
    assert_eq!(*DB.get().await.unwrap(), "open");
    assert_eq!(*DB::get().unwrap(), "open");
    let old = DB.get().await.unwrap();
    assert!(!Arc::ptr_eq(&old, &DB::rebuild().await.unwrap()));
    assert_eq!(
        chain(BAD_DB.get().await.unwrap_err()),
        format!("resource `BAD_DB` is unavailable: refused: {}", Refused::CAUSE)
    );
    assert_eq!(*letter().await.unwrap(), "dear reader, the database is open");
}

/// The panics of this thread that a hook sees: their messages and files.
fn hooked(work: impl FnOnce()) -> Vec<(String, String)> {
    use std::panic;
    use std::sync::Mutex;
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let (noted, thread) = (Arc::clone(&seen), std::thread::current().id());
    let before = Arc::new(panic::take_hook());
    let others = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == thread {
            let message = info.payload_as_str().unwrap_or("").to_owned();
            noted.lock().unwrap().push((message, info.location().unwrap().to_string()));
        } else {
            others(info);
        }
    }));
    let _ = panic::catch_unwind(panic::AssertUnwindSafe(work));
    panic::set_hook(Box::new(move |info| before(info)));
    seen.lock().unwrap().clone()
}

#[tokio::test]
async fn statics_from_statics_fail_with_one_error() {
    let _turn = outside_containers().await;
    use values::{BAD_URL, bad_client, bad_port_text};
    const CAUSE: &str = "resource `BAD_URL` is unavailable: resource `BAD_ADDRESS` is unavailable: \
                         resource `BAD_PORT` is unavailable: invalid digit found in string";
    let line = line!() + 1;
    let panics = hooked(|| _ = BAD_URL.len());
    let [(message, location)] = &panics[..] else { panic!("one panic: {panics:?}") };
    assert_eq!(message, CAUSE);
    assert!(location.starts_with(&format!("tests/resources/statics.rs:{line}:")), "{location}");

    let mut error = None;
    let panics = hooked(|| error = bad_port_text().err());
    assert_eq!(panics, []);
    assert_eq!(
        error.unwrap().to_string(),
        "resource `BAD_PORT` is unavailable: invalid digit found in string"
    );
    assert_eq!(
        chain(bad_client().await.unwrap_err()),
        format!("resource `bad_client` is unavailable: {CAUSE}")
    );
}
