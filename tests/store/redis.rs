//! `Redis`: what it keeps in the server, credentials, connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use rewarm::store::{Entry, Lease, Redis, Store, StoreErrorKind};
use rewarm::testing::store_conformance;
use rewarm::{Error, handler};
use rewarm_tests::services::{Service, program};
use rewarm_tests::{runs_all, turns};

use crate::proxy::{Mode, Proxy};
use crate::{LONG, LONG_RUN, TIME, entry, granted, json, put};

pub fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

pub async fn connect(port: u16) -> Redis {
    Redis::connect(&url(port)).await.expect("a URL")
}

/// Runs a command of the server's own client, and returns its output.
pub fn cli(port: u16, arguments: &[&str]) -> String {
    let program = program("redis-cli").expect("redis-cli beside redis-server");
    let mut command = std::process::Command::new(program);
    let output = command.arg("-p").arg(port.to_string()).args(arguments).output();
    let output = output.expect("run redis-cli");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("a text").trim_end().to_owned()
}

#[tokio::test]
async fn it_follows_the_rules() {
    let Some(server) = Service::redis(&[]) else { return };
    store_conformance(&connect(server.port()).await).await;
    assert_eq!(cli(server.port(), &["DBSIZE"]), "0", "{}", cli(server.port(), &["KEYS", "*"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_the_rules_on_several_threads() {
    if !runs_all(LONG_RUN) {
        return;
    }
    let Some(server) = Service::redis(&[]) else { return };
    store_conformance(&connect(server.port()).await).await;
}

#[tokio::test]
async fn it_follows_the_rules_in_a_cluster() {
    if !runs_all(LONG_RUN) {
        return;
    }
    let Some(server) = Service::redis(&["--cluster-enabled", "yes"]) else { return };
    cli(server.port(), &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let store = connect(server.port()).await;
    let start = std::time::Instant::now();
    // The node needs a moment to notice that all slots are served.
    while store.get("key").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "the cluster is not up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store_conformance(&store).await;
    assert_eq!(cli(server.port(), &["DBSIZE"]), "0");
}

/// Connections break under operations that the server has done, again and again.
#[tokio::test]
async fn it_follows_the_rules_on_connections_that_break() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    proxy.set(Mode::CutAt(200));
    store_conformance(&connect(proxy.port()).await).await;
    assert!(proxy.connections() > 4, "{}", proxy.connections());
}

#[tokio::test]
async fn entries_are_readable_and_expire_in_the_server() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    let token = granted(&store, "shop:price:f0:{\"sku\":1}").await;
    let stored = "shop:price:f0:%7B\"sku\":1%7D";
    let lease = format!("{{{stored}}}:lease");
    assert_eq!(cli(server.port(), &["GET", &lease]), token.as_str());
    let key = "shop:price:f0:{\"sku\":1}";
    let hour = Duration::from_secs(3600);
    assert!(store.put(key, &token, entry("{\"net\":540}"), hour).await.unwrap());
    let text = cli(server.port(), &["GET", stored]);
    assert_eq!(text, "rewarm1 1790000000000 some 0000000011\n{\"net\":540}");
    let ttl: u64 = cli(server.port(), &["TTL", stored]).parse().expect("seconds");
    assert!((3590..=3600).contains(&ttl), "{ttl}");
    assert_eq!(cli(server.port(), &["KEYS", "*"]), stored, "the lease is gone");
}

#[tokio::test]
async fn what_is_no_entry_is_a_miss_and_is_replaced() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    let header = "rewarm1 1790000000000 some 0000000003";
    for text in [
        "",
        "OK",
        "540",
        "rewarm1 ",
        header,
        &format!("{header}\n54"),
        &format!("{header}\n5400"),
        &format!("{header}\n540").replace("rewarm1", "rewarm2"),
        &format!("{header}\n540").replace("some", "much"),
        "rewarm1 9999999999999",
    ] {
        for seen in [None, Some(TIME), Some(TIME - 1)] {
            cli(server.port(), &["SET", "key", text]);
            assert_eq!(store.get("key").await.unwrap(), None, "{text:?}");
            match store.lease("key", seen, LONG).await.unwrap() {
                Lease::Granted(token) => {
                    assert!(store.put("key", &token, entry("540"), LONG).await.unwrap());
                }
                other => panic!("{text:?}: {other:?}"),
            }
            assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("540"));
        }
    }
    // A key of another type belongs to somebody else.
    cli(server.port(), &["DEL", "key"]);
    cli(server.port(), &["LPUSH", "key", "sesame"]);
    for error in
        [store.get("key").await.unwrap_err(), store.lease("key", None, LONG).await.unwrap_err()]
    {
        let text = format!("{error:?}");
        assert!(error.kind() == StoreErrorKind::Other && text.contains("WRONGTYPE"), "{text}");
        assert!(!text.contains("sesame"), "{text}");
    }
    store.remove("key").await.unwrap();
    assert!(put(&store, "key", "1").await.unwrap());
}

#[tokio::test]
async fn credentials_are_asked_for_at_each_connection() {
    let Some(server) = Service::redis(&["--requirepass", "first"]) else { return };
    let proxy = Proxy::to(server.port()).await;
    // The first connection is opened in the background, before the operation.
    let passwords = ["wrong", "wrong", "first", "second"];
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let login = move || {
        let call = counted.fetch_add(1, SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            match passwords.get(call) {
                Some(password) => Ok(("default".to_owned(), (*password).to_owned())),
                None => Err(Error::msg("the token has expired")),
            }
        }
    };
    let builder = Redis::builder(&url(proxy.port())).credentials(login).namespace("shop");
    let store = builder.connect().await.unwrap();
    assert_eq!(store.namespace(), Some("shop"));
    let error = store.get("key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = format!("{error:?}");
    assert!(text.contains("refuses the credentials") && !text.contains("wrong"), "{text}");
    assert!(put(&store, "key", "1").await.unwrap());
    assert_eq!(calls.load(SeqCst), 3);

    cli(server.port(), &["-a", "first", "CONFIG", "SET", "requirepass", "second"]);
    proxy.cut().await;
    assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    assert_eq!(calls.load(SeqCst), 4);

    proxy.cut().await;
    let text = format!("{:?}", store.get("key").await.unwrap_err());
    assert!(text.ends_with(" failed: the token has expired"), "{text}");
}

#[tokio::test]
async fn the_password_of_a_url_logs_in() {
    let Some(server) = Service::redis(&["--requirepass", "sesame"]) else { return };
    let store = Redis::connect(&format!("redis://:sesame@127.0.0.1:{}/3", server.port())).await;
    assert!(put(&store.unwrap(), "key", "1").await.unwrap());
    assert_eq!(cli(server.port(), &["-a", "sesame", "-n", "3", "KEYS", "*"]), "key");
    let error = connect(server.port()).await.get("key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(format!("{error:?}").contains("NOAUTH"), "{error:?}");
}

#[tokio::test]
async fn a_panic_of_the_provider_is_an_error() {
    let Some(server) = Service::redis(&[]) else { return };
    let login =
        || async { if true { panic!("no login") } else { Ok::<_, Error>(Default::default()) } };
    let store = Redis::builder(&url(server.port())).credentials(login).connect().await.unwrap();
    for _ in 0..2 {
        let text = format!("{:?}", store.get("key").await.unwrap_err());
        assert!(text.contains("panic") && text.contains("no login"), "{text}");
    }
}

#[tokio::test]
async fn all_operations_share_a_connection_that_close_ends() {
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = connect(proxy.port()).await;
    let names: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let all = names.iter().map(async |name| put(&store, name, name).await.unwrap());
    assert!(futures_util::future::join_all(all).await.into_iter().all(|is_put| is_put));
    assert_eq!(proxy.connections(), 1);

    let clients = || cli(server.port(), &["CLIENT", "LIST"]).lines().count();
    assert_eq!(clients(), 2, "the store and redis-cli");
    store.close().await;
    let start = std::time::Instant::now();
    while clients() > 1 {
        assert!(start.elapsed() < Duration::from_secs(10), "the connection is open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(json(&store.clone(), "7").await.unwrap().as_deref(), Some("7"));
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn the_connection_that_init_opened_serves_the_first_invocation() {
    let _turn = turns::simulation().await;
    let Some(server) = Service::redis(&[]) else { return };
    let proxy = Proxy::to(server.port()).await;
    let mut container = nothing::container().await;
    let store = connect(proxy.port()).await;
    let start = std::time::Instant::now();
    while !cli(server.port(), &["CLIENT", "LIST"]).contains("cmd=client") {
        assert!(start.elapsed() < Duration::from_secs(10), "the store does not connect");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    container.idle(Duration::from_secs(3600));
    assert!(put(&store, "key", "1").await.unwrap());
    assert_eq!(proxy.connections(), 1);

    // One that was still being opened when the container froze is not waited for.
    store.close().await;
    proxy.set(Mode::Silent);
    let pending = tokio::time::timeout(Duration::from_millis(200), store.get("key")).await;
    assert!(pending.is_err());
    proxy.set(Mode::Pass);
    let pending = tokio::time::timeout(Duration::from_millis(200), store.get("key")).await;
    assert!(pending.is_err(), "the attempt goes on");
    container.idle(Duration::from_secs(60));
    assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
    assert_eq!(proxy.connections(), 3);
}

#[handler]
async fn nothing() {}

#[test]
fn a_store_outlives_the_runtime_that_connected_it() {
    let Some(server) = Service::redis(&[]) else { return };
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = runtime().block_on(async {
        let store = connect(server.port()).await;
        assert!(put(&store, "key", "1").await.unwrap());
        store
    });
    let read = runtime().block_on(async { json(&store, "key").await });
    assert_eq!(read.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn remove_all_finds_a_put_that_it_overlaps() {
    let Some(server) = Service::redis(&[]) else { return };
    let store = connect(server.port()).await;
    let others: Vec<_> = (0..3000).map(|n| format!("other:{n}")).collect();
    let all = others.iter().map(async |name| put(&store, name, "1").await.unwrap());
    futures_util::future::join_all(all).await;
    for round in 0..20 {
        let names: Vec<_> = (0..50).map(|n| format!("shop:{round}:{n}")).collect();
        let tokens = names.iter().map(async |name| granted(&store, name).await);
        let tokens = futures_util::future::join_all(tokens).await;
        // All leases are older than the call, so none may leave an entry.
        let puts = async {
            for (name, token) in names.iter().zip(&tokens) {
                store.put(name, token, Entry::new(TIME, false, b"\"old\""), LONG).await.unwrap();
            }
        };
        let (removed, ()) = tokio::join!(store.remove_all("shop:"), puts);
        removed.unwrap();
        assert_eq!(cli(server.port(), &["KEYS", "*shop:*"]), "", "round {round}");
    }
    assert_eq!(cli(server.port(), &["DBSIZE"]), "3000");
}
