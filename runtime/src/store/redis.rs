//! A store in Redis or Valkey.
//!
//! A key has two keys there: the text of the entry at `KEY`, and the token of the lease at
//! `{KEY}:lease`. The braces put both on the same node of a cluster; in `KEY` itself they are
//! escaped. Operations on both keys are scripts, which Redis runs atomically.
//!
//! The server ends a lease a minute late: its token remains the key's for that time, and the script
//! that takes a lease looks at the rest of the time to live. No clock of a container is involved.
//!
//! There is one connection, which all operations share. An attempt to connect is a task, so that a
//! caller that gives up after a few milliseconds does not end it. A connection is discarded when an
//! operation fails on it, and when the future of an operation is dropped before the response: the
//! server may be gone without a sign, as after a freeze. Operations that are under way on it go on.
//! An operation that finds a connection already there and broken is repeated once on a new one, and
//! so is one that gets no response at once on a connection that was idle for a minute: networks
//! forget idle connections without a sign. All operations may be repeated: a lease is granted again
//! to the token that has it, and a `put` whose entry is there has succeeded.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, try_join_all};
use tokio::runtime::Handle;

use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisError, Value, cmd,
};

use super::entry::{MARK, TIME_WIDTH};
use super::{BoxFuture, Entry, Lease, Store, StoreError, StoreErrorKind, Token, ms};
use crate::base::clock::{CLOCK, Tick};
use crate::error::{BoxError, Error};

/// The limit of an attempt to connect, of each response while it connects, and of a response.
const LIMIT: Duration = Duration::from_secs(5);
/// The time after which a connection without a use may be gone.
const IDLE: Duration = Duration::from_secs(60);
/// The time for a response on a connection that may be gone.
const AT_ONCE: Duration = Duration::from_millis(30);
/// The time for which the token of a lease that has ended remains the key's.
const LINGER_MS: u64 = 60_000;
/// The longest time to live, 300 years. The server refuses those that overflow its clock.
const LONGEST_MS: u64 = 10_000_000_000_000;

/// Takes a lease. `KEYS`: entry, lease. `ARGV`: the time of the entry that the caller has seen (`*`
/// for any), the token, the time to live of the lease, the part of it in which the lease has ended,
/// and the place of the time in an entry.
const LEASE: &str = "\
local entry = redis.call('GET', KEYS[1])
if entry and ARGV[1] ~= '*' and string.sub(entry, 1, #ARGV[5]) == ARGV[5]
    and string.sub(entry, #ARGV[5] + 1, #ARGV[5] + ARGV[6]) ~= ARGV[1] then
  return entry
end
local token = redis.call('GET', KEYS[2])
if token and token ~= ARGV[2] and redis.call('PTTL', KEYS[2]) > tonumber(ARGV[4]) then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1";

/// Stores an entry under a lease. `ARGV`: the token, the entry, its time to live. If the entry is
/// there, it was stored by an attempt whose response was lost.
const PUT: &str = "\
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return redis.call('GET', KEYS[1]) == ARGV[2] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1";

/// Ends a lease. `KEYS`: lease. `ARGV`: the token.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1";

/// A store in Redis or Valkey, also in ElastiCache and MemoryDB. A clone is another handle.
///
/// It has one connection, which is opened in the background, shared by all operations, and opened
/// again when it breaks: an operation that meets a connection that broke while the container was
/// frozen is repeated once on a new one. A server that cannot be reached is the error of an
/// operation, never of the resource.
///
/// - The server needs `GET`, `SET`, `DEL`, `PTTL` and `EVAL`; `remove_all` also `SCAN` and `UNLINK`.
///   `remove_all` reads all keys of the database, so that its time grows with their number.
/// - The endpoint must be one of a server that takes writes: of a primary, or of ElastiCache
///   Serverless. The nodes of a cluster are not discovered.
/// - `rediss://` (TLS) requires the feature `redis-tls`. The certificate is checked against those of
///   the system.
///
/// ```
/// use rewarm::{Error, init};
/// use rewarm::store::Redis;
///
/// #[init(close = Redis::close)]
/// async fn shared() -> Result<Redis, Error> {
///     Redis::connect(&std::env::var("REDIS_URL")?).await
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    target: Arc<Target>,
    namespace: Option<Arc<str>>,
    state: Mutex<State>,
}

/// The server and the way to log in.
struct Target {
    /// For error messages.
    name: Arc<str>,
    info: ConnectionInfo,
    credentials: Option<Provider>,
}

type Provider =
    Box<dyn Fn() -> BoxFuture<'static, Result<(String, String), BoxError>> + Send + Sync>;

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// The number of connections so far.
    count: u64,
}

/// A connection, open or being opened.
#[derive(Clone)]
struct Connection {
    number: u64,
    start: Tick,
    /// The start of the last operation that got a response.
    used: Arc<AtomicU64>,
    opened: Shared<BoxFuture<'static, Result<MultiplexedConnection, StoreError>>>,
}

impl Connection {
    /// True if the attempt has ended. An attempt that no operation waits for is polled here alone.
    fn is_done(&self) -> bool {
        self.opened.peek().is_some() || self.opened.clone().now_or_never().is_some()
    }
}

impl Redis {
    /// Connects to the server of a URL such as `redis://user:password@host:6379/0`.
    ///
    /// Returns at once: the connection is opened in the background.
    ///
    /// # Errors
    /// If the URL is wrong.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// Returns a builder, for credentials that change and for a namespace.
    pub fn builder(url: &str) -> RedisBuilder {
        RedisBuilder { url: url.to_owned(), credentials: None, namespace: None }
    }

    /// Closes the connection. A later operation opens a new one.
    pub async fn close(&self) {
        let connection = self.0.lock().connection.take();
        drop(connection);
    }
}

impl Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("name", &self.0.target.name)
            .field("namespace", &self.0.namespace)
            .finish_non_exhaustive()
    }
}

/// The options of a [`Redis`].
pub struct RedisBuilder {
    url: String,
    credentials: Option<Provider>,
    namespace: Option<Arc<str>>,
}

impl RedisBuilder {
    /// Sets a function that returns user name and password. It is called for every connection, so
    /// that tokens which expire, such as those of IAM for ElastiCache, may be made or renewed there.
    ///
    /// ```
    /// use rewarm::{Error, init};
    /// use rewarm::store::Redis;
    ///
    /// # async fn iam_token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// #[init]
    /// async fn shared() -> Result<Redis, Error> {
    ///     let url = std::env::var("REDIS_URL")?;
    ///     let login = || async { Ok::<_, Error>(("shop".to_owned(), iam_token().await?)) };
    ///     Redis::builder(&url).credentials(login).connect().await
    /// }
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn credentials<P, F, E>(mut self, provider: P) -> Self
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(String, String), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let provider = move || {
            let login = provider();
            let boxed: BoxFuture<'static, _> = Box::pin(async { login.await.map_err(Into::into) });
            boxed
        };
        self.credentials = Some(Box::new(provider));
        self
    }

    /// Sets the first part of all keys. The default is the name of the package.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// See [`Redis::connect`].
    ///
    /// # Errors
    /// If the URL is wrong.
    pub async fn connect(self) -> Result<Redis, Error> {
        let info = match self.url.as_str().into_connection_info() {
            // Small requests do not wait for the acknowledgement of others.
            Ok(info) => info.set_tcp_settings(TcpSettings::default().set_nodelay(true)),
            Err(_) => {
                let is_tls = ["rediss:", "valkeys:"].iter().any(|tls| self.url.starts_with(tls));
                let message = if is_tls && cfg!(not(feature = "redis-tls")) {
                    "a `rediss://` URL requires the feature `redis-tls` of rewarm"
                } else {
                    "the URL is wrong; write `redis://host:6379`, or `redis://user:password@host:6379/0`"
                };
                return Err(StoreError::new(StoreErrorKind::Other, "Redis", message).into());
            }
        };
        let name = format!("Redis at {}", info.addr()).into();
        let target = Arc::new(Target { name, info, credentials: self.credentials });
        let state = Mutex::default();
        let redis = Redis(Arc::new(Inner { target, namespace: self.namespace, state }));
        redis.0.connection();
        Ok(redis)
    }
}

impl Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Target {
    /// Opens a connection.
    async fn open(&self) -> Result<MultiplexedConnection, StoreError> {
        let mut info = self.info.clone();
        if let Some(provider) = &self.credentials {
            let (user, password) = provider()
                .await
                .map_err(|source| StoreError::new(StoreErrorKind::Other, &*self.name, source))?;
            let settings = info.redis_settings().clone();
            info = info.set_redis_settings(settings.set_username(user).set_password(password));
        }
        #[cfg(feature = "redis-tls")]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // It fails if another thread has just installed one, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let client = Client::open(info).map_err(|error| self.error(&error))?;
        let opened = client.get_multiplexed_async_connection_with_config(&limits).await;
        opened.map_err(|error| self.error(&error))
    }

    /// Describes an error of the client. The texts of the server that may contain keys or values are
    /// left out.
    fn error(&self, error: &RedisError) -> StoreError {
        let is_of_server = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
        let (kind, text) = match error.code() {
            Some(code) if is_of_server => {
                let detail = error.detail().unwrap_or_default();
                let detail = detail.split(", with args").next().unwrap_or_default();
                let kind =
                    if refuses(code) { StoreErrorKind::Unavailable } else { StoreErrorKind::Other };
                (kind, format!("{code} {detail}"))
            }
            _ if error.is_timeout() => {
                (StoreErrorKind::Timeout, format!("no response in {} seconds", LIMIT.as_secs()))
            }
            _ if error.is_io_error() => (StoreErrorKind::Unavailable, error.to_string()),
            _ => match error.kind() {
                ErrorKind::AuthenticationFailed => {
                    (StoreErrorKind::Unavailable, "it refuses the credentials".to_owned())
                }
                ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                    (StoreErrorKind::Other, "the response is not that of a Redis server".to_owned())
                }
                _ => (StoreErrorKind::Other, error.category().to_owned()),
            },
        };
        StoreError::new(kind, &*self.name, text)
    }
}

/// True for the errors of a server that refuses operations, whatever their keys.
fn refuses(code: &str) -> bool {
    let codes = [
        "BUSY",
        "CLUSTERDOWN",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "NOAUTH",
        "NOREPLICAS",
        "OOM",
        "READONLY",
        "WRONGPASS",
    ];
    codes.contains(&code)
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the connection, or opens one in the background. The flag is true for a new one.
    fn connection(&self) -> (Connection, bool) {
        let (mut state, now) = (self.lock(), CLOCK.now());
        if let Some(connection) = &state.connection {
            // The limit of the attempt is by the clock of tokio, which may stop during a freeze.
            let is_overdue = now.since(connection.start) > LIMIT && !connection.is_done();
            if !is_overdue {
                return (connection.clone(), false);
            }
        }
        state.count += 1;
        let target = Arc::clone(&self.target);
        let opened: BoxFuture<'static, _> = match Handle::try_current() {
            Ok(runtime) => Box::pin(async move {
                let name = Arc::clone(&target.name);
                let task =
                    runtime.spawn(async move { tokio::time::timeout(LIMIT, target.open()).await });
                match task.await {
                    Ok(Ok(opened)) => opened,
                    Ok(Err(_)) => {
                        let text = format!("no connection in {} seconds", LIMIT.as_secs());
                        Err(StoreError::new(StoreErrorKind::Timeout, name, text))
                    }
                    Err(error) => Err(StoreError::new(StoreErrorKind::Other, name, error)),
                }
            }),
            Err(error) => {
                let error = StoreError::new(StoreErrorKind::Other, &*target.name, error);
                Box::pin(async { Err(error) })
            }
        };
        let used = Arc::new(AtomicU64::new(now.0));
        let connection =
            Connection { number: state.count, start: now, used, opened: opened.shared() };
        // Starts the task.
        connection.is_done();
        state.connection = Some(connection.clone());
        (connection, true)
    }

    /// Discards a connection, unless it has been replaced.
    fn discard(&self, number: u64) {
        let mut state = self.lock();
        let connection = state.connection.take_if(|connection| connection.number == number);
        drop(state);
        drop(connection);
    }

    /// Runs a command, a second time if the connection was there and is gone.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut may_repeat = true;
        loop {
            let (connection, is_new) = self.connection();
            may_repeat &= !is_new;
            let error = match connection.opened.clone().await {
                Ok(opened) => match self.run_on(&connection, opened, command, may_repeat).await {
                    Ok(value) => return Ok(value),
                    Err(Failure::Gone(_)) if may_repeat => None,
                    Err(Failure::Gone(error) | Failure::Other(error)) => Some(error),
                },
                Err(error) => {
                    self.discard(connection.number);
                    let is_repeated = may_repeat && error.kind() != StoreErrorKind::Timeout;
                    (!is_repeated).then_some(error)
                }
            };
            match error {
                Some(error) => return Err(error),
                None => may_repeat = false,
            }
        }
    }

    /// Runs a command on a connection, and discards the connection if that is why it failed.
    async fn run_on<T: FromRedisValue>(
        &self,
        connection: &Connection,
        mut opened: MultiplexedConnection,
        command: &Cmd,
        may_repeat: bool,
    ) -> Result<T, Failure> {
        let now = CLOCK.now();
        let is_idle = now.since(Tick(connection.used.load(Relaxed))) > IDLE;
        let mut guard = DiscardUnlessDone { inner: self, number: Some(connection.number) };
        let response = command.query_async(&mut opened);
        let result = if is_idle && may_repeat {
            match tokio::time::timeout(AT_ONCE, response).await {
                Ok(result) => result,
                Err(_) => {
                    let text = format!("no response in {} milliseconds", AT_ONCE.as_millis());
                    let name = &*self.target.name;
                    let error = StoreError::new(StoreErrorKind::Timeout, name, text);
                    return Err(Failure::Gone(error));
                }
            }
        } else {
            response.await
        };
        guard.number = None;
        let error = match result {
            Ok(value) => {
                connection.used.store(now.0, Relaxed);
                return Ok(value);
            }
            Err(error) => error,
        };
        if is_of_connection(&error) {
            self.discard(connection.number);
        }
        let is_gone = error.is_io_error() && !error.is_timeout();
        let error = self.target.error(&error);
        Err(if is_gone { Failure::Gone(error) } else { Failure::Other(error) })
    }

    fn unexpected(&self) -> StoreError {
        let text = "the response is not that of a Redis server";
        StoreError::new(StoreErrorKind::Other, &*self.target.name, text)
    }
}

/// The failure of a command.
enum Failure {
    /// The connection is gone, and the command may be repeated on another.
    Gone(StoreError),
    Other(StoreError),
}

/// True if a new connection may not have this error: it broke, the server is no longer the primary,
/// or the login has expired.
fn is_of_connection(error: &RedisError) -> bool {
    match (error.kind(), error.code()) {
        (ErrorKind::Server(_) | ErrorKind::Extension, Some(code)) => {
            matches!(code, "READONLY" | "MASTERDOWN" | "LOADING" | "NOAUTH" | "WRONGPASS")
        }
        (ErrorKind::UnexpectedReturnType, _) => false,
        _ => true,
    }
}

/// Discards the connection when the future of an operation is dropped.
struct DiscardUnlessDone<'a> {
    inner: &'a Inner,
    number: Option<u64>,
}

impl Drop for DiscardUnlessDone<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.inner.discard(number);
        }
    }
}

/// Returns the key in Redis: the same, with braces escaped. A prefix remains one.
fn entry_key(key: &str) -> Cow<'_, str> {
    if !key.contains(['%', '{', '}']) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(key.replace('%', "%25").replace('{', "%7B").replace('}', "%7D"))
}

fn lease_key(entry_key: &str) -> String {
    format!("{{{entry_key}}}:lease")
}

/// Escapes a text for the patterns of `SCAN`.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Returns the command that runs a script.
fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(text).arg(keys.len()).arg(keys);
    command
}

impl Store for Redis {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            let mut command = cmd("GET");
            command.arg(&*entry_key(key));
            let text: Option<Vec<u8>> = self.0.run(&command).await?;
            Ok(text.and_then(|text| Entry::decode(text).ok()))
        })
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let (token, entry_key) = (Token::random(), entry_key(key));
            let lease_key = lease_key(&entry_key);
            let lives = ms(duration).min(LONGEST_MS) + LINGER_MS;
            let mut seen = seen.map_or(String::new(), |time| format!("{time:013}"));
            loop {
                let mut command = script(LEASE, &[&entry_key, &lease_key]);
                command.arg(&seen).arg(token.as_str()).arg(lives).arg(LINGER_MS);
                command.arg(MARK).arg(TIME_WIDTH);
                match self.0.run(&command).await? {
                    Value::Int(1) => return Ok(Lease::Granted(token)),
                    Value::Int(0) => return Ok(Lease::Taken),
                    Value::BulkString(text) if seen != "*" => match Entry::decode(text) {
                        Ok(entry) => return Ok(Lease::Newer(entry)),
                        // The text is no entry beyond its first words.
                        Err(_) => "*".clone_into(&mut seen),
                    },
                    _ => return Err(self.0.unexpected()),
                }
            }
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let entry_key = entry_key(key);
            let mut command = script(PUT, &[&entry_key, &lease_key(&entry_key)]);
            command.arg(token.as_str()).arg(entry.as_bytes()).arg(ms(keep).clamp(1, LONGEST_MS));
            self.0.run(&command).await
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut command = script(RELEASE, &[&lease_key(&entry_key(key))]);
            command.arg(token.as_str());
            self.0.run(&command).await
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let entry_key = entry_key(key);
            let mut command = cmd("DEL");
            command.arg(&*entry_key).arg(lease_key(&entry_key));
            self.0.run(&command).await
        })
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let prefix = literal(&entry_key(prefix));
            // The leases first: a lease that is not found any more has stored its entry already, or
            // cannot. `SCAN` returns each key that is there from its start to its end.
            for pattern in [format!("{{{prefix}*}}:lease"), format!("{prefix}*")] {
                let mut cursor = "0".to_owned();
                loop {
                    let mut command = cmd("SCAN");
                    command.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
                    let (next, keys): (String, Vec<Vec<u8>>) = self.0.run(&command).await?;
                    // One command a key, since keys may be on several nodes of a cluster.
                    let unlink = keys.iter().map(|key| async move {
                        let mut command = cmd("UNLINK");
                        command.arg(key);
                        self.0.run::<()>(&command).await
                    });
                    try_join_all(unlink).await?;
                    if next == "0" {
                        break;
                    }
                    cursor = next;
                }
            }
            Ok(())
        })
    }

    fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinct_and_share_their_hash_tag() {
        let keys = ["a", "a{b}c", "a%7Bb%7Dc", "}{", "{}", "%", "%25", "é:{\"n\":1}"];
        let stored: std::collections::BTreeSet<_> = keys.iter().map(|key| entry_key(key)).collect();
        assert_eq!(stored.len(), keys.len());
        for key in stored {
            assert!(!key.contains(['{', '}']));
            let lease = lease_key(&key);
            assert_eq!(lease[1..].split('}').next().unwrap(), key);
        }
        assert!(entry_key("a{b").starts_with(&*entry_key("a{")));
    }

    #[test]
    fn patterns_are_literal() {
        assert_eq!(literal("a*b?[c]\\:"), "a\\*b\\?\\[c\\]\\\\:");
    }

    #[tokio::test]
    async fn a_wrong_url_is_an_error_that_does_not_print_it() {
        for url in ["", "shop:6379", "http://shop", "redis://:sesame@", "redis://u:sesame@h/x"] {
            let error = Redis::connect(url).await.unwrap_err();
            let text = format!("{error:?}");
            assert!(text.starts_with("Redis failed: the URL is wrong; write `redis://"), "{text}");
        }
        #[cfg(not(feature = "redis-tls"))]
        {
            let text = format!("{:?}", Redis::connect("rediss://shop").await.unwrap_err());
            assert_eq!(
                text,
                "Redis failed: a `rediss://` URL requires the feature `redis-tls` of rewarm"
            );
        }
        let redis = Redis::connect("redis://user:sesame@127.0.0.1:1/0").await.unwrap();
        let text = format!("{redis:?} {:?}", redis.get("key").await.unwrap_err());
        assert!(text.contains("Redis at 127.0.0.1:1 is unavailable: "), "{text}");
        assert!(!text.contains("sesame"), "{text}");
    }
}
