//! A function whose events select faults of everything that belongs to a user: keys, values, errors,
//! initialisers, checks, hooks, deferred work, bodies of streams, sinks, and the subscriber of
//! `tracing`. `RUN` selects the handler; with `SUBSCRIBER`, the subscriber and the sink panic, too.
//!
//! A panic that is meant begins with `trap`. One that begins with `WRONG` is a fault of the runtime.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use rewarm::metrics::{Event as MetricsEvent, Sink, install};
use rewarm::{Context, MetadataPrelude, ResourceError, StreamResponse, cached, handler, init};
use rewarm_tests::random_faults::{End, Fault, Plan, Step};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Panics at one occasion in `every`, but not while the thread unwinds: a destructor that panics then
/// ends any process.
fn trap(every: u64, place: &str) {
    #[rewarm::allow(global_state, reason = "the faults are random, and planned by event")]
    static OCCASIONS: AtomicU64 = AtomicU64::new(0);
    if !std::thread::panicking() && OCCASIONS.fetch_add(1, SeqCst).is_multiple_of(every) {
        panic!("trap in {place}");
    }
}

/// A value with a fault.
struct Faulty(Fault, &'static str);

impl Clone for Faulty {
    fn clone(&self) -> Self {
        if self.0 == Fault::Clone {
            trap(3, "Clone");
        }
        Self(self.0, self.1)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        match self.0 {
            Fault::Drop => trap(3, self.1),
            Fault::Reenter => {
                item::stats();
                // Not the key of the caller: that one may be in its hands.
                item::peek(&Key(200, Faulty(Fault::None, "")));
                item::invalidate(&Key(200, Faulty(Fault::None, "")));
                rewarm::container().snapshot();
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Fault::Display {
            trap(2, "Debug");
        }
        f.write_str(self.1)
    }
}

/// A key whose fault is no part of its identity.
#[derive(Clone, Debug)]
struct Key(u8, Faulty);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        if self.1.0 == Fault::Eq || other.1.0 == Fault::Eq {
            trap(3, "Eq");
        }
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.1.0 == Fault::Hash {
            trap(3, "Hash");
        }
        self.0.hash(state);
    }
}

#[derive(Clone)]
struct Value {
    key: u8,
    _faulty: Faulty,
}

/// The error of everything.
#[derive(Clone, Debug)]
struct Trouble(Faulty);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.0 {
            Fault::Display => {
                trap(2, "Display");
                Err(fmt::Error)
            }
            _ => f.write_str(self.0.1),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if self.0.0 == Fault::Source {
            trap(2, "source");
        }
        None
    }
}

impl From<ResourceError> for Trouble {
    fn from(_: ResourceError) -> Self {
        Self(Faulty(Fault::None, "a resource"))
    }
}

/// The body of everything that is fetched or built.
async fn work(fault: Fault) -> Result<(), Trouble> {
    match fault {
        Fault::Hang => {
            let _dropped = Faulty(Fault::Drop, "Drop of a cancelled future");
            std::future::pending().await
        }
        Fault::Reenter => tokio::time::sleep(Duration::from_millis(1)).await,
        _ => tokio::task::yield_now().await,
    }
    work_blocking(fault)
}

fn work_blocking(fault: Fault) -> Result<(), Trouble> {
    match fault {
        Fault::Panic => panic!("trap in a body"),
        Fault::Error | Fault::Display | Fault::Source => Err(Trouble(Faulty(fault, "trouble"))),
        Fault::Clone | Fault::Drop if COIN.fetch_add(1, SeqCst).is_multiple_of(2) => {
            Err(Trouble(Faulty(fault, "Drop of an error")))
        }
        _ => Ok(()),
    }
}

#[rewarm::allow(global_state, reason = "the faults are random, and planned by event")]
static COIN: AtomicU64 = AtomicU64::new(0);

#[cached(
    ttl = "5ms",
    timeout = "20ms",
    stale_while_revalidate = "5ms",
    stale_if_error = "10ms",
    negative_ttl = "2ms",
    max_entries = 6
)]
async fn item(key: &Key, #[skip] fault: Fault) -> Result<Option<Value>, Trouble> {
    work(fault).await?;
    let value = Value { key: key.0, _faulty: Faulty(fault, "Drop of a value") };
    Ok(Some(value).filter(|_| fault != Fault::Eq))
}

#[cached(ttl = "3ms", max_entries = 3)]
fn item_blocking(key: &Key, #[skip] fault: Fault) -> Result<Value, Trouble> {
    work_blocking(fault)?;
    Ok(Value { key: key.0, _faulty: Faulty(fault, "Drop of a value") })
}

#[cached(ttl = "2ms", stale_if_error = "2ms", timeout = "20ms")]
async fn unkeyed(#[skip] fault: Fault) -> Result<Value, Trouble> {
    work(fault).await?;
    Ok(Value { key: 7, _faulty: Faulty(fault, "Drop of a value") })
}

#[cached(ttl = "2ms", timeout = "20ms")]
async fn item_from(
    #[from] connection: &Connection,
    key: &Key,
    #[skip] fault: Fault,
) -> Result<Value, Trouble> {
    work(fault).await?;
    connection.assert_open();
    Ok(Value { key: key.0, _faulty: Faulty(fault, "Drop of a value") })
}

#[cached(ttl = "5ms")]
async fn plain(key: u8) -> u64 {
    tokio::task::yield_now().await;
    u64::from(key) * 2 + 1
}

/// The faults of the next attempts and checks.
#[rewarm::allow(global_state, reason = "the faults are random, and planned by event")]
static PLANNED: Mutex<Planned> = Mutex::new(Planned {
    connection: Fault::None,
    blocking: Fault::None,
    recoverable: Fault::None,
    check: Fault::None,
});

struct Planned {
    connection: Fault,
    blocking: Fault,
    recoverable: Fault,
    check: Fault,
}

fn plan(fault: Fault, of: fn(&mut Planned) -> &mut Fault) {
    *of(&mut PLANNED.lock().unwrap()) = fault;
}

fn planned(of: fn(&mut Planned) -> &mut Fault) -> Fault {
    std::mem::replace(of(&mut PLANNED.lock().unwrap()), Fault::None)
}

/// Writes a line of its own.
fn report(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

/// A value that is to be closed once.
struct Connection {
    number: u32,
    closed: AtomicU32,
    _faulty: Faulty,
}

impl Connection {
    fn new(kind: &str, fault: Fault) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        let number = NUMBERS.fetch_add(1, SeqCst) + 1;
        report(&format!("built {kind} {number}"));
        Self { number, closed: AtomicU32::new(0), _faulty: Faulty(fault, "Drop of a resource") }
    }

    fn assert_open(&self) {
        assert_eq!(self.closed.load(SeqCst), 0, "WRONG: a closed connection is used");
    }

    fn close(&self, kind: &str) {
        report(&format!("closed {kind} {}", self.number));
        self.closed.fetch_add(1, SeqCst);
        if self._faulty.0 == Fault::Panic || self.number.is_multiple_of(5) {
            panic!("trap in close");
        }
    }
}

async fn close_connection(connection: &Connection) {
    tokio::task::yield_now().await;
    connection.close("connection");
}

async fn close_repository(repository: &Repository) {
    repository.own.close("repository");
}

async fn close_blocking(connection: &Connection) {
    connection.close("blocking");
}

async fn check_connection(connection: &Connection) -> Result<(), Trouble> {
    connection.assert_open();
    work(planned(|planned| &mut planned.check)).await
}

#[init(lazy, timeout = "20ms", check = check_connection, idle = "1ms", close = close_connection)]
async fn connection() -> Result<Connection, Trouble> {
    let fault = planned(|planned| &mut planned.connection);
    work(fault).await?;
    Ok(Connection::new("connection", fault))
}

/// Built from a connection.
struct Repository {
    of: u32,
    own: Connection,
}

#[init(lazy, timeout = "20ms", close = close_repository)]
async fn repository(connection: &Connection) -> Result<Repository, Trouble> {
    tokio::task::yield_now().await;
    let own = Connection::new("repository", Fault::Drop);
    Ok(Repository { of: connection.number, own })
}

#[init(lazy, close = close_blocking)]
fn blocking() -> Result<Connection, Trouble> {
    let fault = planned(|planned| &mut planned.blocking);
    work_blocking(fault)?;
    Ok(Connection::new("blocking", fault))
}

async fn close_view(view: &Repository) {
    view.own.close("view");
}

/// Does not await, and is built from one that does and one that does not.
#[init(lazy, close = close_view)]
fn view(connection: &Connection, blocking: &Connection) -> Result<Repository, Trouble> {
    connection.assert_open();
    blocking.assert_open();
    work_blocking(planned(|planned| &mut planned.blocking))?;
    Ok(Repository { of: connection.number, own: Connection::new("view", Fault::Drop) })
}

#[init(lazy, timeout = "20ms")]
async fn page(view: &Repository) -> u32 {
    tokio::task::yield_now().await;
    view.of
}

#[init(lazy, retry_after = "3ms", timeout = "20ms")]
async fn recoverable() -> Result<u32, Trouble> {
    work(planned(|planned| &mut planned.recoverable)).await?;
    Ok(3)
}

#[init]
async fn settings() -> u64 {
    1000
}

#[init(lazy)]
static LICENCE: u64 = 10_000;

/// An event that is deserialized with its faults.
struct Event(Plan);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plan = Plan::deserialize(deserializer)?;
        match plan.end {
            End::Misfit => Err(serde::de::Error::custom("a misfit")),
            End::DeserializePanics => panic!("trap in Deserialize"),
            _ => Ok(Self(plan)),
        }
    }
}

struct Answer {
    id: u64,
    request_id: String,
    sum: u64,
    end: End,
    _faulty: Faulty,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.end {
            End::SerializeFails => Err(serde::ser::Error::custom("no answer")),
            End::SerializePanics => panic!("trap in Serialize"),
            _ => (self.id, &self.request_id, self.sum).serialize(serializer),
        }
    }
}

fn assert_of(key: u8, result: Result<Value, Trouble>) {
    if let Ok(value) = result {
        assert_eq!(value.key, key, "WRONG: the value of another key");
    }
}

async fn step(step: Step) -> u64 {
    let key = |key, fault| Key(key, Faulty(fault, "Drop of a key"));
    match step {
        Step::Plain(key) => return plain(key).await,
        Step::Fetch(n, fault) => {
            if let Ok(Some(value)) = item(&key(n, fault), fault).await {
                assert_of(n, Ok(value));
            }
        }
        Step::Refresh(n, fault) => {
            if let Ok(Some(value)) = item::refresh(&key(n, fault), fault).await {
                assert_of(n, Ok(value));
            }
        }
        Step::Invalidate(n, fault) => item::invalidate(&key(n, fault)),
        Step::Clear => item::clear(),
        Step::FetchBlocking(n, fault) => assert_of(n, item_blocking(&key(n, fault), fault)),
        Step::FetchUnkeyed(fault) => assert_of(7, unkeyed(fault).await),
        Step::FetchFrom(n, fault) => assert_of(n, item_from(&key(n, fault), fault).await),
        Step::Use => {
            let Ok(connection) = connection().await else {
                return 0;
            };
            connection.assert_open();
            if let Ok(repository) = repository().await {
                let (of, after) = (repository.of, connection.number);
                assert!(of >= after, "WRONG: the repository of {of} after connection {after}");
                repository.own.assert_open();
            }
            let after = connection.number;
            // A caller that does not await may have to do without.
            if let Ok(view) = view() {
                assert!(
                    view.of >= after,
                    "WRONG: the view of {} after connection {after}",
                    view.of
                );
                view.own.assert_open();
            }
            if let Ok(page) = page().await {
                assert!(*page >= after, "WRONG: the page of {page} after connection {after}");
            }
            let _ = (blocking().map(drop), recoverable().await.map(drop));
        }
        Step::Rebuild(fault) => {
            plan(fault, |planned| &mut planned.connection);
            if let Ok(connection) = connection::rebuild().await {
                connection.assert_open();
            }
        }
        Step::RebuildBlocking(fault) => {
            plan(fault, |planned| &mut planned.blocking);
            let _ = (blocking::rebuild().await.map(drop), view::rebuild().await.map(drop));
        }
        Step::RebuildRecoverable(fault) => {
            plan(fault, |planned| &mut planned.recoverable);
            let _ = recoverable::rebuild().await.map(drop);
        }
        Step::Check(fault) => plan(fault, |planned| &mut planned.check),
        Step::Defer(fault) => rewarm::defer(async move {
            let _dropped = Faulty(fault, "Drop of deferred work");
            work(fault).await
        }),
        Step::Pause => tokio::time::sleep(Duration::from_millis(1)).await,
    }
    0
}

async fn perform(event: Event, context: Context, settings: u64) -> Result<Answer, Trouble> {
    let Plan { id, steps, end } = event.0;
    let mut sum = settings + *LICENCE;
    for one in steps {
        sum += step(one).await;
    }
    let faulty = match end {
        End::Fail(fault) => return Err(Trouble(Faulty(fault, "trouble"))),
        End::Panic => panic!("trap in a handler"),
        End::PanicWithBomb => std::panic::panic_any(Faulty(Fault::Drop, "Drop of a payload")),
        End::Hang => {
            let _bomb = Faulty(Fault::Drop, "Drop of a cancelled handler");
            std::future::pending().await
        }
        End::DropPanics => Faulty(Fault::Drop, "Drop of a response"),
        _ => Faulty(Fault::None, ""),
    };
    Ok(Answer { id, request_id: context.request_id, sum, end, _faulty: faulty })
}

#[handler(deadline_margin = "20ms")]
async fn buffered(event: Event, context: Context, settings: &u64) -> Result<Answer, Trouble> {
    perform(event, context, *settings).await
}

type Body = BoxStream<'static, Result<Bytes, Trouble>>;

#[handler(streaming, deadline_margin = "20ms")]
async fn streamed(
    event: Event,
    context: Context,
    settings: &u64,
) -> Result<StreamResponse<Body>, Trouble> {
    let answer = perform(event, context, *settings).await?;
    let end = answer.end;
    let text = serde_json::to_string(&answer).map_err(|_| Trouble(Faulty(Fault::None, "json")))?;
    let bomb = match end {
        End::BodyDropPanics => Faulty(Fault::Drop, "Drop of a body"),
        _ => Faulty(Fault::None, ""),
    };
    let end = stream::once(async move {
        let _bomb = bomb;
        match end {
            End::BodyFails(fault) => Err(Trouble(Faulty(fault, "a body"))),
            End::BodyPanics => panic!("trap in a body"),
            End::BodyHangs => {
                let _dropped = Faulty(Fault::Drop, "Drop of a cancelled body");
                std::future::pending().await
            }
            _ => Ok(Bytes::from_static(b" end")),
        }
    });
    let stream = stream::once(async { Ok(Bytes::from(text)) }).chain(end).boxed();
    Ok(StreamResponse { metadata_prelude: MetadataPrelude::default(), stream })
}

/// A sink that panics.
struct PanickingSink;

impl Sink for PanickingSink {
    fn record(&self, _: &MetricsEvent) {
        trap(7, "a sink");
    }
}

/// A subscriber of which each function panics.
struct Panicking;

impl Panicking {
    /// Not in the time of a whole invocation, which has some dozen of these calls.
    const EVERY: u64 = 211;
}

impl Subscriber for Panicking {
    // Without those of hyper: of a poll that panics when the event is there, nothing is left.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.target().starts_with("rewarm") {
            trap(Self::EVERY, "enabled");
            return true;
        }
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        trap(Self::EVERY, "new_span");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {
        trap(Self::EVERY, "record");
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        trap(Self::EVERY, "event");
    }

    fn enter(&self, _: &Id) {
        trap(Self::EVERY, "enter");
    }

    fn exit(&self, _: &Id) {
        trap(Self::EVERY, "exit");
    }

    fn clone_span(&self, id: &Id) -> Id {
        trap(Self::EVERY, "clone_span");
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        trap(Self::EVERY, "try_close");
        true
    }
}

fn main() -> ExitCode {
    // Panics are what this program does all the time.
    std::panic::set_hook(Box::new(|_| {}));
    if std::env::var_os("SUBSCRIBER").is_some() {
        tracing::subscriber::set_global_default(Panicking).expect("the only subscriber");
        install(PanickingSink);
    }
    match std::env::var("RUN").as_deref() {
        Ok("streamed") => streamed::run(),
        _ => buffered::run(),
    }
}
