use rewarm::handler;

#[handler]
async fn main(_event: u8) {}

mod not_async {
    #[rewarm::handler]
    fn answer(_event: u8) {}
}

#[handler(deadline_margin = "fast")]
async fn no_number(_event: u8) {}

#[handler(deadline = "1s")]
async fn misspelt(_event: u8) {}

#[handler(report_every = "10")]
async fn text(_event: u8) {}

#[handler]
async fn lent(_event: &str) {}

#[handler]
async fn from_first(#[from] _event: u8) {}

#[handler]
async fn generic<T>(_event: T) {}

trait ListObjects: Send + Sync {
    fn list(&self) -> u8;
}

#[handler]
async fn mocked<T: ListObjects>(_event: u8, s3: &T) -> u8 {
    s3.list()
}

#[handler]
async fn mocked_where<T>(_event: u8, s3: std::sync::Arc<T>) -> u8
where
    T: Send + ListObjects,
{
    s3.list()
}

#[handler]
async fn mocked_here(_event: u8, s3: &impl ListObjects) -> u8 {
    s3.list()
}

#[handler]
async fn skips(#[skip] _event: u8, #[skip] _context: rewarm::Context) {}

#[handler]
static ANSWER: u8 = 1;

#[handler]
type Answer = u8;

mod parameters {
    use rewarm::{Context, handler};

    #[rewarm::init]
    async fn db() -> u8 {
        1
    }

    #[handler]
    async fn no_event(_context: Context) {}

    #[handler]
    async fn late(_event: u8, db: &u8, _context: Context) -> u8 {
        *db
    }

    #[handler]
    async fn two(_event: u8, _context: Context, _again: rewarm::Context) {}

    #[handler(http)]
    async fn service(_context: Context) -> String {
        String::new()
    }

    #[handler]
    async fn implied(_event: impl serde::de::DeserializeOwned + Send, db: &impl std::fmt::Display) {
        let _ = db;
    }

    #[handler]
    async fn hidden(_event: u8) -> Result<impl serde::Serialize, rewarm::Error> {
        Ok(1)
    }

    #[handler]
    async fn borrowed(_event: u8) -> &str {
        "a"
    }

    #[handler]
    #[handler]
    async fn twice(_event: u8) {}

    // None of the faults above is one here.
    async fn tests() {
        let _ = (no_event::run(), late::run(), two::run(), service::run(), implied::run());
        let _ = (no_event::service(), late::service(), hidden::service(), borrowed::service());
        let _ = (late::container().await.invoke(1).await, twice::run());
        let _ = (hidden(1).await, borrowed(1).await, implied(1, &1).await);
    }
}
