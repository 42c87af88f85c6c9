#[init]
fn pattern() -> Regex {
    Regex::new("^[A-Z]+$").unwrap()
}
