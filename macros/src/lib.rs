//! The attributes of `rewarm`: `#[init]`, `#[cached]` and `#[handler]`. Depend on `rewarm`, which
//! re-exports them.
// A panic states its reason: `unreachable!` with a message, or an `#[expect]` with one.
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
mod audit;
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
mod item_attributes;
mod lints;
mod names;
mod parts;
mod signature;
mod tokens;
mod types;

use proc_macro::TokenStream;

/// Declares a resource: a value that is built once per container, in Lambda's INIT phase.
///
/// All resources are built concurrently. The attribute applies to an `async fn`, a `fn` or a
/// `static`. A function returns `T` or `Result<T, E>`, with
/// `E: Into<Box<dyn Error + Send + Sync>>`. The container keeps the `T`, which must be
/// `Send + Sync + 'static`. A handler, another resource or a cached function takes the resource as
/// a parameter of the same name:
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
/// #[init] // built as soon as `url` is, concurrently with other resources
/// async fn db(url: &String) -> Pool {
///     Pool(url.clone())
/// }
///
/// #[init] // a `fn` takes resources, too, and runs on a thread of its own
/// fn routes(url: &String) -> Result<Vec<String>, Error> {
///     Ok(url.split(',').map(str::to_owned).collect())
/// }
///
/// #[init] // derefs to the value; `?` and `.await` work in an initialiser
/// static GREETING: String =
///     std::env::var("GREETING").or_else(|_| Ok::<_, Error>("hello".to_owned()))?;
///
/// #[handler]
/// async fn greet(name: String, db: &Pool) -> String {
///     format!("{} {name}, from {}", *GREETING, db.0)
/// }
/// # fn main() {}
/// ```
///
/// # Generated items
///
/// The function keeps its name and returns the resource. A type of the same name has the controls.
///
/// | use | result |
/// |---|---|
/// | a parameter `db: &Pool` of a handler or another resource | the value, resolved before the body runs and held until it ends; `db: Arc<Pool>` takes the handle, and `words: &[String]` what a `Vec<String>` derefs to |
/// | `db().await` (`db()` if the function is not async) | `Result<Arc<Pool>, ResourceError>` |
/// | `db::get()` | `Option<Arc<Pool>>`: the value if it is ready, without waiting; `None` until it has been built, and while a check or a rebuild is due |
/// | `db::rebuild().await` | builds the next generation, and returns it; callers share an attempt that begins after all of them called; if it fails, the old value stays |
/// | `*GREETING`, a static whose initialiser does not await | the value, built on first use if INIT has not built it |
/// | `DB.get().await`, a static whose initialiser awaits | the same as `db().await`. It does not deref: the compiler calls its type `NeedsGetAwait` |
///
/// The parameters are resources, found by name.
/// `#[from(path::to::db)] pool: &Pool` takes a resource with another name or from another module. A
/// resource is never older than the resources it was built from: after one of them is rebuilt, the
/// next use of this one rebuilds it, too. Circular dependencies do not compile.
///
/// # Functions that do not await
///
/// The initialiser of a `fn`, or of a static without `.await`, runs on tokio's blocking pool, once the
/// resources that it takes are ready. Its accessor `routes()` does not await: if the value is not
/// ready, it builds the value on the caller's thread, and what that takes if it does not await
/// either. It does not wait for a resource that awaits, since the thread that it blocks may be the one
/// on which that resource is built. If such a resource is not ready, because it has not been built or
/// a check is due after an idle gap, `routes()` returns an error that names it. A parameter
/// `routes: &Vec<String>` waits for all of them, so prefer that to a call in a body.
///
/// # Errors
///
/// Without `retry_after` a resource is *required*: if it cannot be built, INIT fails, and reports
/// all failures together, each with the resources that it affects. With `retry_after` it is *recoverable*: INIT continues, and every caller
/// receives the error until an attempt succeeds. Resources that are built from it fail with the
/// same error.
///
/// An attempt belongs to the container. It continues if its caller is cancelled, and all waiting
/// callers share the attempt and its error. A panic is an error with the panic's message. A failure
/// takes no usable value away: a value that passes its `check` is used even if a rebuild has failed.
///
/// # Panics
///
/// A static that derefs cannot return an error. If it cannot be built, its use ends the invocation as
/// `ResourceUnavailable`, and an initialiser that it stands in with an error that names both. In a test
/// or in `main`, it panics. The next use tries again.
///
/// # Options
///
/// A duration is written as numbers with the units `ms`, `s`, `m`, `h` and `d`: `"1500ms"`, `"30s"`
/// or `"2h30m"`.
///
/// ## `lazy`
///
/// Builds the resource at its first use instead of in INIT, also where a handler names it. Use it for a resource that few
/// invocations need.
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
/// Limits one attempt, and one `check`. Without it, an attempt has 60 seconds and a check has 5.
/// Requires an initialiser that awaits.
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
/// Keeps the error of a failed attempt for this time. Callers receive it at once, and the first use
/// after that time starts another attempt. A backend that is down is not flooded with attempts, and
/// the container stays alive. An error of a dependency is kept by the dependency alone.
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
/// Checks the value with an `async fn(&T) -> Result<(), E>`. The check runs
///
/// - after the value has been built, where an error fails the attempt;
/// - at the first use in an invocation that follows an idle gap longer than `idle`, before the body
///   receives the value;
/// - after a SnapStart restore.
///
/// In the last two cases an error builds the next generation. A connection that died while the
/// container was frozen is thus replaced before it is used.
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
/// Closes the value with an `async fn(&T)`. It runs at SHUTDOWN, on dependents before their
/// dependencies, all within 300 ms. A generation that was replaced is closed after the response and
/// the deferred work of the invocation that replaced it, once no handle to it is left, and so is a
/// value that failed its check. There `close` is given up after 300 ms, and does not run again for
/// that value. Lambda signals SHUTDOWN only to functions with an extension, so rewarm registers one
/// if any resource has a `close`.
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
/// Keeps, checks or rebuilds the value after a SnapStart restore. The default is `check` for a
/// resource with a `check`, `rebuild` for another initialiser that awaits, since its connections
/// are dead, and `keep` for all others.
///
/// ```
/// # use rewarm::init;
/// #[init(restore = keep)] // read from a file, and still valid after a restore
/// async fn words() -> Vec<String> {
///     vec!["tea".to_owned()]
/// }
/// ```
///
/// ## `allow(lint, …)`
///
/// Allows lints by name.
/// [The guide](https://docs.rs/rewarm/latest/rewarm/guide/lints/index.html) lists them.
///
/// ```
/// # use rewarm::init;
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[init(allow(unbounded_growth, global_state))] // bounded by the number of countries
/// static COUNTRIES: Mutex<HashMap<String, u64>> = Mutex::new(HashMap::new());
/// ```
///
/// ## `crate = path`
///
/// The path of the crate `rewarm`, if it is not `::rewarm`.
#[proc_macro_attribute]
pub fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::init(args.into(), item.into()).into()
}

/// Caches the return value of a function for a time.
///
/// The cache is bounded, concurrent callers share one fetch, and a value is never older than its
/// options allow. The attribute applies to a free `fn` or `async fn` that returns `T` or
/// `Result<T, E>`, with `T: Clone + Send + Sync + 'static`. Return an `Arc` if cloning is expensive.
/// The arguments are the key: any type that is `Hash + Eq`, owned or borrowed. A hit does not
/// allocate. `Err` and `None` are not kept, unless `negative_ttl` is set.
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
/// #[cached(ttl = "5m")] // without arguments it is also a resource
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
/// | parameter | role |
/// |---|---|
/// | `sku: &str`, `id: u64`, `bytes: &[u8]` | part of the key |
/// | `#[from] db: &Pool`, `#[from(path::to::db)] pool: &Pool` | a resource: rewarm fills it, and it is part of neither the key nor the signature for callers |
/// | `#[skip] trace: &Trace` | an argument that is not part of the key: a fetch receives that of the caller which started it |
///
/// A fetch of a `fn` runs on the caller's thread, and cannot wait for a resource that awaits: if that
/// is not ready, the function returns the error of the resource. A handler that takes the resource as
/// a parameter has made it ready.
///
/// # Controls
///
/// | without arguments | with a key | effect |
/// |---|---|---|
/// | `settings::invalidate()` | `price::invalidate(sku)` | removes the value |
/// | `settings::refresh().await` | `price::refresh(sku).await` | fetches; callers share a fetch that begins after all of them called; if it fails, they receive the error, and the old value stays |
/// | `settings::peek()` | `price::peek(sku)` | returns the value if it is fresh |
/// | | `price::clear()` | removes all values |
/// | `settings::stats()` | `price::stats()` | returns the counters |
///
/// With a `store`, `invalidate`, `clear` and `refresh` are `async` and return a `Result`.
///
/// # Guarantees
///
/// - Concurrent callers of a key share one fetch, and also its error if that is `Clone`. A fetch that
///   is older than `ttl` is not joined, and one without a `timeout` is given up after 60 seconds. A
///   hit never waits for another key. A fetch that is not ready at its first poll runs in its own task,
///   so it continues if its caller is cancelled. It must not read task-locals of the caller: they are
///   not part of the key, and are there at the first poll alone.
/// - The age of a value counts from the start of its fetch (RFC 9111, §4.2.3) and includes frozen
///   time. Of the monotonic and the wall clock, the one that moved further counts.
/// - Values that no caller can receive any more are dropped at the end and at the start of each
///   invocation.
/// - A panic in a fetch reaches the caller that started it. A function that calls itself with the
///   same key receives an error.
/// - If a resource cannot be built, or a fetch exceeds its `timeout`, the function returns that as
///   its error, where `E: From<ResourceError>`.
///   [`rewarm::Error`](https://docs.rs/rewarm/latest/rewarm/struct.Error.html) is such an error.
///   For any other return type the invocation fails as `ResourceUnavailable`.
///
/// # Panics
///
/// Outside an invocation, the last of these cases panics. The caller that started a fetch also
/// receives the panic of the function.
///
/// # Options
///
/// A duration is written as numbers with the units `ms`, `s`, `m`, `h` and `d`: `"1500ms"`, `"30s"`
/// or `"2h30m"`.
///
/// ## `ttl = "5m"`
///
/// The age at which a value is fetched again. Required.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m")]
/// async fn exchange_rate() -> u64 { 42 }
/// ```
///
/// ## `stale_while_revalidate = "1m"`
///
/// For this time after `ttl`, returns the old value at once. One fetch then runs after the response
/// has been sent, before the container can freeze (RFC 5861, §3).
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m", stale_while_revalidate = "1m")]
/// async fn banner() -> String { "hello".to_owned() }
/// ```
///
/// ## `stale_if_error = "1h"`
///
/// For this time after `ttl`, a fetch that fails or times out returns the old value instead of its
/// error, and logs a warning (RFC 5861, §4). It is then not repeated for `negative_ttl`, or 10
/// seconds: a backend that hangs costs one wait, not one per invocation.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", stale_if_error = "1h")]
/// async fn rates() -> Result<u64, Error> { Err(Error::msg("the bank is closed")) }
/// ```
///
/// ## `stale_if_slow = "50ms"`
///
/// Where `stale_while_revalidate` or `stale_if_error` allows the old value, returns it if a fetch
/// takes longer than this. The time counts from the start of the fetch: later callers do not wait
/// again. The fetch goes on beside the handler; if it has not ended with the response, it is waited
/// for after that, before the container can freeze. Limit it by `timeout`. Requires an `async fn`.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", stale_if_error = "1h", stale_if_slow = "50ms", timeout = "2s")]
/// async fn rates() -> Result<u64, Error> { Ok(7) }
/// ```
///
/// ## `lifetime = path`
///
/// A function of the value, `fn(&T) -> Duration`. The value is kept for the shorter of `ttl` and the
/// time that it returns, which counts from the start of the fetch. No stale window reaches beyond
/// that time, and a value whose lifetime is zero is not kept. For an `Option<T>` the function takes
/// the value in it. A panic of the function is one of the fetch.
///
/// ```
/// # use rewarm::{Error, cached};
/// # use std::time::Duration;
/// #[derive(Clone)]
/// struct AccessToken {
///     secret: String,
///     expires_in: Duration,
/// }
///
/// impl AccessToken {
///     /// A minute less: the token is still in use after this.
///     fn lifetime(&self) -> Duration {
///         self.expires_in.saturating_sub(Duration::from_secs(60))
///     }
/// }
///
/// #[cached(ttl = "1h", lifetime = AccessToken::lifetime)]
/// async fn access_token() -> Result<AccessToken, Error> {
///     Ok(AccessToken { secret: "s3cret".to_owned(), expires_in: Duration::from_secs(3600) })
/// }
/// ```
///
/// ## `negative_ttl = "5s"`
///
/// Keeps `Err`, which must be `Clone`, timeouts, and `None` for this time. Without it, none is kept.
/// While
/// `stale_if_error` allows the old value, callers receive that instead of the error for this time,
/// and no fetch runs.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", negative_ttl = "5s")]
/// async fn user(id: u64) -> Result<Option<String>, Error> {
///     Ok((id == 1).then(|| "Ada".to_owned()))
/// }
/// ```
///
/// ## `max_entries = 1000`
///
/// The number of keys whose value the cache keeps. The default is 1000, and no setting makes a cache
/// unbounded. If a value is added to a full cache, another one makes room: one that was not used for
/// a long time.
///
/// Errors that `negative_ttl` and `stale_if_error` keep have a bound of their own, of the same size:
/// keys that fail take no value away. `stats().entries` counts both.
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
/// Shortens each lifetime by a random part, up to this percentage, so that containers that started
/// together do not fetch together. The default is 10%.
///
/// ```
/// # use rewarm::cached;
/// #[cached(ttl = "5m", jitter = "0%")]
/// async fn exactly_five_minutes() -> u64 { 5 }
/// ```
///
/// ## `timeout = "2s"`
///
/// Limits one fetch; 60 seconds without it. Requires an `async fn`.
///
/// ```
/// # use rewarm::{Error, cached};
/// #[cached(ttl = "5m", timeout = "2s")]
/// async fn weather(city: &str) -> Result<String, Error> { Ok(format!("rain in {city}")) }
/// ```
///
/// ## `store = path`
///
/// A resource that all containers share, of a type that implements
/// [`rewarm::store::Store`](https://docs.rs/rewarm/latest/rewarm/store/trait.Store.html). The cache
/// of the container stays in front of it: a hit there asks nothing. On a miss the store is asked; if
/// it has no usable value, one container takes the lease of the key and fetches, and the others wait
/// for its value. See [`rewarm::guide::second_tier`].
///
/// [`rewarm::guide::second_tier`]: https://docs.rs/rewarm/latest/rewarm/guide/second_tier/index.html
///
/// - The age of a value counts from the wall-clock time at which its fetch began, in all containers:
///   `ttl`, the stale windows, and `negative_ttl` of a `None` apply to it. Errors are not stored.
/// - A store that fails or is slow costs one `store_timeout`; it is then left alone for a second, and
///   twice as long after each further failure, up to 30 seconds. Meanwhile the function works as
///   without it.
/// - The key has the namespace of the store (or the name of the package), the path of the function, a
///   fingerprint and the arguments as JSON. The fingerprint changes with the code of the function,
///   `version`, and the shape of its value. In tenant isolation mode the tenant is part of the key.
/// - The value is what its JSON gives back: a field with `#[serde(skip)]` has its default in other
///   containers. The value is `Serialize + DeserializeOwned`, the arguments are `Serialize`.
/// - `invalidate(…).await`, `clear().await` and `refresh(…).await` reach the store, and return
///   `Result<_, StoreError>`. Other containers use their own copies until `local_ttl`.
///
/// ```
/// # use rewarm::{Error, cached, init};
/// use rewarm::store::Memory;
///
/// #[init]
/// fn shared() -> Memory {
///     Memory::new() // `Redis` or `DynamoDb` in Lambda
/// }
///
/// #[cached(ttl = "5m", store = shared)]
/// async fn price(sku: &str) -> Result<Option<u64>, Error> {
///     Ok((sku == "tea").then_some(540))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
/// assert_eq!(price("tea").await?, Some(540));
/// price::invalidate("tea").await?; // an error if the store cannot be reached
/// # Ok(()) }
/// ```
///
/// ## `local_ttl = "10s"`
///
/// The time for which the container uses its own copy before the store is asked again; without it,
/// `ttl`. Requires a `store`.
///
/// ## `store_timeout = "100ms"`
///
/// Limits one operation of the store; 100 ms without it. Requires a `store`.
///
/// ## `version = 2`
///
/// A part of the key. Raise it if the meaning of the value has changed and neither the function's code
/// nor its type shows it. Requires a `store`.
///
/// ```
/// # use rewarm::{Error, cached, init};
/// # use rewarm::store::Memory;
/// # #[init]
/// # fn shared() -> Memory { Memory::new() }
/// #[cached(ttl = "1h", store = shared, local_ttl = "10s", store_timeout = "50ms", version = 2)]
/// async fn exchange_rate(currency: &str) -> Result<f64, Error> {
/// #   let _ = currency;
///     Ok(1.5)
/// }
/// ```
///
/// ## `allow(lint, …)`, `crate = path`
///
/// The same as for [`macro@init`].
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::cached(args.into(), item.into()).into()
}

/// Runs a function once per event, with the resources in its signature injected.
///
/// The attribute applies to an `async fn` with any name but `main`. The parameters are, in this
/// order:
///
/// 1. the event: a type that is `DeserializeOwned`, or `LambdaEvent<T>`;
/// 2. optionally a `Context`;
/// 3. resources, found by name, as `&T`, as `Arc<T>` or as a clone.
///
/// The function returns `T`, or `Result<T, E>`, with `T: Serialize` and
/// `E: Into<Box<dyn Error + Send + Sync>>`.
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
/// The function itself stays unchanged, so tests can call it directly. The type of the same name
/// has these functions:
///
/// | function | result |
/// |---|---|
/// | `checkout::run() -> ExitCode` | runs the whole program: in Lambda INIT, the event loop and SHUTDOWN; elsewhere the local runner |
/// | `checkout::service()` | a `tower::Service<LambdaEvent<T>>`, for a `lambda_runtime::Runtime` of your own |
/// | `checkout::container()` | a simulated container, with the feature `testing` |
///
/// # Errors
///
/// An invocation that fails leaves the container and its resources alive. Lambda receives the whole
/// source chain of the error, and an error type:
///
/// | error type | cause |
/// |---|---|
/// | the one that `E` chooses, else the short name of `E` | the function returned an `Err` |
/// | `DeadlineExceeded` | the function was cancelled before Lambda's deadline |
/// | `ResourceUnavailable` | a resource could not be built; the message names it, and the function was not called |
/// | `Panic` | the function panicked; the error has the message and the location |
/// | `InvalidEvent` | the event does not match its type; the message names the field |
/// | `InvalidAnswer` | the response could not be serialised as JSON |
/// | `UnreadableBody` | the body of an HTTP request is not valid base64, or that of a response failed |
/// | `ResponseNotSent` | the Runtime API refused the response; for metrics and logs |
///
/// An error, also that of a service or of a streamed body, chooses its type by a conversion into
/// [`Diagnostic`], as for lambda_runtime. Retries and catchers of Step Functions tell errors apart by
/// it:
///
/// ```
/// # use rewarm::{Diagnostic, handler};
/// enum ShopError { RateLimited, Gone { order: u64 } }
///
/// impl From<ShopError> for Diagnostic {
///     fn from(error: ShopError) -> Self {
///         let (error_type, error_message) = match error {
///             ShopError::RateLimited => ("RateLimited", "come back later".to_owned()),
///             ShopError::Gone { order } => ("Gone", format!("order {order} is gone")),
///         };
///         Diagnostic { error_type: error_type.to_owned(), error_message }
///     }
/// }
///
/// #[handler]
/// async fn answer(order: u64) -> Result<u64, ShopError> {
///     Err(ShopError::Gone { order })
/// }
/// ```
///
/// [`Diagnostic`]: https://docs.rs/lambda_runtime/latest/lambda_runtime/struct.Diagnostic.html
///
/// # Options
///
/// ## `deadline_margin = "250ms"`
///
/// Cancels the function, or the body that it streams, this long before Lambda's deadline. Otherwise
/// Lambda would kill the container with all its resources. The default is 250 ms, and `"0s"`
/// disables it.
///
/// ```
/// # use rewarm::handler;
/// #[handler(deadline_margin = "1s")]
/// async fn slow(event: u64) -> u64 { event }
/// ```
///
/// ## `report_every = 10`
///
/// Logs a report of the container every so many invocations: uptime, invocations, errors and error
/// rate. The default is 10, and `0` disables it.
///
/// ```
/// # use rewarm::handler;
/// #[handler(report_every = 100)]
/// async fn busy(event: u64) -> u64 { event }
/// ```
///
/// ## `namespace = "Shop"`, `dimensions(function, stage = "prod")`
///
/// Writes CloudWatch metrics of each invocation, in the embedded metric format. `namespace` enables
/// them. The dimensions are `function`, `version`, `memory`, `region`, `start`, or a name with a
/// fixed value; the default is `function`. See the guide's chapter on metrics.
///
/// ```
/// # use rewarm::handler;
/// #[handler(namespace = "Shop", dimensions(function, stage = "prod"))]
/// async fn measured(event: u64) -> u64 { event }
/// ```
///
/// ## `warmup`
///
/// Responds to warm-up pings with `null`, without a call of the function. A ping is the event
/// `{"source": "serverless-plugin-warmup"}` or `{"warmup": true}`. Pings are counted separately
/// from invocations.
///
/// `warmup = "75ms"` holds each ping for this time: Lambda sends pings that arrive meanwhile to other
/// containers, so that ten pings at once keep ten containers warm.
///
/// `warmup_rule = "keep-warm"` makes pings of the scheduled events of an EventBridge rule or schedule
/// with this name.
///
/// ```
/// # use rewarm::handler;
/// #[handler(warmup = "75ms", warmup_rule = "keep-warm")]
/// async fn kept_warm(event: u64) -> u64 { event }
/// ```
///
/// ## `init(path, …)`
///
/// Builds these resources in INIT, besides those that the function names and those of its own crate.
/// Without it, a resource of another crate that only the body uses is built at its first use, while
/// an event waits.
///
/// ```
/// # mod library { #[rewarm::init] pub async fn queue() -> u8 { 1 } }
/// # use rewarm::handler;
/// #[handler(init(library::queue))]
/// async fn enqueue(event: u64) -> Result<u64, rewarm::ResourceError> {
///     Ok(event + u64::from(*library::queue().await?))
/// }
/// ```
///
/// ## `http`
///
/// Takes a `rewarm::http::Request` as the event and returns an `IntoResponse`. Requires the feature
/// `http`. A function without the request as its parameter returns a `tower::Service` that uses its
/// resources, such as an `axum::Router`. It is called once per container, in INIT, and again after
/// one of the resources has been rebuilt. See the guide's chapter on HTTP.
///
/// ```ignore
/// #[handler(http)]
/// async fn greet(request: Request, greeting: &String) -> Result<impl IntoResponse, Error> {
///     /* … */
/// }
///
/// #[handler(http)]
/// fn shop(db: Arc<Pool>) -> axum::Router { /* … */ }
/// ```
///
/// ## `streaming`
///
/// Streams the response: a `StreamResponse<S>` of a stream of bytes, or with `http` an
/// `http::Response<B>`, whose body is sent frame by frame. The deadline guard, `defer` and the
/// counters include the body. The guide's chapter on HTTP has the details.
///
/// ```ignore
/// #[handler(streaming)]
/// async fn count(to: u32) -> StreamResponse<impl Stream<Item = Result<String, Infallible>>> {
///     /* … */
/// }
/// ```
///
/// ## `layer = path`
///
/// Puts layers of tower around the handler. `path` is a function without arguments that returns a
/// `tower::Layer`, or several as a `tower::ServiceBuilder`. It is called once per container, in INIT.
/// Each invocation calls a clone of the service, inside its deadline guard. The layers of a handler take
/// `LambdaEvent<T>`, and those of an `http` one `rewarm::http::Request`, as tower-http's do.
/// `rewarm::layer` has the types of such layers. See the guide's chapter on layers.
///
/// ```ignore
/// fn layers() -> impl HttpLayer {
///     ServiceBuilder::new().layer(CompressionLayer::new()).layer(CorsLayer::permissive())
/// }
///
/// #[handler(http, layer = layers)]
/// async fn greet(request: Request, greeting: &String) -> Result<impl IntoResponse, Error> {
///     /* … */
/// }
/// ```
///
/// ## `allow(lint, …)`, `crate = path`
///
/// The same as for [`macro@init`].
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    attributes::handler(args.into(), item.into()).into()
}

/// Excuses a static, a function, an `impl` or an inline module from lints, and gives the reason.
///
/// `#[handler]` reads the sources of its crate and rejects globals that one invocation can change and
/// another reads. The attribute excuses one that invocations are meant to share. It names one lint or
/// more, and requires the reason, which is for readers of the source.
///
/// ```
/// # use rewarm::handler;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[rewarm::allow(global_state, reason = "counts requests, holds none of their data")]
/// static SERVED: AtomicU64 = AtomicU64::new(0);
///
/// fn served() -> u64 { SERVED.fetch_add(1, Ordering::Relaxed) }
///
/// #[handler]
/// async fn count(event: u64) -> u64 { event + served() }
/// ```
///
/// Write it with its path. An import of it, and so `use rewarm::*`, is ambiguous with the `#[allow]` of
/// the compiler, which the expansions of the other attributes contain. Import those by name.
///
/// # Errors
///
/// It does not compile without a reason, with a lint that does not exist, or where it excuses nothing.
#[proc_macro_attribute]
pub fn allow(args: TokenStream, item: TokenStream) -> TokenStream {
    audit::allow(args.into(), &item.into()).into()
}

/// Checks a library without a handler as `#[handler]` checks its own crate.
///
/// Each `pub` function is taken for one that a handler calls. Write it once, in any file of the crate.
/// With it, `rewarm::testing::assert_reuse_safe` compares the statics of the crate, too.
///
/// ```
/// rewarm::audit!();
/// ```
///
/// If the dependency has another name, it takes its path: `rw::audit!(crate = rw);`.
#[proc_macro]
pub fn audit(args: TokenStream) -> TokenStream {
    audit::audit(args.into()).into()
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
