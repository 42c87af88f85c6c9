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

#[handler]
async fn skips(#[skip] _event: u8, #[skip] _context: rewarm::Context) {}

#[handler]
static ANSWER: u8 = 1;

#[handler]
type Answer = u8;
