#[init]
fn client(config: &Config, #[from(crate::secrets::token)] token: Arc<Token>) -> Result<Client, Error> {
    Client::new(&config.endpoint, &token)
}
