/// Names two globals.
#[handler]
async fn answer(event: u64) -> u64 {
    let add = || LIMITS.get() + counters::SERVED.fetch_add(event, Relaxed);
    add()
}
