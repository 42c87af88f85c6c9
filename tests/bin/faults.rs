//! A function whose events select a failure, and whose environment selects the resources that fail.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use rewarm::{Context, cached, handler, init};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::Barrier;

/// An error with a chain of causes.
#[derive(Clone, Debug)]
struct Refused(String, Option<Box<Refused>>);

impl Refused {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into(), None)
    }

    fn because(self, cause: Refused) -> Self {
        Self(self.0, Some(Box::new(cause)))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Refused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

/// True if the environment variable `list` names the resource.
fn is_in(list: &str, resource: &str) -> bool {
    std::env::var(list).is_ok_and(|names| names.split(',').any(|name| name == resource))
}

/// The body of every resource: it fails if `FAIL` names it and panics if `PANIC` does.
fn start(resource: &str) -> Result<(), Refused> {
    assert!(!is_in("PANIC", resource), "{resource} fell over");
    if is_in("FAIL", resource) {
        let closed = Refused::new("the port is closed");
        let unreachable = Refused::new("the host is unreachable").because(closed);
        return Err(Refused::new("cannot connect").because(unreachable));
    }
    Ok(())
}

struct Settings;

#[init]
async fn settings() -> Result<Settings, Refused> {
    start("settings").map(|()| Settings)
}

struct Ledger;

#[init]
async fn ledger(settings: &Settings) -> Result<Ledger, Refused> {
    let Settings = settings;
    start("ledger").map(|()| Ledger)
}

/// Needed by every event, but not in INIT.
struct Mirror;

#[init(retry_after = "1h")]
async fn mirror() -> Result<Mirror, Refused> {
    start("mirror").map(|()| Mirror)
}

/// The barrier of eight concurrent invocations.
#[init]
static MEETING: Barrier = {
    start("MEETING")?;
    Barrier::new(8)
};

/// The barrier of four threads.
static BLOCKING: std::sync::Barrier = std::sync::Barrier::new(4);

#[init(lazy)]
static LICENCE: String = {
    start("LICENCE")?;
    tracing::warn!("reading the licence");
    "granted".to_owned()
};

/// The price of a thing.
#[cached(ttl = "5m")]
async fn price(#[from] ledger: &Ledger, thing: &str) -> Result<u32, Refused> {
    let Ledger = ledger;
    assert_ne!(thing, "priceless", "this has no price");
    Ok(42)
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "do")]
    deed: Deed,
    #[serde(default)]
    id: u32,
    /// The address to which deferred work connects.
    #[serde(default)]
    address: String,
    #[expect(dead_code, reason = "an event has to be wrong somewhere deep inside")]
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    #[expect(dead_code, reason = "an event has to be wrong somewhere deep inside")]
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// Responds.
    Answer,
    /// Fails with causes.
    Fail,
    Panic,
    /// Panics inside a cached function.
    PanicInFetch,
    /// Never returns.
    Hang,
    /// Never returns, and holds a value whose destructor panics.
    HangWithBomb,
    /// Responds with a value that does not serialize.
    Confuse,
    /// Uses the lazy static.
    Licence,
    /// Waits for eight invocations.
    Meet,
    /// Waits for four invocations and blocks its thread.
    Block,
    /// Responds, and connects to `address` in deferred work until the peer disconnects.
    Defer,
    /// Responds, and panics in deferred work.
    DeferPanic,
    /// Responds, and has deferred work that never ends.
    DeferHang,
    /// Responds, and has deferred work that never ends and holds a value whose destructor panics.
    DeferHangWithBomb,
}

/// A value whose destructor panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

#[derive(Default, Serialize)]
struct Answer {
    id: u32,
    /// The number of this invocation.
    invocation: u64,
    cold: bool,
    request_id: String,
    /// The number of builds of all resources.
    builds: u64,
    /// The number of fetches of a price.
    loads: u64,
    /// Keys of JSON are strings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    confusion: BTreeMap<Vec<u8>, ()>,
}

#[handler(warmup)]
async fn faults(event: Event, context: Context, mirror: &Mirror) -> Result<Answer, Refused> {
    let Mirror = mirror;
    let mut confusion = BTreeMap::new();
    match event.deed {
        Deed::Answer => {}
        Deed::Fail => {
            let night = Refused::new("it is night");
            let closed = Refused::new("the bank is closed").because(night);
            return Err(Refused::new(format!("cannot pay order {}", event.id)).because(closed));
        }
        Deed::Panic => panic!("order {} is cursed", event.id),
        Deed::PanicInFetch => {
            price("priceless").await?;
        }
        Deed::Hang => std::future::pending().await,
        Deed::HangWithBomb => {
            let _bomb = Bomb;
            std::future::pending().await
        }
        Deed::Confuse => {
            confusion.insert(vec![1], ());
        }
        Deed::Licence => assert_eq!(*LICENCE, "granted"),
        Deed::Meet => {
            MEETING.wait().await;
        }
        Deed::Block => {
            BLOCKING.wait();
        }
        Deed::Defer => rewarm::defer(async move {
            let mut peer = TcpStream::connect(event.address).await.expect("connect");
            let _ = peer.read_to_end(&mut Vec::new()).await;
        }),
        Deed::DeferPanic => rewarm::defer(async { panic!("too late to matter") }),
        Deed::DeferHang => rewarm::defer(std::future::pending::<()>()),
        Deed::DeferHangWithBomb => rewarm::defer(async {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        }),
    }
    price("tea").await?;
    let container = rewarm::container();
    Ok(Answer {
        id: event.id,
        invocation: container.invocations(),
        cold: container.is_cold_start(),
        request_id: context.request_id,
        builds: container.resources().iter().map(|r| r.generation).sum(),
        loads: price::stats().loads,
        confusion,
    })
}

fn main() -> ExitCode {
    if std::env::var_os("HOOK").is_some() {
        std::panic::set_hook(Box::new(|info| {
            println!("\"my hook: {}\"", info.payload_as_str().unwrap_or_default())
        }));
    }
    faults::run()
}
