//! Options as they can be written.
#![deny(warnings)]

use rewarm::{Error, cached, handler, init};

struct Pool;

impl Pool {
    async fn probe<T>(&self) -> Result<(), Error> {
        Ok(())
    }
    async fn end(_: &Vec<u8>) {}
}

async fn ping<T, U>(_: &u8) -> Result<(), Error> {
    Ok(())
}

async fn close<F>(_: &u8) {}

#[init(check = Pool::probe::<u8>, idle = "1m", restore = check)]
async fn pool() -> Pool {
    Pool
}

#[init(check = self::ping::<(u8, u16), Vec<Vec<u8>>>, close = close::<fn() -> u8>, lazy)]
async fn number(pool: &Pool) -> u8 {
    u8::from(pool.probe::<u8>().await.is_ok())
}

#[init(close = Pool::end, crate = ::rewarm,)]
async fn list() -> Vec<u8> {
    Vec::new()
}

type Maybe = Option<u8>;

mod own {
    #[derive(Clone)]
    pub struct String;
}

#[cached(ttl = "5m", negative_ttl = "5s")]
fn maybe() -> Maybe {
    None
}

#[cached(ttl = "5m", negative_ttl = "5s", stale_if_error = "1h")]
async fn unknown() -> own::String {
    own::String
}

#[cached(ttl = "5m", stale_if_error = "1h", timeout = "1s")]
async fn times_out() -> u8 {
    1
}

#[cached(ttl = "5m", stale_if_error = "1h")]
async fn takes(#[from] number: &u8) -> Vec<u8> {
    vec![*number]
}

#[handler(deadline_margin = "0s", report_every = 0)]
async fn answer(_event: u8) -> u8 {
    maybe();
    unknown().await;
    times_out().await + takes().await[0]
}

fn main() -> std::process::ExitCode {
    answer::run()
}
