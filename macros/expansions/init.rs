/// The pool.
#[init(timeout = "3s", check = ping, close = Pool::close)]
pub async fn db(settings: &Settings, #[from(crate::secrets::login)] login: Arc<Login>) -> Result<Pool, sqlx::Error> {
    Pool::connect(&settings.url, &login).await
}
