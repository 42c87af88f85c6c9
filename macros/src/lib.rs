//! The attributes of `rewarm`: `#[init]`, `#[cached]` and `#[handler]`. Depend on `rewarm`, which
//! re-exports them.
// What panics says why: `unreachable!` for what cannot happen, `#[expect]` where it is meant to.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unwrap_used
    )
)]

mod args;
mod attributes;
mod cached;
mod diag;
mod driver;
mod duration;
#[cfg(test)]
mod expansions;
mod fallback;
mod handler;
mod init;
mod injected;
mod item;
mod lints;
mod signature;
mod tokens;
mod types;

use proc_macro::TokenStream;

/// A resource built once per container, in Lambda's INIT phase, beside all the others.
///
/// On an `async fn`, an `fn` or a `static`. The return type is `T` or `Result<T, E>` with `E: Into<Box<dyn Error + Send + Sync>>`; what is kept is
/// `T`, which has to be `Send + Sync + 'static`. Others take the resource by naming it as a parameter:
///
/// ```
/// use rewarm::{Error, handler, init};
///
/// struct Pool(String);
///
/// #[init]
/// async fn url() -> Result<String, Error> {
///     Ok(std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned()))
/// }
///
/// #[init] // built when `url` is there, beside everything else
/// async fn db(url: &String) -> Pool {
///     Pool(url.clone())
/// }
///
/// #[init] // derefs to the value; `?` and `.await` work in an initialiser
/// static GREETING: String = std::env::var("GREETING").or_else(|_| Ok::<_, Error>("hello".to_owned()))?;
///
/// #[handler]
/// async fn greet(name: String, db: &Pool) -> String {
///     format!("{} {name}, from {}", *GREETING, db.0)
/// }
/// # fn main() {}
/// ```
///
/// # What it becomes
///
/// The function stays, under its name, and gives the resource; a type of the same name has the controls.
///
/// | use | gives |
/// |---|---|
/// | a parameter `db: &Pool` of a handler or of another resource | the value, resolved before the body runs and held while it runs; `db: Arc<Pool>` gives the handle |
/// | `db().await` (`db()` where the function is not async) | `Result<Arc<Pool>, ResourceError>` |
/// | `db::get()` | `Option<Arc<Pool>>`: the value if it is built, without waiting; `None` while it waits to be checked, or to be built anew for what it is built from |
/// | `db::rebuild().await` | builds the next generation now |
/// | `*GREETING`, a static whose initialiser does not await | the value, built on first use if INIT has not built it |
/// | `DB.get().await`, a static whose initialiser awaits | as `db().await` |
///
/// Parameters of an `async fn` are resources by name; `#[from(path::to::db)] pool: &Pool` takes one of another name or place. A resource is as fresh as
/// the resources it was built from: when one of them is rebuilt, the next use of this one builds it anew. Circles do not compile.
///
/// # Failure
///
/// Without `retry_after` a resource is *required*: if it cannot be built, INIT fails, and all failures are reported together. With
/// `retry_after` it is *recoverable*: INIT goes on, and whoever needs it, resources that are built from it included, gets its error until it works. An attempt belongs to the container:
/// a caller that goes away does not restart it, and all who wait share one attempt and one error. A panic is an error with its message.
///
/// # Options
///
/// Durations are numbers with units: `ms`, `s`, `m`, `h`, `d`, as in `"1500ms"`, `"30s"` or `"2h30m"`.
///
/// ## `lazy`
///
/// Not built in INIT but at first use: for what few invocations need.
///
/// ```
/// # use rewarm::init;
/// #[init(lazy)]
/// async fn rarely_used() -> Vec<u8> {
///     vec![0; 1 << 20]
/// }
/// ```
///
/// ## `timeout = "3s"`
///
/// The limit of one attempt, and of one `check`. None if not set; a check is then limited to 5 seconds. For initialisers that await.
///
/// ```
/// # use rewarm::{Error, init};
/// #[init(timeout = "3s")]
/// async fn table() -> Result<Vec<u8>, Error> {
///     Ok(tokio::fs::read("/etc/hosts").await?)
/// }
/// ```
///
/// ## `retry_after = "60s"`
///
/// A failed attempt is remembered this long: users of the resource get the same error at once. Then the next use tries again. A broken backend is
/// not hammered, and the container lives on.
///
/// ```
/// # use rewarm::{Error, init};
/// #[init(lazy, retry_after = "60s")]
/// async fn quotes() -> Result<String, Error> {
///     Err(Error::msg("the quotes are not in yet"))
/// }
/// ```
///
/// ## `check = path`, `idle = "30s"`
///
/// `async fn(&T) -> Result<(), E>`, which says whether the value is still good. It runs once after building, where a failure is a failed
/// attempt; again at the first use in an invocation that follows an idle gap longer than `idle`, before the body sees the value; and after a SnapStart
/// restore. A failure then builds the next generation. A connection that died while the container was frozen is thus replaced before it is used.
///
/// ```
/// # use rewarm::init;
/// struct Connection;
///
/// async fn ping(connection: &Connection) -> Result<(), std::io::Error> {
/// #   let _ = connection;
///     Ok(())
/// }
///
/// #[init(check = ping, idle = "1m")]
/// async fn connection() -> Connection {
///     Connection
/// }
/// ```
///
/// ## `close = path`
///
/// `async fn(&T)`: runs at SHUTDOWN, dependents before what they depend on, all within 300 ms; for a generation that was replaced, after the answer
/// of the invocation that replaced it, once nobody holds it any more. Lambda gives the process a signal only where an extension is registered, which
/// rewarm does where something has a `close`.
///
/// ```
/// # use rewarm::init;
/// struct Log;
///
/// async fn flush(log: &Log) {
/// #   let _ = log;
/// }
///
/// #[init(close = flush)]
/// async fn log() -> Log {
///     Log
/// }
/// ```
///
/// ## `restore = keep | check | rebuild`
///
/// What a SnapStart restore does with it. `check` where there is a `check`; else `rebuild` for an initialiser that awaits, since its connections
/// are dead; else `keep`.
///
/// ```
/// # use rewarm::init;
/// #[init(restore = keep)] // read from a file: as good after a restore as before
/// async fn words() -> Vec<String> {
///     vec!["tea".to_owned()]
/// }
/// ```
///
/// ## `allow(lint, …)`
///
/// Allows lints of [`docs/lints.md`](https://docs.rs/crate/rewarm/latest/source/docs/lints.md) by name.
///
/// ```
/// # use rewarm::init;
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[init(allow(unbounded_growth))] // one entry a country: there are not more
/// static COUNTRIES: Mutex<HashMap<String, u64>> = Mutex::new(HashMap::new());
/// ```
///
/// ## `crate = path`
///
/// Where rewarm is, if not at `::rewarm`.
#[proc_macro_attribute]
pub fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::init(args.into(), item.into()).into()
}

/// A function whose answer is kept for a time: bounded, shared by callers at the same time, never older than promised.
///
/// On a free `fn` or `async fn` that returns `T` or `Result<T, E>` with `T: Clone + Send + Sync + 'static`; return an `Arc` where cloning is dear.
/// The arguments are the key: anything that is `Hash + Eq`, owned or borrowed. A hit allocates nothing. Neither `Err` nor `None` is kept unless
/// `negative_ttl` says so.
///
/// ```
/// use rewarm::{Error, cached, init};
///
/// struct Pool;
///
/// #[init]
/// async fn db() -> Pool {
///     Pool
/// }
///
/// #[cached(ttl = "5m")] // without arguments it is a resource, too
/// async fn settings() -> Result<u64, Error> {
///     Ok(7)
/// }
///
/// #[cached(ttl = "30s", max_entries = 500)]
/// async fn price(#[from] db: &Pool, sku: &str) -> Result<Option<u64>, Error> {
/// #   let _ = db;
///     Ok((sku == "tea").then_some(250))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// assert_eq!(price("tea").await?, Some(250)); // `db` is filled in
/// # assert_eq!(settings().await?, 7);
/// # Ok(()) }
/// ```
///
/// # Parameters
///
/// | parameter | |
/// |---|---|
/// | `sku: &str`, `id: u64`, `bytes: &[u8]` | part of the key |
/// | `#[from] db: &Pool`, `#[from(path::to::db)] pool: &Pool` | a resource: filled in, and no part of the key or of the signature that callers see |
/// | `#[skip] trace: &Trace` | an argument that is no part of the key: whoever fetches passes theirs |
///
/// # Controls
///
/// `settings::invalidate()`, `settings::refresh().await` (fetches now; callers at the same time share one fetch; if it fails its caller is told, and what was kept stays), `settings::peek()` (the value if it
/// is fresh), `settings::stats()`. With a key: `price::invalidate(sku)`, `price::refresh(sku).await`, `price::peek(sku)`, `price::clear()`.
///
/// # What holds
///
/// - One fetch per key at a time: callers share it, and its error where that is `Clone`. A hit never waits for another key. The fetch runs in a task of its
///   own: a caller that is cancelled does not stop it.
/// - Age counts from the start of the fetch (RFC 9111, §4.2.3), frozen time included, by whichever of the monotonic and the wall clock moved further.
/// - What nobody may be given any more is dropped at the end and at the start of each invocation.
/// - A panic is that of the caller whose fetch it was. A function that needs its own answer for the same key gets an error.
/// - A resource that cannot be had, and a fetch that takes longer than `timeout`, are the function's error where `E: From<ResourceError>`, as
///   [`rewarm::Error`](https://docs.rs/rewarm/latest/rewarm/struct.Error.html) is; where not, the invocation fails as `ResourceUnavailable`.
///
/// # Options
///
/// Durations are numbers with units: `ms`, `s`, `m`, `h`, `d`, as in `"1500ms"`, `"30s"` or `"2h30m"`.
///
/// ## `ttl = "5m"`
///
/// Required: the age at which a value is fetched again.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m")]
/// async fn answer() -> u64 { 42 }
/// ```
///
/// ## `stale_while_revalidate = "1m"`
///
/// Up to this long after `ttl` the old value is returned at once, and one fetch runs after the response was sent, before the container can freeze
/// (RFC 5861, §3).
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m", stale_while_revalidate = "1m")]
/// async fn banner() -> String { "hello".to_owned() }
/// ```
///
/// ## `stale_if_error = "1h"`
///
/// Up to this long after `ttl` a fetch that fails gives the old value instead, with a warning in the log, and never longer (RFC 5861, §4).
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", stale_if_error = "1h")]
/// async fn rates() -> Result<u64, Error> { Err(Error::msg("the bank is closed")) }
/// ```
///
/// ## `negative_ttl = "5s"`
///
/// Keeps `Err` (which has to be `Clone`) and `None` this long. Without it neither is ever kept. Where a stale value may still be given it is given for
/// that long instead of the error, and nothing is fetched meanwhile.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", negative_ttl = "5s")]
/// async fn user(id: u64) -> Result<Option<String>, Error> { Ok((id == 1).then(|| "Ada".to_owned())) }
/// ```
///
/// ## `max_entries = 1000`
///
/// How many keys are kept; 1000 if not set. There is no unbounded cache.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "1h", max_entries = 50)]
/// fn primes(below: u64) -> std::sync::Arc<Vec<u64>> {
///     std::sync::Arc::new((2..below).filter(|n| (2..*n).all(|d| n % d != 0)).collect())
/// }
/// ```
///
/// ## `jitter = "10%"`
///
/// Each lifetime is shortened by a random part of up to this, so that containers that were started together do not fetch together; 10% if not set.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m", jitter = "0%")]
/// async fn exactly_five_minutes() -> u64 { 5 }
/// ```
///
/// ## `timeout = "2s"`
///
/// The limit of one fetch. For functions that are async.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", timeout = "2s")]
/// async fn weather(city: &str) -> Result<String, Error> { Ok(format!("rain in {city}")) }
/// ```
///
/// ## `allow(lint, …)`, `crate = path`
///
/// As for `#[init]`.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::cached(args.into(), item.into()).into()
}

/// The function that answers every event.
///
/// On an `async fn` with any name but `main`. The parameters: first the event, a type that is `DeserializeOwned`, or `LambdaEvent<T>`; then, if wanted, one
/// `Context`; then resources by name, as `&T`, as `Arc<T>`, or as a clone. It returns `Result<T, E>` with `T: Serialize` and
/// `E: Into<Box<dyn Error + Send + Sync>>`, or `T`.
///
/// ```
/// use rewarm::{Context, Error, handler, init};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct Order { sku: String }
///
/// #[derive(Serialize)]
/// struct Receipt { id: String, sku: String }
///
/// #[init]
/// async fn shop() -> String {
///     "shop".to_owned()
/// }
///
/// #[handler]
/// async fn checkout(order: Order, context: Context, shop: &String) -> Result<Receipt, Error> {
///     Ok(Receipt { id: format!("{shop} {}", context.request_id), sku: order.sku })
/// }
///
/// fn main() -> std::process::ExitCode {
///     # if true { return std::process::ExitCode::SUCCESS }
///     checkout::run()
/// }
/// ```
///
/// The function stays an ordinary one, which a test calls with whatever it likes. On the type of the same name:
///
/// | | |
/// |---|---|
/// | `checkout::run() -> ExitCode` | everything: under Lambda INIT, the loop and SHUTDOWN; outside of it the local runner |
/// | `checkout::service()` | a `tower::Service<LambdaEvent<T>>`, for those who build their own `lambda_runtime::Runtime` |
/// | `checkout::container()` | feature `testing`: a simulated container |
///
/// # What is an error
///
/// An invocation that fails leaves the container, and all that it holds, alive. Lambda is told an error type and the whole source chain:
///
/// | error type | |
/// |---|---|
/// | the short name of `E` | the function returned it |
/// | `DeadlineExceeded` | it was cancelled ahead of Lambda's deadline |
/// | `ResourceUnavailable` | a resource could not be had; the message names it, and the function was not called |
/// | `Panic` | message and place |
/// | `InvalidEvent` | the event does not fit; the message says where |
/// | `InvalidAnswer` | the answer cannot be written as JSON |
///
/// # Options
///
/// ## `deadline_margin = "250ms"`
///
/// The function, or the body that it streams, is cancelled this long before Lambda's deadline, so that Lambda does not kill the container with all it holds. 250 ms if not set; `"0s"` switches
/// it off.
///
/// ```
/// # use rewarm::handler;
/// #[handler(deadline_margin = "1s")]
/// async fn slow(event: u64) -> u64 { event }
/// ```
///
/// ## `report_every = 10`
///
/// A report of the container (uptime, invocations, errors, error rate) every so many invocations; 10 if not set, `0` for never.
///
/// ```
/// # use rewarm::handler;
/// #[handler(report_every = 100)]
/// async fn busy(event: u64) -> u64 { event }
/// ```
///
/// ## `warmup`
///
/// An event of a warm-up ping, `{"source": "serverless-plugin-warmup"}` or `{"warmup": true}`, is answered with `null` at once, without the function, and counts as
/// a ping and not as an invocation.
///
/// ```
/// # use rewarm::handler;
/// #[handler(warmup)]
/// async fn kept_warm(event: u64) -> u64 { event }
/// ```
///
/// ## `http`
///
/// With the feature `http`: the event is a `rewarm::http::Request`, the answer an `IntoResponse`. A function that does not take the request makes a
/// `tower::Service` of its resources, such as an `axum::Router`: once per container, in INIT, and again when one of the resources is built anew. See the guide's chapter on HTTP.
///
/// ```ignore
/// #[handler(http)]
/// async fn greet(request: Request, greeting: &String) -> Result<impl IntoResponse, Error> { /* … */ }
///
/// #[handler(http)]
/// fn shop(db: Arc<Pool>) -> axum::Router { /* … */ }
/// ```
///
/// ## `streaming`
///
/// The answer is a `StreamResponse<S>` of a stream of bytes; with `http`, an `http::Response<B>` whose body is sent as it comes. The deadline guard, `defer` and
/// the counters hold for the body, too; the guide's chapter on HTTP says how far.
///
/// ```ignore
/// #[handler(streaming)]
/// async fn count(to: u32) -> StreamResponse<impl Stream<Item = Result<String, Infallible>>> { /* … */ }
/// ```
///
/// ## `allow(lint, …)`, `crate = path`
///
/// As for `#[init]`.
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::handler(args.into(), item.into()).into()
}

/// Gives tokens the edition of this crate, 2021, in which `std::env::set_var` is a safe function.
///
/// The Runtime API's documentation wants `_X_AMZN_TRACE_ID` set for each invocation. Where one
/// invocation runs at a time, nothing else of the runtime reads the environment meanwhile.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-build>
#[doc(hidden)]
#[proc_macro]
pub fn in_edition_2021(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            match &mut token {
                proc_macro::TokenTree::Group(group) => {
                    let inner = in_edition_2021(group.stream());
                    *group = proc_macro::Group::new(group.delimiter(), inner);
                }
                token => token.set_span(proc_macro::Span::call_site()),
            }
            token
        })
        .collect()
}
