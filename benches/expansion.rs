//! What 100 annotated functions cost the compiler, against what a careful person writes by hand for
//! them. Only the package itself is built, without link-time
//! optimisation; its dependencies are there.

#![forbid(unsafe_code)]

use std::fmt::Write;
use std::path::Path;

use support::{Row, cargo, conclude, median_and_least};

/// Resources that await, statics, cached values without a key and with one; a handler makes 100.
const COUNTS: [usize; 4] = [30, 20, 25, 24];

const MANIFEST: &str = r#"
[package]
name = "NAME"
version = "0.1.0"
edition = "2024"

[dependencies]
DEPENDENCIES
"#;

fn main() {
    let folder = std::env::temp_dir().join(format!("rewarm-expansion-{}", std::process::id()));
    let mut rows = Vec::new();
    let mut add = |what: &str, who, value: f64, unit| {
        rows.push(Row { what: what.to_owned(), who, value, unit, ratio: f64::NAN });
    };
    generate(&folder);
    let target = folder.join("target");
    for (profile, rounds) in [("check", 7), ("build", 5), ("build --release", 2)] {
        let what = format!("100 functions, cargo {profile}, CPU time");
        let arguments: Vec<&str> = profile.split(' ').chain(["--workspace"]).collect();
        cargo(&folder, &target, &arguments);
        let packages = ["by-hand", "annotated"];
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (package, times) in packages.iter().zip(&mut times) {
                let main = folder.join(package).join("src/main.rs");
                let file =
                    std::fs::File::options().append(true).open(main).expect("generated code");
                file.set_modified(std::time::SystemTime::now()).expect("a new time");
                drop(file);
                times.push(cargo(&folder, &target, &arguments));
            }
        }
        for (package, times) in packages.into_iter().zip(times) {
            let median = median_and_least(times).0;
            eprintln!("{what}: {package} {median:.2} s");
            add(&what, package, median, "s");
        }
    }
    let _ = std::fs::remove_dir_all(folder);
    conclude("expansion", rows);
}

/// Writes a workspace with the packages `annotated` and `by-hand`.
fn generate(folder: &Path) {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("generated code can be written");
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"annotated\", \"by-hand\"]\n");
    let toolchain = std::fs::read_to_string(benches.join("../rust-toolchain.toml"));
    write("rust-toolchain.toml", &toolchain.expect("the toolchain of this repository"));
    let lock = std::fs::read_to_string(benches.join("Cargo.lock")).expect("our own lock file");
    write("Cargo.lock", &lock);
    let runtime = benches.join("../runtime");
    let serde = "serde = { version = \"1\", features = [\"derive\"] }";
    let tokio = |features: &str| {
        let start = "tokio = { version = \"1\", default-features = false, features = [\"macros\"";
        format!("{start}{features}] }}")
    };
    let manifest = |name, dependencies: &[&str]| {
        MANIFEST.replace("NAME", name).replace("DEPENDENCIES", &dependencies.join("\n"))
    };
    let rewarm = format!("rewarm = {{ path = {runtime:?} }}");
    write("annotated/Cargo.toml", &manifest("annotated", &[&rewarm, serde, &tokio("")]));
    let by_hand = [
        "arc-swap = \"1.7\"",
        "futures-util = { version = \"0.3.31\", default-features = false, features = [\"std\"] }",
        "lambda_runtime = { version = \"1.5\", features = [\"concurrency-tokio\"] }",
        "quick_cache = { version = \"0.7\", default-features = false, features = [\"custom-hasher\"] }",
        serde,
        &tokio(", \"rt-multi-thread\", \"sync\", \"time\""),
    ];
    write("by-hand/Cargo.toml", &manifest("by-hand", &by_hand));
    write("annotated/src/main.rs", &annotated());
    write("by-hand/src/main.rs", &by_hand_code());
}

/// The types of both: one for each resource and each value.
fn types(code: &mut String) {
    for n in 0..COUNTS[0] {
        let _ = writeln!(code, "pub struct R{n} {{ pub value: u64 }}");
    }
    for n in 0..COUNTS[2] {
        let _ = writeln!(code, "#[derive(Clone)] pub struct U{n} {{ pub value: u64 }}");
    }
    for n in 0..COUNTS[3] {
        let _ = writeln!(code, "#[derive(Clone)] pub struct K{n} {{ pub value: u64 }}");
    }
    *code += "#[derive(serde::Deserialize)] pub struct Order { sku: String, n: u64 }\n";
    *code += "#[derive(serde::Serialize)] pub struct Receipt { total: u64 }\n";
}

/// The sum that the handler makes of everything: calls of `one3().await?` and `each3(sku).await?`.
fn sum() -> String {
    let mut sum = "r29.value + r28.value + r27.value + order.n".to_owned();
    (0..COUNTS[1]).for_each(|n| sum += &format!(" + S{n}.len() as u64"));
    (0..COUNTS[2]).for_each(|n| sum += &format!(" + one{n}().await?.value"));
    (0..COUNTS[3]).for_each(|n| sum += &format!(" + each{n}(&order.sku).await?.value"));
    sum
}

fn annotated() -> String {
    let mut code = "use rewarm::{Error, cached, handler, init};\n".to_owned();
    types(&mut code);
    for n in 0..COUNTS[0] {
        let (needs, value) = match n % 3 {
            0 => (String::new(), n.to_string()),
            _ => (format!("r{}: &R{}", n - 1, n - 1), format!("r{}.value + {n}", n - 1)),
        };
        let _ = writeln!(
            code,
            "#[init]\nasync fn r{n}({needs}) -> Result<R{n}, Error> {{ Ok(R{n} {{ value: {value} }}) }}"
        );
    }
    for n in 0..COUNTS[1] {
        let _ = writeln!(code, "#[init]\nstatic S{n}: String = \"x\".repeat({n});");
    }
    for n in 0..COUNTS[2] {
        let _ = writeln!(
            code,
            "#[cached(ttl = \"5m\")]\nasync fn one{n}() -> Result<U{n}, Error> {{ Ok(U{n} {{ value: {n} }}) }}"
        );
    }
    for n in 0..COUNTS[3] {
        let _ = writeln!(
            code,
            "#[cached(ttl = \"5m\", max_entries = 500)]\nasync fn each{n}(sku: &str) -> Result<K{n}, Error> {{ \
             Ok(K{n} {{ value: sku.len() as u64 }}) }}"
        );
    }
    let sum = sum();
    let _ = writeln!(
        code,
        "#[handler]\nasync fn total(order: Order, r27: &R27, r28: &R28, r29: &R29) -> Result<Receipt, Error> {{\n\
         Ok(Receipt {{ total: {sum} }})\n}}\n\
         fn main() -> std::process::ExitCode {{ total::run() }}"
    );
    code
}

/// A careful hand-written cache: a value with a TTL and one fetch at a time, without
/// a key and with one.
const KIT: &str = r#"
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use futures_util::future::{BoxFuture, try_join_all};
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, OnceCell};

struct Ttl<T> { ttl: Duration, kept: ArcSwapOption<(T, Instant)>, fetching: Mutex<()> }

impl<T: Clone> Ttl<T> {
    const fn new(ttl: Duration) -> Self {
        Self { ttl, kept: ArcSwapOption::const_empty(), fetching: Mutex::const_new(()) }
    }
    fn fresh(&self) -> Option<T> {
        let kept = self.kept.load();
        let (value, since) = &**kept.as_ref()?;
        (since.elapsed() < self.ttl).then(|| value.clone())
    }
    async fn get(&self, fetch: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let _one = self.fetching.lock().await;
        if let Some(value) = self.fresh() {
            return Ok(value);
        }
        let since = Instant::now();
        let value = fetch.await?;
        self.kept.store(Some(Arc::new((value.clone(), since))));
        Ok(value)
    }
}

struct KeyedTtl<T> { ttl: Duration, kept: Cache<String, (T, Instant)>, fetching: Mutex<()> }

impl<T: Clone> KeyedTtl<T> {
    fn new(ttl: Duration, entries: usize) -> Self {
        Self { ttl, kept: Cache::new(entries), fetching: Mutex::new(()) }
    }
    fn fresh(&self, key: &str) -> Option<T> {
        let (value, since) = self.kept.get(key)?;
        (since.elapsed() < self.ttl).then_some(value)
    }
    async fn get(&self, key: &str, fetch: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if let Some(value) = self.fresh(key) {
            return Ok(value);
        }
        let _one = self.fetching.lock().await;
        if let Some(value) = self.fresh(key) {
            return Ok(value);
        }
        let since = Instant::now();
        let value = fetch.await?;
        self.kept.insert(key.to_owned(), (value.clone(), since));
        Ok(value)
    }
}
"#;

fn by_hand_code() -> String {
    let mut code = KIT.to_owned();
    types(&mut code);
    for n in 0..COUNTS[0] {
        let (needs, value) = match n % 3 {
            0 => (String::new(), n.to_string()),
            _ => (format!("let needed = r{}().await?; ", n - 1), format!("needed.value + {n}")),
        };
        let _ = writeln!(
            code,
            "static CELL{n}: OnceCell<Arc<R{n}>> = OnceCell::const_new();\n\
             async fn make_r{n}() -> Result<R{n}, Error> {{ {needs}Ok(R{n} {{ value: {value} }}) }}\n\
             pub async fn r{n}() -> Result<Arc<R{n}>, Error> {{\n\
             CELL{n}.get_or_try_init(|| async {{ make_r{n}().await.map(Arc::new) }}).await.cloned()\n}}"
        );
    }
    for n in 0..COUNTS[1] {
        let _ =
            writeln!(code, "static S{n}: LazyLock<String> = LazyLock::new(|| \"x\".repeat({n}));");
    }
    for n in 0..COUNTS[2] {
        let _ = writeln!(
            code,
            "static UNKEYED{n}: Ttl<U{n}> = Ttl::new(Duration::from_secs(300));\n\
             async fn fetch_one{n}() -> Result<U{n}, Error> {{ Ok(U{n} {{ value: {n} }}) }}\n\
             pub async fn one{n}() -> Result<U{n}, Error> {{ UNKEYED{n}.get(fetch_one{n}()).await }}"
        );
    }
    for n in 0..COUNTS[3] {
        let _ = writeln!(
            code,
            "static KEYED{n}: LazyLock<KeyedTtl<K{n}>> =\n\
             LazyLock::new(|| KeyedTtl::new(Duration::from_secs(300), 500));\n\
             async fn fetch_each{n}(sku: &str) -> Result<K{n}, Error> {{ Ok(K{n} {{ value: sku.len() as u64 }}) }}\n\
             pub async fn each{n}(sku: &str) -> Result<K{n}, Error> {{ KEYED{n}.get(sku, fetch_each{n}(sku)).await }}"
        );
    }
    code += "async fn init() -> Result<(), Error> {\nlet all: Vec<BoxFuture<'static, Result<(), Error>>> = vec![\n";
    for n in 0..COUNTS[0] {
        let _ = writeln!(code, "Box::pin(async {{ r{n}().await.map(drop) }}),");
    }
    code += "];\ntry_join_all(all).await?;\n";
    (0..COUNTS[1]).for_each(|n| code += &format!("LazyLock::force(&S{n});\n"));
    let sum = sum();
    let _ = writeln!(
        code,
        "Ok(())\n}}\n\
         async fn total(order: Order, r27: &R27, r28: &R28, r29: &R29) -> Result<Receipt, Error> {{\n\
         Ok(Receipt {{ total: {sum} }})\n}}\n\
         #[tokio::main(flavor = \"current_thread\")]\n\
         async fn main() -> Result<(), Error> {{\n\
         lambda_runtime::tracing::init_default_subscriber();\n\
         init().await?;\n\
         run_concurrent(service_fn(|event: LambdaEvent<Order>| async move {{\n\
         let (r27, r28, r29) = tokio::try_join!(r27(), r28(), r29())?;\n\
         total(event.payload, &r27, &r28, &r29).await\n\
         }})).await\n}}"
    );
    code
}
