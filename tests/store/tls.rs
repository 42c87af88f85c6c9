//! `Redis` with TLS. The certificates of the system are those of `SSL_CERT_FILE`, which a process
//! reads once, so that a test with another one is a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use rewarm::store::{Redis, Store, StoreErrorKind};
use rewarm::testing::store_conformance;
use rewarm_tests::services::{Service, free_port};

/// Creates a certificate for a name, signed by itself. Returns certificate and key.
fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) =
        (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=test", "-addext"])
        .arg(format!("subjectAltName=DNS:{name}"))
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("run openssl");
    assert!(output.status.success(), "{output:?}");
    (certificate, key)
}

/// Runs a test of this file in a process with its own environment.
fn run(test: &str, url: &str, trusted: &Path) -> String {
    let output = Command::new(std::env::current_exe().expect("the path of the tests"))
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .env("REWARM_TEST_REDIS_URL", url)
        .output()
        .expect("run a test");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    text
}

#[test]
fn a_server_with_tls() {
    let folder = std::env::temp_dir().join(format!("rewarm-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (trusted, key) = certificate(&folder, "localhost");
    let (other, _) = certificate(&folder, "another");
    let tls_port = free_port();
    let port = tls_port.to_string();
    let (certificate, key) = (trusted.display().to_string(), key.display().to_string());
    let server = Service::redis(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    if let Some(_server) = server {
        let url = format!("rediss://localhost:{tls_port}");
        run("tls::a_certificate_that_is_trusted", &url, &trusted);
        run("tls::a_certificate_that_is_refused", &url, &other);
        // A name that the certificate does not have.
        run("tls::a_certificate_that_is_refused", &url.replace("localhost", "127.0.0.1"), &trusted);
    }
    std::fs::remove_dir_all(&folder).expect("remove the folder");
}

fn url() -> String {
    std::env::var("REWARM_TEST_REDIS_URL").expect("the URL that `run` sets")
}

#[tokio::test]
#[ignore = "`a_server_with_tls` runs it"]
async fn a_certificate_that_is_trusted() {
    store_conformance(&Redis::connect(&url()).await.unwrap()).await;
}

#[tokio::test]
#[ignore = "`a_server_with_tls` runs it"]
async fn a_certificate_that_is_refused() {
    let error = Redis::connect(&url()).await.unwrap().get("key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("certificate"), "{error:?}");
}
