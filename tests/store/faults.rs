//! The faults of a server, and of the network before it, as `Redis` shows them.

use std::time::{Duration, Instant};

use rewarm::handler;
use rewarm::store::{Redis, Store, StoreError, StoreErrorKind};
use rewarm_tests::services::{Service, free_port};
use rewarm_tests::{runs_all, turns};
use tokio::time::timeout;

use crate::proxy::{Mode, Proxy};
use crate::redis::{cli, connect};
use crate::{LONG, LONG_RUN, entry, granted, json, put};

/// The limit of one operation, as `store_timeout` sets it.
const TIMEOUT: Duration = Duration::from_millis(300);

/// Reads a key as a caller does who gives up. `None` if it was given up.
async fn read(store: &Redis) -> Option<Result<Option<String>, StoreError>> {
    timeout(TIMEOUT, json(store, "key")).await.ok()
}

/// Reads until the value is there.
async fn works_again(store: &Redis) {
    let start = Instant::now();
    while !matches!(read(store).await, Some(Ok(Some(_)))) {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", read(store).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_value(read: Option<Result<Option<String>, StoreError>>) -> bool {
    matches!(read, Some(Ok(Some(json))) if json == "1")
}

#[tokio::test]
async fn a_server_that_is_down_at_first() {
    let Some(mut server) = Service::redis(&[]) else { return };
    server.kill();
    let store = connect(server.port()).await;
    let error = store.get("key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let name = format!("Redis at 127.0.0.1:{} is unavailable: Connection refused", server.port());
    assert!(format!("{error:?}").starts_with(&name), "{error:?}");
    server.restart();
    assert!(put(&store, "key", "1").await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_killed_and_restarted() {
    let Some(mut server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    for _ in 0..3 {
        server.kill();
        let error = read(&store).await.expect("an error at once").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        server.restart();
        // The first use works, also of a connection that broke while nothing was sent.
        assert!(put(&store, "key", "1").await.unwrap());
        server.kill();
        server.restart();
        assert_eq!(json(&store, "key").await.unwrap(), None);
        let token = granted(&store, "key").await;
        server.kill();
        server.restart();
        let is_put = store.put("key", &token, entry("1"), LONG).await.unwrap();
        assert!(!is_put, "its lease died with the server");
    }
}

#[tokio::test]
async fn a_server_that_is_stopped() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    server.signal("STOP");
    let start = Instant::now();
    for _ in 0..5 {
        assert!(read(&store).await.is_none(), "a stopped server does not respond");
    }
    let took = start.elapsed();
    assert!(took < TIMEOUT * 5 + Duration::from_millis(500), "{took:?}");
    server.signal("CONT");
    works_again(&store).await;
    assert!(is_value(read(&store).await));
}

#[tokio::test]
async fn a_server_that_is_stopped_at_first() {
    let Some(server) = Service::redis(&[]) else { return };
    server.signal("STOP");
    let start = Instant::now();
    let store = connect(server.port()).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(read(&store).await.is_none());
    server.signal("CONT");
    assert!(put(&store, "key", "1").await.unwrap());
}

#[tokio::test]
async fn a_server_that_never_responds_is_given_up() {
    if !runs_all(LONG_RUN) {
        return;
    }
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    server.signal("STOP");
    // A caller without a limit.
    for what in ["a response", "a connection"] {
        let error = timeout(Duration::from_secs(12), store.get("key")).await.expect(what);
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Timeout, "{what}");
    }
}

#[tokio::test]
async fn a_server_that_is_flushed() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    let token = granted(&store, "other").await;
    cli(server.port(), &["FLUSHALL"]);
    cli(server.port(), &["SCRIPT", "FLUSH"]);
    assert_eq!(json(&store, "key").await.unwrap(), None);
    assert!(!store.put("other", &token, entry("1"), LONG).await.unwrap());
    assert!(put(&store, "other", "1").await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_full() {
    let Some(server) = Service::redis(&["--maxmemory-policy", "noeviction"]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    let token = granted(&store, "other").await;
    cli(server.port(), &["CONFIG", "SET", "maxmemory", "1"]);
    for error in [
        put(&store, "third", "1").await.unwrap_err(),
        store.put("other", &token, entry("1"), LONG).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(format!("{error:?}").contains("OOM"), "{error:?}");
    }
    assert!(is_value(read(&store).await), "reading goes on");
    store.remove("key").await.unwrap();
    cli(server.port(), &["CONFIG", "SET", "maxmemory", "0"]);
    assert!(store.put("other", &token, entry("1"), LONG).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_a_replica() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    cli(server.port(), &["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    let error = put(&store, "other", "1").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(format!("{error:?}").contains("READONLY"), "{error:?}");
    assert!(is_value(read(&store).await), "reading goes on");
    assert!(store.remove("key").await.is_err(), "the caller learns that it is still there");
    assert!(store.remove_all("").await.is_err());
    cli(server.port(), &["REPLICAOF", "NO", "ONE"]);
    assert!(put(&store, "other", "1").await.unwrap());
}

#[tokio::test]
async fn a_server_that_refuses_commands() {
    let Some(server) = Service::redis(&["--rename-command", "EVAL", ""]) else { return };
    let store = connect(server.port()).await;
    let key = "the key is confidential";
    let error = store.lease(key, None, LONG).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(error.kind() == StoreErrorKind::Other && text.contains("unknown command"), "{text}");
    assert!(!text.contains("confidential") && !text.contains("args"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_slow() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = connect(proxy.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    proxy.set(Mode::Slow(Duration::from_secs(1)));
    let start = Instant::now();
    for _ in 0..5 {
        assert!(read(&store).await.is_none());
    }
    let took = start.elapsed();
    assert!(took < TIMEOUT * 5 + Duration::from_millis(500), "{took:?}");
    // A patient caller is served.
    assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    proxy.set(Mode::Pass);
    works_again(&store).await;
    assert!(proxy.connections() < 8, "{}", proxy.connections());
}

#[tokio::test]
async fn a_server_that_sends_garbage() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = connect(proxy.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    proxy.set(Mode::Garbage);
    for _ in 0..3 {
        let error = read(&store).await.expect("an error at once").unwrap_err();
        let text = format!("{error:?}");
        assert!(text.ends_with("failed: the response is not that of a Redis server"), "{text}");
    }
    proxy.set(Mode::Pass);
    assert!(is_value(read(&store).await));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_it_was_idle() {
    let Some(server) = Service::redis(&["--timeout", "1"]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    }
}

/// As in a freeze: no task of the runtime runs while the server closes the connection.
#[tokio::test]
async fn a_connection_that_the_server_closed_during_a_freeze() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    for _ in 0..20 {
        assert_ne!(cli(server.port(), &["CLIENT", "KILL", "TYPE", "normal"]), "0");
        // All that are under way at the thaw.
        let reads = (0..8).map(async |_| json(&store, "key").await.unwrap());
        let values = futures_util::future::join_all(reads).await;
        assert!(values.iter().all(|value| value.as_deref() == Some("1")), "{values:?}");
        assert_ne!(cli(server.port(), &["CLIENT", "KILL", "TYPE", "normal"]), "0");
        let token = match store.lease("other", None, LONG).await.unwrap() {
            rewarm::store::Lease::Granted(token) => token,
            other => panic!("{other:?}"),
        };
        assert_ne!(cli(server.port(), &["CLIENT", "KILL", "TYPE", "normal"]), "0");
        assert!(store.put("other", &token, entry("1"), LONG).await.unwrap());
        assert_ne!(cli(server.port(), &["CLIENT", "KILL", "TYPE", "normal"]), "0");
        store.remove("other").await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_is_gone_without_a_sign() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = connect(proxy.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    let before = proxy.connections();
    proxy.set(Mode::Silent);
    assert!(read(&store).await.is_none());
    proxy.set(Mode::Pass);
    // One operation is lost, and the next one has a new connection.
    assert!(is_value(read(&store).await));
    assert_eq!(proxy.connections(), before + 1);
}

/// The network forgot the connection during a freeze: no operation fails.
#[tokio::test]
async fn a_connection_that_is_gone_without_a_sign_after_a_freeze() {
    let _turn = turns::simulation().await;
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let mut container = nothing::container().await;
    let store = connect(proxy.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    for freeze in 1..4 {
        proxy.forget();
        container.idle(Duration::from_secs(3600));
        let reads = futures_util::future::join_all((0..8).map(async |_| read(&store).await)).await;
        assert!(reads.into_iter().all(is_value));
        assert_eq!(proxy.connections(), 1 + freeze);
    }
    // One that works is kept.
    container.idle(Duration::from_secs(3600));
    assert!(is_value(read(&store).await));
    assert_eq!(proxy.connections(), 4);
    // A server that is gone costs its caller no more than the caller's limit.
    proxy.set(Mode::Silent);
    container.idle(Duration::from_secs(3600));
    let start = Instant::now();
    assert!(read(&store).await.is_none());
    assert!(start.elapsed() < TIMEOUT + Duration::from_millis(200), "{:?}", start.elapsed());
}

#[handler]
async fn nothing() {}

#[tokio::test]
async fn a_network_that_refuses_and_comes_back() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = connect(proxy.port()).await;
    assert!(put(&store, "key", "1").await.unwrap());
    proxy.set(Mode::Refuse);
    proxy.cut().await;
    for _ in 0..3 {
        assert!(read(&store).await.expect("an error at once").is_err());
    }
    proxy.set(Mode::Pass);
    assert!(is_value(read(&store).await));
}

/// Responses stay with their operations, whatever callers give up.
#[tokio::test]
async fn operations_that_are_dropped_at_any_point() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    for n in 0..10 {
        assert!(put(&store, &n.to_string(), &n.to_string()).await.unwrap());
    }
    for round in 0..300_u64 {
        let reads = (0..10).map(async |n: u64| {
            let name = n.to_string();
            let limit = Duration::from_micros((round * 7 + n * 31) % 400);
            if let Ok(read) = timeout(limit, json(&store, &name)).await {
                assert_eq!(read.unwrap().as_deref(), Some(&*name));
            }
        });
        futures_util::future::join_all(reads).await;
    }
    assert_eq!(json(&store, "3").await.unwrap().as_deref(), Some("3"));
    let clients = cli(server.port(), &["CLIENT", "LIST"]).lines().count();
    assert!(clients <= 3, "{clients} connections are left");
}
