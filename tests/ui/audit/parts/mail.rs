pub struct Mail;

impl Mail {
    pub fn send(&self) {
        let waited_for = tokio::spawn(async {});
        drop(async move { waited_for.await });
        tokio::spawn(async {});
    }
}
