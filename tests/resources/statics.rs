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
