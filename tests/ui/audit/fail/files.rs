use rewarm::{cached, handler};

#[path = "../parts/ids.rs"]
mod ids;
#[path = "../parts/mail.rs"]
mod mail;

// Two functions reach the same global: one error.
#[cached(ttl = "5m")]
async fn number(of: u8) -> u64 {
    u64::from(of) + ids::next()
}

#[handler]
async fn answer(event: u64) -> u64 {
    mail::Mail.send();
    event + ids::next()
}

fn main() -> std::process::ExitCode {
    answer::run()
}
