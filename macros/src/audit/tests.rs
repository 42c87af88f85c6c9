//! The audit of the programs in `tests/corpus`, which are reduced from public repositories: 38 with
//! state that an invocation leaves to the next, and 15 with globals that are harmless.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::Crate;
use super::findings::{self, Finding, Report};
use super::index::Index;

fn audit(path: &Path) -> Report {
    findings::find(&Index::new(&Crate::read(path)), false)
}

/// The lint that a message names.
fn lint(finding: &Finding) -> String {
    let (_, rest) = finding.message.split_once("(lint `").unwrap();
    rest.split_once('`').unwrap().0.to_owned()
}

fn programs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(folder);
    let mut programs: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    programs
}

/// The unsafe programs that the audit does not flag, with the reason.
const MISSED: &[(&str, &str)] =
    &[("63-toolchain_spawn", "in the handler's body: the lint `detached_task` reports it there")];

#[test]
fn the_corpus_is_told_apart() {
    for program in programs("unsafe") {
        let name = program.file_stem().unwrap().to_str().unwrap();
        let found = audit(&program).findings;
        let is_missed = MISSED.iter().any(|(missed, _)| *missed == name);
        assert_eq!(found.is_empty(), is_missed, "{name}: {found:?}");
        // One has a global and a task.
        assert!(found.len() < 2 || name == "27-merge_scans", "{name}: {found:?}");
    }
    for program in programs("harmless") {
        let found = audit(&program).findings;
        assert!(found.is_empty(), "{}: {found:?}", program.display());
    }
}

/// A program that the audit misses does not compile because of a lint of the handler's body.
#[test]
fn what_the_audit_misses_is_found_in_the_body() {
    for (name, _) in MISSED {
        let is = |program: &PathBuf| program.file_stem().is_some_and(|stem| stem == *name);
        let program = programs("unsafe").into_iter().find(is).unwrap();
        let text = fs::read_to_string(program).unwrap();
        let handler = text.split_once("#[handler]").unwrap().1;
        let handler = handler.rsplit_once("fn main()").unwrap().0;
        let function = crate::item::Function::read(handler).unwrap();
        let found = crate::lints::check_called(function, false);
        assert_eq!(found.iter().map(|(lint, _)| *lint).collect::<Vec<_>>(), ["detached_task"]);
    }
}

/// The lint that flags each kind of program, as its header names it.
#[test]
fn each_kind_has_its_lint() {
    let mut kinds = BTreeMap::<String, BTreeMap<String, usize>>::new();
    for program in programs("unsafe") {
        let text = fs::read_to_string(&program).unwrap();
        let kind = text.split_once("kind: ").and_then(|(_, rest)| rest.split_once(';')).unwrap().0;
        for finding in audit(&program).findings {
            *kinds.entry(kind.to_owned()).or_default().entry(lint(&finding)).or_default() += 1;
        }
    }
    let counted: Vec<_> = kinds
        .iter()
        .flat_map(|(kind, lints)| lints.iter().map(move |(lint, n)| format!("{kind}: {lint} {n}")))
        .collect();
    let expected = [
        "background: detached_task 2",
        "background: global_state 4",
        "counter: global_state 7",
        "lazy_client: global_state 3",
        "lazy_client: lazy_client 4",
        "request_data: global_state 1",
        "secret: global_state 2",
        "secret: secret_forever 1",
        "stale_cache: global_state 5",
        "static_mut: static_mut 1",
        "thread_local: global_state 2",
        "tmp: tmp_file 1",
        "unbounded_cache: global_state 5",
    ];
    assert_eq!(counted, expected);
}

/// Each finding names the global, its place as the compiler prints it, and the way to it.
#[test]
fn a_finding_tells_the_way() {
    let found = |name: &str| {
        let path = programs("unsafe").into_iter().find(|it| it.ends_with(name)).unwrap();
        let folder = format!("{}/", path.parent().unwrap().display());
        audit(&path).findings.remove(0).message.replace(&folder, "")
    };
    let way = |name: &str| found(name).lines().nth(1).unwrap().to_owned();
    assert!(found("36-xid_counter.rs").starts_with(
        "the static `COUNTER` keeps state (`AtomicU32`) between invocations\n\
         --> 36-xid_counter.rs:7:43: reached from `#[handler] answer` through `id::xid`\n\
         what one invocation stores there, later invocations in the same container see"
    ));
    assert!(found("64-webhook_spawn.rs").starts_with(
        "`tokio::spawn` starts a task whose handle is dropped\n\
         --> 64-webhook_spawn.rs:7:31: reached from `#[handler] answer` through `run_webhook`"
    ));
    assert_eq!(
        way("54-buffer_count.rs"),
        "--> 54-buffer_count.rs:7:67: reached from `#[handler] answer` through \
         `pool::Buffer::checkout`"
    );
    assert_eq!(
        way("53-metrics_tls.rs"),
        "--> 53-metrics_tls.rs:10:32: reached from `#[handler] answer` through `incr!`"
    );
    assert_eq!(way("31-punch_reqs.rs"), "--> 31-punch_reqs.rs:8:8: named in `#[handler] answer`");
}

/// Writes a crate to a folder of its own, and audits it. The first file is its root.
fn audit_files(name: &str, files: &[(&str, &str)]) -> Report {
    let folder = std::env::temp_dir().join(format!("rewarm-audit-{}-{name}", std::process::id()));
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let report = audit(&folder.join(files[0].0));
    fs::remove_dir_all(folder).unwrap();
    report
}

const HANDLER: &str = "#[handler] async fn answer(event: String) -> String { run(event) }\n";

/// The lints that are found in a crate of one file, after a handler that calls `run`.
fn lints_of(text: &str) -> Vec<String> {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let file = format!("{HANDLER}{text}");
    let report = audit_files(&format!("one-{count}"), &[("main.rs", &file)]);
    report.findings.iter().map(lint).collect()
}

#[test]
fn harmless_globals_are_silent() {
    for text in [
        // Built once and only read.
        "static RE: LazyLock<Regex> = LazyLock::new(|| Regex::new(\"a\").unwrap()); fn run(e: String) -> String { RE.find(&e) }",
        "static RE: once_cell::sync::Lazy<regex::Regex> = todo!(); fn run(e: String) -> String { RE.find(&e) }",
        "fn re() -> &'static Regex { static RE: OnceLock<Regex> = OnceLock::new(); RE.get_or_init(|| Regex::new(\"x\").unwrap()) } fn run(e: String) -> String { re().find(&e) }",
        "macro_rules! regex { ($re:literal) => {{ static RE: OnceLock<Regex> = OnceLock::new(); RE.get_or_init(|| Regex::new($re).unwrap()) }} } fn run(e: String) -> String { regex!(\"a\").find(&e) }",
        "static TABLE: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| [(\"a\", 1)].into()); fn run(e: String) -> String { TABLE.get(&e) }",
        "static RULES: LazyLock<Vec<Box<dyn Fn(&Mutex<u8>) -> u8 + Send + Sync>>> = todo!(); fn run(e: String) -> String { RULES.len(); e }",
        "static REGION: LazyLock<String> = LazyLock::new(|| std::env::var(\"AWS_REGION\").unwrap()); fn run(e: String) -> String { REGION.clone() }",
        "static ONCE: std::sync::Once = std::sync::Once::new(); fn run(e: String) -> String { ONCE.call_once(|| {}); e }",
        "static LOCK: Mutex<()> = Mutex::new(()); fn run(e: String) -> String { let _g = LOCK.lock(); e }",
        "const LIMIT: u8 = 1; fn run(e: String) -> String { LIMIT; e }",
        // Metrics and traces.
        "use prometheus::{IntCounter, core::AtomicU64}; lazy_static! { static ref N: IntCounter = x(); static ref M: prometheus::core::GenericCounter<AtomicU64> = x(); } fn run(e: String) -> String { N.inc(); M.inc(); e }",
        // Not request code.
        "static N: AtomicU64 = AtomicU64::new(0); fn start() { N.store(1, Relaxed) } fn run(e: String) -> String { e } fn main() { start() }",
        "static N: AtomicU64 = AtomicU64::new(0); fn next() -> u64 { N.fetch_add(1, Relaxed) } #[init] fn db() -> u64 { next() } fn run(e: String) -> String { e }",
        "static N: AtomicU64 = AtomicU64::new(0); #[cfg(test)] mod tests { fn run() { super::N.fetch_add(1, Relaxed); } } fn run(e: String) -> String { e }",
        "static N: AtomicU64 = AtomicU64::new(0); fn run(e: String) -> String { #[cfg(test)] N.fetch_add(1, Relaxed); e }",
        "#[cfg(feature = \"mock\")] static N: AtomicU64 = AtomicU64::new(0); fn run(e: String) -> String { N.fetch_add(1); e }",
        // Set in `main`, and only read here.
        "static LEVEL: AtomicU8 = AtomicU8::new(0); fn run(e: String) -> String { LEVEL.load(Relaxed); e } fn main() { LEVEL.store(1, Relaxed) }",
        "static SETTINGS: OnceLock<Settings> = OnceLock::new(); fn run(e: String) -> String { SETTINGS.get().unwrap().name.clone() } fn main() { SETTINGS.set(load()) }",
        "static DB: tokio::sync::OnceCell<Pool> = todo!(); fn run(e: String) -> String { DB.get().unwrap().name.clone() } async fn main() { DB.set(load()) }",
        "static HTTP: Client = Client::const_new(); fn run(e: String) -> String { HTTP.get(&e) }",
        "static API_KEY: LazyLock<String> = LazyLock::new(|| std::env::var(\"API_KEY\").unwrap()); fn run(e: String) -> String { API_KEY.clone() }",
        // Ours, and the linker's.
        "#[init] static SERVED: AtomicU64 = AtomicU64::new(0); fn run(e: String) -> String { SERVED.fetch_add(1, Relaxed); e }",
        "#[rewarm::init] static SERVED: AtomicU64 = AtomicU64::new(0); fn run(e: String) -> String { SERVED.fetch_add(1, Relaxed); e }",
        "#[distributed_slice] static ALL: [Mutex<u8>] = [..]; fn run(e: String) -> String { ALL.len(); e }",
        // The same name elsewhere.
        "static N: AtomicU64 = AtomicU64::new(0); mod a { pub const N: u8 = 1; pub fn next() -> u8 { N } } fn run(e: String) -> String { a::next(); e }",
        "mod a { static N: AtomicU64 = AtomicU64::new(0); pub fn run() { N.fetch_add(1, Relaxed); } } fn run(e: String) -> String { e }",
        "static N: AtomicU64 = AtomicU64::new(0); fn count() { N.fetch_add(1, Relaxed); } fn run(e: String) -> String { let count = 1; f(count); e }",
        // A method of a type that no request code has.
        "static N: AtomicU64 = AtomicU64::new(0); struct Stats; impl Stats { fn get(&self) { N.fetch_add(1, Relaxed); } } fn main() { Stats.get() } fn run(e: String) -> String { HashMap::new().get(&e) }",
        // A type of one's own with the name of a lock.
        "struct Mutex<T>(T); static M: Mutex<u8> = Mutex(1); fn run(e: String) -> String { M.0; e }",
        "struct Holder(PhantomData<Cell<u8>>); static H: Holder = Holder(PhantomData); fn run(e: String) -> String { H.x(); e }",
        // Made once, and made in INIT.
        "#[init] fn db() -> PgPool { PgPool::connect(\"x\") } fn run(e: String) -> String { e }",
        "struct Client; impl Client { fn new() -> Self { Client } } fn run(e: String) -> String { Client::new(); e }",
        "#[handler(http)] fn app() -> Router { let c = reqwest::Client::new(); Router::new() } fn run(e: String) -> String { e }",
        // Tasks that somebody waits for, and one's own functions.
        "async fn run(e: String) -> String { let t = tokio::spawn(async {}); t.await; e }",
        "async fn run(e: String) -> u8 { let (tx, rx) = oneshot::channel(); tokio::spawn(async move { tx.send(1) }); rx.await }",
        "async fn run(e: String) -> Vec<u8> { let (tx, mut rx) = mpsc::channel(1); for n in 0..3 { let tx = tx.clone(); tokio::spawn(async move { tx.send(n).await }); } drop(tx); let mut v = vec![]; while let Some(n) = rx.recv().await { v.push(n) } v }",
        "fn run(e: String) -> ReceiverStream { let (tx, rx): (Sender<_>, Receiver<_>) = mpsc::channel(1); let feed = feed(tx, e); tokio::spawn(feed); let stream = ReceiverStream::new(rx); stream }",
        "async fn run(e: String) { let done = Arc::new(Notify::new()); tokio::spawn({ let done = done.clone(); async move { done.notify_one() } }); done.notified().await; }",
        "async fn run(e: String) -> u8 { let (a, b) = (mpsc::channel(1), 1); let (tx, rx) = mpsc::channel(1); let (tx2, mut rx2) = mpsc::channel(1); tokio::spawn(async move { tx.send(1).await }); tokio::spawn(async move { tx2.send(rx.recv().await).await }); rx2.recv().await }",
        "fn run(e: String) -> u8 { let (tx, rx) = std::sync::mpsc::channel(); std::thread::spawn(move || tx.send(1)); rx.recv().unwrap() }",
        "async fn run(e: String) { let (tx, rx) = mpsc::channel(1); feed(tx); rx.recv().await } fn feed(tx: mpsc::Sender<u8>) { tokio::spawn(async move { tx.send(1).await }); }",
        "async fn run(e: String) -> String { let (mut ours, theirs) = tokio::io::duplex(64); tokio::spawn(async move { theirs.write_all(b\"x\").await }); let mut s = String::new(); ours.read_to_string(&mut s).await; s }",
        "async fn run(e: String) { let (tx, rx) = mpsc::channel(1); tokio::spawn(async move { tx.send(1).await }); select! { x = rx.recv() => x, } }",
        "async fn run(e: String) -> Vec<u8> { let mut child = Command::new(\"gzip\").spawn()?; let mut stdin = child.stdin.take().unwrap(); std::thread::spawn(move || stdin.write_all(e.as_bytes())); child.wait_with_output()?.stdout }",
        "async fn run(e: Vec<String>) { let all = Arc::new(Semaphore::new(4)); for x in e { let permit = all.clone().acquire_owned().await; tokio::spawn(async move { send(x).await; drop(permit); }); } let _ = all.acquire_many(4).await; }",
        "fn run(e: String) -> String { let (mut reader, mut writer) = std::io::pipe()?; std::thread::spawn(move || writer.write_all(b\"x\")); let mut s = String::new(); reader.read_to_string(&mut s)?; s }",
        "async fn run(e: String) -> u8 { let (work, result) = fetch(e).remote_handle(); tokio::spawn(work); result.await }",
        "async fn run(e: String) { let all = WaitGroup::new(); let one = all.clone(); std::thread::spawn(move || { work(e); drop(one); }); all.wait(); }",
        // Files that are only read, of a name of their own, outside of `/tmp`, or of INIT.
        "fn run(e: String) -> String { std::fs::read(\"/tmp/x\"); std::fs::File::open(\"/tmp/x\"); e }",
        "fn run(e: String) -> String { std::fs::OpenOptions::new().read(true).write(false).open(\"/tmp/x\"); e }",
        "fn run(e: String) -> String { std::fs::write(format!(\"/tmp/{e}\"), &e); e }",
        "fn run(e: String) -> String { let path = std::env::temp_dir().join(&e); std::fs::write(&path, &e); e }",
        "fn run(e: String) -> String { let mut path = std::env::temp_dir(); path.push(&e); std::fs::write(&path, &e); e }",
        "fn run(e: String) -> String { for path in [\"/tmp/x\"] { std::fs::write(path, &e); } e }",
        "fn run(e: String) -> String { std::fs::write(\"/mnt/efs/x\", &e); std::fs::write(\"tmp/x\", &e); e }",
        "fn run(e: String) -> String { let f = tempfile::NamedTempFile::new().unwrap(); std::fs::write(f.path(), &e); e }",
        "fn save(path: &str) { std::fs::write(path, \"x\"); } fn run(e: String) -> String { save(&e); e }",
        "fn load(path: &str) { std::fs::read(path); std::fs::write(\"x\", path); } fn run(e: String) -> String { load(\"/tmp/x\"); e }",
        "fn run(e: String) -> String { let id = e.id(); std::fs::write(format!(\"/tmp/{id}\"), &e); std::fs::write(format!(\"/tmp/{}\", id), e) }",
        "fn run(e: String) -> String { let path = \"/tmp/x\"; if let Some(path) = named(&e) { std::fs::write(&path, &e); } e }",
        "fn run(e: String) -> String { let name = \"x\"; match e.name() { Some(name) => std::fs::write(format!(\"/tmp/{name}\"), &e), None => log(name) } e }",
        "fn run(e: String) -> String { let name = \"x\"; e.names().for_each(|(n, name)| std::fs::write(format!(\"/tmp/{name}\"), &e)); e }",
        "mod fs { pub fn write(p: &str, e: &str) {} } fn run(e: String) -> String { fs::write(\"/tmp/x\", &e); e }",
        "#[init] fn model() -> Model { std::fs::write(\"/tmp/model\", download()); Model }  fn run(e: String) -> String { e }",
        "fn spawn(x: u8) {} fn run(e: String) -> String { spawn(1); e }",
        "mod process { pub fn exit(x: u8) {} } fn run(e: String) -> String { process::exit(1); e }",
    ] {
        assert_eq!(lints_of(text), [""; 0], "{text}");
    }
}

#[test]
fn what_layers_call_is_request_code() {
    let lints = |text: &str| {
        let file = format!(
            "#[handler(layer = http::layers)] async fn answer(e: String) -> u8 {{ 1 }} {text}"
        );
        let name = format!("layers-{}", text.len());
        audit_files(&name, &[("main.rs", &file)]).findings.iter().map(lint).collect::<Vec<_>>()
    };
    let state = "static N: AtomicU64 = AtomicU64::new(0); mod http { pub fn layers() -> L { ServiceBuilder::new().map_request(|e| { super::N.fetch_add(1, Relaxed); e }) } }";
    assert_eq!(lints(state), ["global_state"]);
    let of_service = "static N: AtomicU64 = AtomicU64::new(0); mod http { pub fn layers() -> Counts { Counts } struct Counts; impl Service for Counts { fn call(&mut self, e: u8) { super::N.fetch_add(1, Relaxed); } } }";
    assert_eq!(lints(of_service), ["global_state"]);
    // Called in INIT.
    let once = "mod http { pub fn layers() -> L { let client = reqwest::Client::new(); tokio::spawn(flush()); L(client) } }";
    assert_eq!(lints(once), [""; 0]);
    let effects = "mod http { pub fn layers() -> L { L(|e| log(e)) } fn log(e: u8) { tokio::spawn(async {}); } }";
    assert_eq!(lints(effects), ["detached_task"]);
}

#[test]
fn state_that_requests_reach_is_found() {
    for (lint, text) in [
        (
            "global_state",
            "static N: AtomicU64 = AtomicU64::new(0); fn run(e: String) -> String { N.fetch_add(1, Relaxed); e }",
        ),
        (
            "global_state",
            "static N: [Option<Arc<(u8, RwLock<u8>)>>; 2] = todo!(); fn run(e: String) -> String { N[0].x(); e }",
        ),
        (
            "global_state",
            "use std::sync::atomic::AtomicU64 as Number; static N: Number = Number::new(0); fn run(e: String) -> String { N.fetch_add(1, Relaxed); e }",
        ),
        (
            "global_state",
            "type Count = u64; type N1 = Inner; struct Inner { a: Option<B> } enum B { C { d: std::cell::RefCell<u8> } } static N: N1 = todo!(); fn run(e: String) -> String { N.x(); e }",
        ),
        (
            "global_state",
            "mod a { pub mod b { pub static N: Mutex<u8> = todo!(); } pub use b::N as M; } use a::M; fn run(e: String) -> String { M.lock(); e }",
        ),
        (
            "global_state",
            "mod a { pub static N: Mutex<u8> = todo!(); pub fn x() { super::step(self::N.lock()) } } fn step(x: u8) {} fn run(e: String) -> String { crate::a::x(); e }",
        ),
        // Through methods, traits, macros and functions that are passed on.
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); trait T { fn go(&self) { N.lock(); } } struct S; impl T for S {} fn run(e: String) -> String { S.go(); e }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); trait T { fn go(&self); } struct S; impl T for S { fn go(&self) { N.lock(); } } fn run(e: String) -> String { let x: Box<dyn T> = Box::new(S); x.go(); e }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); struct S; impl std::fmt::Display for S { fn fmt(&self, f: &mut Formatter) { N.lock(); } } fn run(e: String) -> String { S.to_string() }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); fn one(x: &str) { N.lock(); } fn run(e: String) -> String { e.lines().map(one).collect() }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); macro_rules! step { () => { deeper!() } } macro_rules! deeper { () => { N.lock() } } fn run(e: String) -> String { step!(); e }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); fn run(e: String) -> String { println!(\"{}\", N.lock()); e }",
        ),
        (
            "global_state",
            "macro_rules! counter { ($name:ident) => { pub static $name: AtomicU64 = AtomicU64::new(0); } } counter!(HITS); fn run(e: String) -> String { HITS.fetch_add(1, Relaxed); e }",
        ),
        (
            "global_state",
            "struct S; impl S { fn new() -> Self { static N: Mutex<u8> = todo!(); N.lock(); S } } fn run(e: String) -> String { S::new(); e }",
        ),
        (
            "global_state",
            "struct Guard; impl Drop for Guard { fn drop(&mut self) { static N: Mutex<u8> = todo!(); N.lock(); } } fn run(e: String) -> String { let _g = Guard; e }",
        ),
        (
            "global_state",
            "struct Racy(UnsafeCell<u8>); static R: Racy = todo!(); fn run(e: String) -> String { R.0.get(); e }",
        ),
        (
            "global_state",
            "static CACHE: LazyLock<moka::sync::Cache<String, String>> = todo!(); fn run(e: String) -> String { CACHE.get(&e) }",
        ),
        (
            "global_state",
            "static N: Mutex<u8> = todo!(); fn step(e: &str) { N.lock(); } static ROUTES: [(&str, fn(&str)); 1] = [(\"a\", step)]; fn run(e: String) -> String { (ROUTES[0].1)(&e); e }",
        ),
        (
            "global_state",
            "use cached::proc_macro::cached; #[cached] fn price(sku: String) -> u8 { 1 } fn run(e: String) -> String { price(e); e }",
        ),
        (
            "global_state",
            "static RATES: LazyLock<Vec<u8>> = LazyLock::new(|| block_on(fetch())); fn run(e: String) -> String { RATES.len(); e }",
        ),
        (
            "global_state",
            "struct App { db: tokio::sync::OnceCell<Db> } static APP: LazyLock<App> = todo!(); fn run(e: String) -> String { APP.db.get(); e }",
        ),
        (
            "secret_forever",
            "static API_KEY: LazyLock<String> = LazyLock::new(|| fetch()); fn run(e: String) -> String { API_KEY.clone() }",
        ),
        // Filled with what one request brought.
        (
            "global_state",
            "static USER: OnceLock<String> = OnceLock::new(); fn run(e: String) -> String { USER.get_or_init(|| e.clone()).clone() }",
        ),
        (
            "global_state",
            "static USER: OnceLock<String> = OnceLock::new(); fn run(e: String) -> String { let _ = USER.set(e); e }",
        ),
        (
            "global_state",
            "static RATES: tokio::sync::OnceCell<Rates> = todo!(); fn run(e: String) -> String { RATES.get_or_init(|| async { fetch() }); e }",
        ),
        (
            "global_state",
            "thread_local! { static USER: OnceCell<String> = OnceCell::new(); } fn run(e: String) -> String { USER.with(|u| u.set(e)); e }",
        ),
        (
            "lazy_client",
            "static HTTP: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new); fn run(e: String) -> String { HTTP.get(&e) }",
        ),
        (
            "lazy_client",
            "lazy_static! { static ref DB: sqlx::PgPool = connect(); } fn run(e: String) -> String { DB.get(&e) }",
        ),
        (
            "secret_forever",
            "static DB_PASSWORD: OnceCell<String> = OnceCell::new(); fn run(e: String) -> String { DB_PASSWORD.get_or_init(|| fetch()) }",
        ),
        (
            "static_mut",
            "static mut LAST: u8 = 0; struct S; impl S { fn a(&self) { unsafe { LAST } } } fn run(e: String) -> String { S.a(); e }",
        ),
        (
            "lazy_client",
            "static DB: OnceLock<PgPool> = OnceLock::new(); fn make() -> PgPool { PgPool::connect_lazy(\"x\") } fn run(e: String) -> String { DB.get_or_init(make); e }",
        ),
        (
            "client_per_invocation",
            "use aws_sdk_s3::Client; fn run(e: String) -> String { let c = Client::new(&config); e }",
        ),
        (
            "client_per_invocation",
            "fn http() -> reqwest::Client { reqwest::Client::builder().build() } fn run(e: String) -> String { http(); e }",
        ),
        (
            "client_per_invocation",
            "fn run(e: String) -> String { let p = sqlx::PgPool::connect(&e); e }",
        ),
        (
            "client_per_invocation",
            "fn run(e: String) -> String { let c = aws_config::load_from_env(); e }",
        ),
        // Files under a fixed name.
        ("tmp_file", "fn run(e: String) -> String { std::fs::write(\"/tmp/out\", &e); e }"),
        (
            "tmp_file",
            "use std::fs; use std::path::PathBuf; const DIR: &str = \"/tmp\"; fn run(e: String) -> String { let path = PathBuf::from(DIR).join(\"out.pdf\"); let f = fs::File::create(&path)?; e }",
        ),
        (
            "tmp_file",
            "use tokio::fs::File; use std::env; async fn run(e: String) -> String { File::create(env::temp_dir().join(\"x\")).await; e }",
        ),
        (
            "tmp_file",
            "use std::fs::OpenOptions; struct S; impl S { fn a(&self) { OpenOptions::new().read(true).append(true).open(paths::LOG).unwrap(); } } mod paths { pub const LOG: &str = \"/tmp/log\"; } fn run(e: String) -> String { S.a(); e }",
        ),
        (
            "tmp_file",
            "fn run(e: String) -> String { let mut path = std::env::temp_dir(); path.push(\"a\"); std::fs::copy(&e, path.as_path()).unwrap(); std::fs::write(\"/tmp/a\", e) }",
        ),
        (
            "tmp_file",
            "const DIR: &str = \"/tmp\"; fn run(e: String) -> String { let name = \"out\"; std::fs::write(format!(\"{}/{name}.csv\", DIR), e) }",
        ),
        (
            "tmp_file",
            "fn save(text: &str, path: impl AsRef<Path>) { std::fs::File::create(path.as_ref()); } fn run(e: String) -> String { save(&e, \"/tmp/out\"); e }",
        ),
        ("tmp_file", "fn run(e: String) -> String { image.save(Path::new(\"/tmp/a.png\")); e }"),
        // Effects on the process.
        ("process_state", "fn run(e: String) -> String { std::env::set_var(\"A\", &e); e }"),
        (
            "process_state",
            "use std::process::exit as leave; use std::env; fn run(e: String) -> String { env::set_current_dir(\"/\"); e }",
        ),
        (
            "leak",
            "struct S; impl S { fn a(&self, e: String) -> &'static str { Box::leak(e.into_boxed_str()) } } fn run(e: String) -> String { S.a(e).into() }",
        ),
        (
            "detached_task",
            "use tokio::spawn; fn run(e: String) -> String { tokio::spawn(async {}); e }",
        ),
        // The task has the receiver, and no caller waits for what it does.
        (
            "detached_task",
            "async fn run(e: String) { let (tx, mut rx) = mpsc::channel(1); tokio::spawn(async move { while let Some(x) = rx.recv().await { store(x).await } }); tx.send(e).await; }",
        ),
        // The receiver is dropped, or does not wait.
        (
            "detached_task",
            "async fn run(e: String) { let (tx, rx) = oneshot::channel(); tokio::spawn(async move { tx.send(1) }); drop(rx); }",
        ),
        (
            "detached_task",
            "async fn run(e: String) -> bool { let (tx, mut rx) = mpsc::channel(1); tokio::spawn(async move { tx.send(1).await }); rx.try_recv().is_ok() }",
        ),
        (
            "detached_task",
            "async fn run(e: String) { let (tx, rx) = mpsc::channel(1); let stream = ReceiverStream::new(rx); tokio::spawn(async move { tx.send(1).await }); }",
        ),
        // A variable that both have is none that one waits for.
        (
            "detached_task",
            "async fn run(e: String) { let log = Arc::new(Log::new()); let log2 = log.clone(); tokio::spawn(async move { log2.write(1).await }); log.write(2).await; }",
        ),
        (
            "detached_task",
            "async fn run(e: String) { let (order, user) = parse(e); tokio::spawn(audit(order)); user.greet().await; }",
        ),
    ] {
        assert_eq!(lints_of(text), [lint], "{text}");
    }
}

#[test]
fn collections_that_only_grow_are_found() {
    const ALLOW: &str = "#[rewarm::allow(global_state, reason = \"shared\")]";
    for text in [
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { LOG.lock().unwrap().push(e) }",
        "static LOG: Mutex<HashMap<String, u64>> = todo!(); fn run(e: String) -> String { let mut log = LOG.lock()?; *log.entry(e).or_insert(0) += 1; e }",
        "static SEEN: LazyLock<DashMap<String, u8>> = todo!(); mod a { pub fn add(e: String) { crate::SEEN.insert(e, 1); } } fn run(e: String) -> String { a::add(e) }",
        "static LOG: RwLock<VecDeque<String>> = todo!(); fn run(e: String) -> String { if let Ok(mut log) = LOG.write() { log.push_back(e); } e }",
        "static LOG: Log = todo!(); struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { self.lines.lock().unwrap().push(e); } } fn run(e: String) -> String { LOG.add(e) }",
    ] {
        assert_eq!(lints_of(&format!("{ALLOW} {text}")), ["unbounded_growth"], "{text}");
        // State is one mistake.
        assert_eq!(lints_of(text), ["global_state"], "{text}");
    }
    // The types of resources.
    for text in [
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { self.lines.lock().unwrap().push(e); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(e) }",
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { let log = &self; log.lines.lock().unwrap().push(e); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(e) }",
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(this: &Arc<Self>, e: String) { this.lines.lock().unwrap().push(e); } } #[init] fn log() -> Arc<Log> { todo!() } fn run(e: String, log: &Arc<Log>) -> String { Log::add(log, e) }",
        "struct Log { lines: Mutex<HashMap<&'static str, Vec<String>>> } impl Log { fn add(&self, e: String) { self.lines.lock().entry(name()).or_default().push(e); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(e) }",
        "struct Log { ids: Mutex<HashSet<Id>> } enum Id { A, B(u64) } impl Log { fn add(&self, id: Id) { self.ids.lock().insert(id); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(Id::B(e.len())) }",
        "struct App { seen: Seen, n: u8 } struct Seen { ids: std::sync::RwLock<HashSet<u64>>, x: u8 } impl Seen { fn add(&self, id: u64) { let mut ids = self.ids.write().unwrap(); ids.insert(id); } } #[init] static APP: App = todo!(); fn run(e: String) -> String { APP.seen.add(1); e }",
    ] {
        assert_eq!(lints_of(text), ["unbounded_growth"], "{text}");
    }
    for text in [
        // Something limits the size.
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { let mut log = LOG.lock(); log.push(e); log.truncate(9); e }",
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { LOG.lock().push(e); flush() } fn flush() { for line in std::mem::take(&mut *LOG.lock()) {} }",
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { let mut log = LOG.lock(); log.push(e); trim(&mut log); e } fn trim(log: &mut Vec<String>) { log.drain(..2); }",
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { if e.a() { *LOG.lock().unwrap() = Vec::new(); } LOG.lock().push(e); e }",
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { let mut log = LOG.lock(); if log.len() < 9 { log.push(e); } e }",
        // Nothing grows.
        "static MODES: Mutex<HashMap<&str, u8>> = todo!(); fn run(e: String) -> String { MODES.lock().insert(\"mode\", 1); e }",
        "static LAST: Mutex<Option<String>> = todo!(); fn run(e: String) -> String { LAST.lock().insert(e); e }",
        "static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { let log = LOG.lock(); let mut lines = Vec::new(); lines.push(log[0].clone()); e }",
        "#[rewarm::allow(unbounded_growth, reason = \"ten customers\")] static LOG: Mutex<Vec<String>> = todo!(); fn run(e: String) -> String { LOG.lock().push(e) }",
    ] {
        assert_eq!(lints_of(&format!("{ALLOW} {text}")), [""; 0], "{text}");
    }
    for text in [
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { self.lines.lock().unwrap().push(e); } fn flush(&self) { self.lines.lock().unwrap().clear(); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(e) }",
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { self.lines.lock().unwrap().push(e); } } #[init(allow(unbounded_growth))] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.add(e) }",
        // Keys of the program.
        "struct Counts { all: Mutex<HashMap<&'static str, u64>>, kinds: Mutex<BTreeMap<Kind, u64>> } enum Kind { A, #[x(1)] B } impl Counts { fn add(&self, name: &'static str, kind: Kind) { *self.all.lock().entry(name).or_default() += 1; *self.kinds.lock().entry(kind).or_default() += 1; } } #[init] fn counts() -> Counts { todo!() } fn run(e: String, counts: &Counts) -> String { counts.add(\"run\", Kind::A) }",
        // A field of the same name in another type.
        "struct Shop { items: RwLock<HashMap<u64, u64>> } impl Shop { fn price(&self, mut order: Order) -> u64 { order.items.push(1); let mut cart = Cart::new(&order); cart.items.push(2); self.items.read()[&1] } } #[init] fn shop() -> Shop { todo!() } fn run(e: String, shop: &Shop) -> String { shop.price(e) }",
        // Filled in INIT, a field that no request shares, and a type that is no resource.
        "struct Names { all: Mutex<Vec<String>> } impl Names { fn load() -> Self { Self::default().with(1) } fn with(self, n: u8) -> Self { self.all.lock().unwrap().push(n); self } fn first(&self) -> u8 { self.all.lock()[0] } } #[init] fn names() -> Names { Names::load() } fn run(e: String, names: &Names) -> String { names.first() }",
        "struct Log { lines: Vec<String> } impl Log { fn add(&mut self, e: String) { self.lines.push(e); } } #[init] fn log() -> Log { todo!() } fn run(e: String, log: &Log) -> String { log.clone().add(e) }",
        "struct Log { lines: Mutex<Vec<String>> } impl Log { fn add(&self, e: String) { self.lines.lock().unwrap().push(e); } } fn run(e: String) -> String { Log::new().add(e) }",
        "struct App { limit: Mutex<u8>, names: Vec<String> } impl App { fn set(&self) { let mut x = Vec::new(); x.push(*self.limit.lock()); } } #[init] fn app() -> App { todo!() } fn run(e: String, app: &App) -> String { app.set() }",
    ] {
        assert_eq!(lints_of(text), [""; 0], "{text}");
    }
}

#[test]
fn a_snapshot_keeps_what_must_be_unique_or_current() {
    let found =
        |resource: &str| lints_of(&format!("fn run(e: String) -> String {{ e }} {resource}"));
    for text in [
        "#[init(restore = keep)] fn id() -> Uuid { Uuid::new_v4() }",
        "#[init(restore = keep)] static ID: Uuid = uuid::Uuid::new_v4();",
        "#[init(restore = keep)] fn id() -> String { use uuid::Uuid as Id; let id = Id::new_v4(); format!(\"a-{id}\", id) }",
        "#[init(timeout = \"1s\", restore = keep)] async fn id() -> Result<A, E> { let started = SystemTime::now(); connect().await?; Ok(A { started }) }",
        "#[init(restore = keep)] fn rng() -> Mutex<StdRng> { Mutex::new(StdRng::from_os_rng()) }",
        "#[init(restore = keep)] fn rng() -> StdRng { let seed: u64 = rand::random(); StdRng::seed_from_u64(seed) }",
        "#[init(restore = keep)] fn host() -> String { let mut x = String::new(); x.push_str(&hostname::get().unwrap()); x }",
        "#[init(restore = keep)] fn key() -> String { std::env::var(\"AWS_SESSION_TOKEN\").unwrap() }",
        "#[init(restore = keep)] async fn key(p: &P) -> Credentials { p.provide_credentials().await.unwrap() }",
        "#[init(restore = keep)] fn file() -> NamedTempFile { if let Ok(file) = tempfile::NamedTempFile::new() { return file; } panic!() }",
        "#[init(restore = keep)] fn rng() -> StdRng { let mut seed = [0; 32]; getrandom::fill(&mut seed).unwrap(); StdRng::from_seed(seed) }",
        "#[init(restore = keep)] fn key() -> u64 { OsRng.next_u64() }",
        "#[init(restore = keep)] async fn id() -> Result<Id, E> { let id = timeout_at(end, load(Uuid::new_v4())).await.map_err(E::new)?; Ok(id) }",
        "#[init(restore = keep)] fn names() -> Vec<u64> { let mut all = Vec::new(); for _ in 0..3 { all.push(rand::random()); } all }",
        // Through functions and methods of the crate.
        "#[init(restore = keep)] fn id() -> Id { fresh() } fn fresh() -> Id { let id = one(); Id(id) } fn one() -> u64 { rand::random() }",
        "struct Id(u64); impl Id { fn new() -> Self { Self::made() } fn made() -> Self { Id(fastrand::u64(..)) } } #[init(restore = keep)] fn id() -> Id { Id::new() }",
    ] {
        assert_eq!(found(text), ["snapshot_unique"], "{text}");
    }
    for text in [
        // Built again, or in INIT of each container.
        "#[init(restore = rebuild)] fn id() -> Uuid { Uuid::new_v4() }",
        "#[init] fn id() -> Uuid { Uuid::new_v4() }",
        "#[init(restore = keep, allow(snapshot_unique))] fn id() -> Uuid { Uuid::new_v4() }",
        "#[rewarm::allow(snapshot_unique, reason = \"x\")] fn fresh() -> Id { Uuid::new_v4() } #[init(restore = keep)] fn id() -> Id { fresh() }",
        // Not a part of the value.
        "#[init(restore = keep)] fn words() -> Vec<W> { let start = Instant::now(); let words = load(); println!(\"{:?}\", start.elapsed()); words }",
        "#[init(restore = keep)] fn words() -> Vec<W> { let id = Uuid::new_v4(); tracing::info!(%id, \"load\"); let id = 1; load(id) }",
        "#[init(restore = keep)] fn words() -> Vec<W> { if Instant::now() > LIMIT { return Vec::new(); } load() }",
        "#[init(restore = keep)] async fn db() -> Result<Db, E> { let end = Instant::now() + LIMIT; let db = timeout_at(end, connect()).await??; Ok(db) }",
        "#[init(restore = keep)] async fn db() -> Result<Db, E> { let start = Instant::now(); let db = connect().await.map_err(|e| format!(\"{e} after {:?}\", start.elapsed()))?; if db.is_bad() { return Err(E(format!(\"{:?}\", start.elapsed()))); } Ok(db) }",
        "#[init(restore = keep)] async fn db() -> Result<Db, E> { let db = loop { match connect().await { Ok(db) => break db, Err(e) => { sleep_until(Instant::now() + PAUSE).await } } }; Ok(db) }",
        "#[init(restore = keep)] fn words() -> Vec<W> { log(); load() } fn log() -> u8 { let t = Instant::now(); 1 }",
        // The same in every container.
        "#[init(restore = keep)] fn rng() -> StdRng { StdRng::seed_from_u64(7) }",
        "#[init(restore = keep)] fn rng() -> Rng { fastrand::Rng::with_seed(7) }",
        "#[init(restore = keep)] fn dice() -> Uniform<u8> { rand::distr::Uniform::new(1, 7) }",
        "#[init(restore = keep)] fn rng() -> Rng { Rng { source: OsRng } }",
        "#[init(restore = keep)] fn a() -> A { let now = || 1; A(now()) }",
        "#[init(restore = keep)] fn region() -> String { std::env::var(\"AWS_REGION\").unwrap() }",
        "struct Uuid; impl Uuid { fn new_v4() -> Self { Uuid } } #[init(restore = keep)] fn id() -> Uuid { Uuid::new_v4() }",
        "#[init(restore = keep)] fn a() -> A { A { now: 1, file: \"now\" } }",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

/// A resource is checked in a crate without a handler, too.
#[test]
fn a_snapshot_is_checked_without_a_handler() {
    let text = "mod ids { pub fn fresh() -> u64 { rand::random() } }\n\
                #[init(restore = keep)]\nfn id() -> u64 { ids::fresh() }";
    let report = audit_files("snapshot", &[("lib.rs", text)]);
    assert_eq!(ways(&report), ["lib.rs:1:35: reached from `#[init] id` through `ids::fresh`"]);
    assert_eq!((report.findings[0].on.line, report.findings[0].on.column), (3, 4));
}

const COUNTS: &str =
    "static N: AtomicU64 = AtomicU64::new(0); pub fn run() { N.fetch_add(1, Relaxed); }";

/// The places and ways of all findings, without the folder.
fn ways(report: &Report) -> Vec<String> {
    let way = |finding: &Finding| {
        let line = finding.message.lines().nth(1).unwrap();
        let (folder, rest) = line.split_once("rewarm-audit-").unwrap();
        assert!(folder.starts_with("--> "));
        rest.split_once('/').unwrap().1.to_owned()
    };
    report.findings.iter().map(way).collect()
}

#[test]
fn files_are_found_as_the_compiler_finds_them() {
    for (name, path, module, label) in [
        ("beside", "src/a.rs", "mod a;", "a"),
        ("folder", "src/a/mod.rs", "mod a;", "a"),
        (
            "inline",
            "src/a/b.rs",
            "mod a { pub mod b; pub fn run() { b::run() } }",
            "a::run` and `a::b",
        ),
        ("path", "other/place.rs", "#[path = \"../other/place.rs\"] mod a;", "a"),
        (
            "inline_path",
            "src/x/y.rs",
            "#[path = \"x\"] mod a { #[path = \"y.rs\"] pub mod b; pub fn run() { b::run() } }",
            "a::run` and `a::b",
        ),
    ] {
        let main = format!("{module}\n#[handler] async fn answer(e: u8) {{ a::run() }}");
        let report = audit_files(name, &[("src/main.rs", &main), (path, COUNTS)]);
        let expected =
            format!("{path}:1:8: reached from `#[handler] answer` through `{label}::run`");
        let found = ways(&report);
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].replace("src/../", ""), expected, "{name}");
    }
}

#[test]
fn modules_below_a_file_are_in_its_folder() {
    let report = audit_files(
        "below",
        &[
            (
                "main.rs",
                "mod a; #[path = \"odd/b.rs\"] mod b; #[handler] async fn answer(e: u8) { a::c::run(); b::d::run() }",
            ),
            ("a.rs", "pub mod c;"),
            ("a/c.rs", COUNTS),
            ("odd/b.rs", "pub mod d;"),
            ("odd/d.rs", COUNTS),
        ],
    );
    let ways = ways(&report);
    assert!(ways[0].starts_with("a/c.rs:1:8"), "{ways:?}");
    assert!(ways[1].starts_with("odd/d.rs:1:8"), "{ways:?}");
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let main = "mod missing; mod broken; mod binary; mod a; mod main;\n\
                #[handler] async fn answer(e: u8) { missing::run(); broken::run(); a::run(); }";
    let files = [("main.rs", main), ("broken.rs", "fn run() { ( }"), ("a.rs", COUNTS)];
    assert_eq!(ways(&audit_files("missing", &files)).len(), 1);
    // A root that does not parse.
    assert!(audit_files("root", &[("main.rs", "#[handler] fn (")]).findings.is_empty());
}

#[test]
fn a_global_is_reported_once() {
    let two = "#[handler] async fn a(e: u8) { run() } #[handler] async fn b(e: u8) { run(); run() } \
               #[cached(ttl = \"1s\")] async fn c() -> u8 { run() }";
    let report = audit_files("once", &[("rewarm.rs", &format!("{two}{COUNTS}"))]);
    assert_eq!(report.findings.len(), 1);
    assert_eq!((report.findings[0].on.line, report.findings[0].on.column), (1, 21));
}

#[test]
fn an_allow_is_one_handlers() {
    let of = |first: &str, second: &str| {
        let handlers = format!(
            "#[handler({first})] async fn a(e: u8) {{ run() }} #[handler({second})] async fn b(e: u8) \
             {{ run() }} {COUNTS}"
        );
        ways(&audit_files("allow", &[("x.rs", &handlers)]))
    };
    assert!(of("", "")[0].contains("`#[handler] a`"));
    assert!(of("allow(global_state)", "")[0].contains("`#[handler] b`"));
    assert!(of("allow(leak), http", "warmup")[0].contains("`#[handler] a`"));
    assert!(of("allow(global_state)", "allow(leak, global_state)").is_empty());
}

#[test]
fn an_allow_without_use_is_reported() {
    let text = "#[handler] async fn a(e: u8) { run(); other() }\n\
                #[rewarm::allow(global_state, reason = \"x\")] static N: AtomicU64 = AtomicU64::new(0);\n\
                #[rewarm::allow(leak, global_state, reason = \"x\")] fn run() { M.fetch_add(1); }\n\
                static M: AtomicU64 = AtomicU64::new(0);\n\
                #[rewarm::allow(global_state, reason = \"x\")] static T: [u8; 1] = [1];\n\
                fn other() { N.fetch_add(1); }";
    let report = audit_files("useless", &[("x.rs", text)]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let useless: Vec<_> =
        report.useless.iter().map(|(place, lint)| (place.line, lint.as_str())).collect();
    assert_eq!(useless, [(3, "leak"), (5, "global_state")]);
}

#[test]
fn a_library_asks_for_its_audit() {
    let text = "pub fn run() { count() } fn count() { N.fetch_add(1); } fn unused() { M.lock(); }\n\
                static N: AtomicU64 = AtomicU64::new(0); static M: Mutex<u8> = todo!();\n";
    assert!(audit_files("not_asked", &[("lib.rs", text)]).findings.is_empty());
    let report = audit_files("asked", &[("lib.rs", &format!("{text}rewarm::audit!();"))]);
    assert_eq!(ways(&report), ["lib.rs:2:8: reached from `pub fn run` through `count`"]);
    assert_eq!((report.findings[0].on.line, report.findings[0].on.column), (3, 1));
}

#[test]
fn each_word_has_its_place() {
    let text = "fn run(e: String) -> String { let t = tokio::spawn(async {}); drop(async { t.await });\n\
                tokio::spawn(async {}); std::process::exit(1); e }";
    let report = audit_files("places", &[("x.rs", &format!("{HANDLER}{text}"))]);
    let places: Vec<_> = ways(&report).iter().map(|way| way[..8].to_owned()).collect();
    assert_eq!(places, ["x.rs:3:1", "x.rs:3:2"]);
}

/// No text makes the audit panic. `REWARM_FUZZ` sets the number of tries.
#[test]
fn no_text_makes_the_audit_panic() {
    let tries = std::env::var("REWARM_FUZZ").map_or(500, |n| n.parse().unwrap());
    let texts: Vec<String> =
        programs("unsafe").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let words: Vec<Vec<&str>> = texts
        .iter()
        .map(|text| text.split_inclusive(|c: char| !c.is_alphanumeric()).collect())
        .collect();
    let mut state = 7_u64;
    let mut random = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for _ in 0..tries {
        let program = &words[random(words.len())];
        let mut text = String::new();
        for word in program {
            let other = &words[random(words.len())];
            match random(60) {
                0 => {}
                1 => text += &word.repeat(2),
                2 => text += other[random(other.len())],
                _ => text += word,
            }
        }
        let audited = std::panic::catch_unwind(|| audit_files("shaken", &[("main.rs", &text)]));
        assert!(audited.is_ok(), "{text}");
    }
}
