//! The types whose values an invocation can change, or that are built for many invocations.

use std::ops::Range;

use super::index::{self, Def, Index, Target, TypeKind};
use super::items::DeclaredBy;
use super::lexer::{Kind, Source};

/// The verdict on the type of a global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Invocations can change it: the name of the type.
    Shared(String),
    /// A value that is set once.
    Once(String, Once),
    /// A client or a pool.
    Client(String),
}

/// The way that a value is set once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    Now,
    /// By a future: the value is fetched or connected.
    Awaited,
}

const SHARED: &[&str] = &[
    "Mutex",
    "RwLock",
    "FairMutex",
    "ReentrantMutex",
    "ReentrantLock",
    "ShardedLock",
    "SpinLock",
    "Cell",
    "RefCell",
    "UnsafeCell",
    "SyncUnsafeCell",
    "ArcSwap",
    "ArcSwapOption",
    "ArcSwapAny",
    "DashMap",
    "DashSet",
    "SegQueue",
    "ArrayQueue",
    "SkipMap",
    "SkipSet",
    "UnboundedSender",
    "UnboundedReceiver",
    "SyncSender",
    "JoinHandle",
    "JoinSet",
    "TaskTracker",
    "ThreadPool",
    "RateLimiter",
];

/// Names that are those of state only if they come from one of these crates.
const SHARED_OF: &[(&str, &[&str])] = &[
    ("Sender", CHANNELS),
    ("Receiver", CHANNELS),
    ("Runtime", &["tokio"]),
    ("Handle", &["tokio"]),
    ("WorkerGuard", &["tracing_appender"]),
];

const CHANNELS: &[&str] = &[
    "std",
    "tokio",
    "futures",
    "futures_channel",
    "async_channel",
    "async_std",
    "flume",
    "kanal",
    "crossbeam",
    "crossbeam_channel",
];

/// Crates whose collections are shared and changed by all threads.
const SHARED_CRATES: &[&str] = &[
    "scc",
    "papaya",
    "flurry",
    "moka",
    "mini_moka",
    "quick_cache",
    "stretto",
    "foyer",
    "cached",
    "governor",
    "evmap",
    "sharded_slab",
    "concurrent_queue",
    "ttl_cache",
    "lru_time_cache",
];

/// Crates whose values do not carry anything from one invocation to the next.
const HARMLESS_CRATES: &[&str] = &[
    "rewarm",
    "prometheus",
    "prometheus_client",
    "metrics",
    "opentelemetry",
    "opentelemetry_sdk",
    "tracing",
    "tracing_core",
    "log",
    "regex",
    "phf",
    "linkme",
    "inventory",
];

/// The last words of the names of clients and pools.
const CLIENTS: &[&str] = &["Client", "Pool", "Connection", "ConnectionManager", "SdkConfig"];

/// Judges a global by its type.
pub(super) fn of(index: &Index<'_>, module: usize, ty: &Range<usize>) -> Option<State> {
    let mut seen = Vec::new();
    let states = all(index, module, ty, &mut seen);
    // State is worse than a client, wherever it stands.
    let is_shared = |state: &&State| matches!(state, State::Shared(_));
    let is_once = |state: &&State| matches!(state, State::Once(..));
    let worst = states.iter().find(is_shared).or_else(|| states.iter().find(is_once));
    worst.or_else(|| states.first()).cloned()
}

/// The client or the pool that a type holds.
pub(super) fn client(index: &Index<'_>, module: usize, ty: &Range<usize>) -> Option<String> {
    all(index, module, ty, &mut Vec::new()).into_iter().find_map(|state| match state {
        State::Client(name) => Some(name),
        _ => None,
    })
}

fn all(index: &Index<'_>, module: usize, ty: &Range<usize>, seen: &mut Vec<usize>) -> Vec<State> {
    let source = index.source(module);
    let mut states = Vec::new();
    let mut at = ty.start;
    while at < ty.end {
        if source.is_punct(at, b'#') && source.is_open(at + 1, b'[') {
            at = source.next(at + 1);
            continue;
        }
        // The name of a field, or of an associated type.
        let is_label = source.is_punct(at + 1, b':') && !source.is_punct(at + 2, b':');
        if !source.is_ident(at) || is_label {
            at += 1;
            continue;
        }
        let (path, end) = index::path(source, at);
        let last = path.last().copied().unwrap_or_default();
        at = end;
        // The parameters and the result of a function are not part of it.
        if ["fn", "Fn", "FnMut", "FnOnce"].contains(&last) && source.is_open(end, b'(') {
            at = source.next(end);
            if source.is_punct(at, b'-') && source.is_punct(at + 1, b'>') {
                at = returned_end(source, at + 2);
            }
            continue;
        }
        let arguments = source.is_punct(end, b'<').then(|| end..index::generics_end(source, end));
        if last == "PhantomData" {
            at = arguments.map_or(end, |arguments| arguments.end);
            continue;
        }
        match index.resolve_at(module, &path) {
            Target::Own(defs, _) => {
                for def in defs {
                    let Def::Type(ty) = def else { continue };
                    let def = &index.types[ty];
                    if def.kind == TypeKind::Trait || seen.contains(&ty) {
                        continue;
                    }
                    seen.push(ty);
                    let inner = all(index, def.module, &def.body, seen);
                    states.extend(inner.into_iter().filter_map(|state| match state {
                        // Which code fills the cell in a field is not known.
                        State::Once(_, Once::Now) if def.kind != TypeKind::Alias => None,
                        State::Once(ty, Once::Awaited) if def.kind != TypeKind::Alias => {
                            Some(State::Shared(ty))
                        }
                        state => Some(state),
                    }));
                    states.extend(is_client(def.name).then(|| State::Client(def.name.to_owned())));
                }
            }
            Target::Other(path) => {
                let is_empty =
                    arguments.is_some_and(|it| it.len() == 4 && source.is_open(it.start + 1, b'('));
                if !is_empty {
                    states.extend(known(&path));
                }
                if path.len() > 1 && HARMLESS_CRATES.contains(&path[0]) {
                    at = if source.is_punct(end, b'<') {
                        index::generics_end(source, end)
                    } else {
                        end
                    };
                }
            }
        }
    }
    states
}

/// Types of the prelude whose values do not change if those of their arguments do not.
const PRELUDE: &[&str] = &[
    "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
    "u32", "u64", "u128", "usize", "Box", "Option", "Result", "String", "Vec",
];

/// The same of other modules, if they come from one of these crates.
const FIXED: &[&str] = &[
    "Arc", "BTreeMap", "BTreeSet", "Cow", "Duration", "HashMap", "HashSet", "Ipv4Addr", "Ipv6Addr",
    "Lazy", "LazyLock", "Path", "PathBuf", "Regex", "RegexSet", "VecDeque",
];
const FIXED_CRATES: &[&str] = &["std", "core", "alloc", "once_cell", "regex"];

/// True for a constant or a global that is certain to be the same for all invocations.
pub(super) fn is_constant(index: &Index<'_>, def: Def) -> bool {
    let mut seen = Vec::new();
    match def {
        Def::Const(id) => {
            let it = &index.consts[id];
            let source = index.source(it.module);
            // Its value may be a reference to a global.
            let is_global = |at: &usize| {
                let (path, _) = index::path(source, *at);
                let Target::Own(defs, _) = index.resolve_at(it.module, &path) else {
                    return false;
                };
                defs.iter().any(|def| matches!(def, Def::Global(_)))
            };
            let names = it.value.clone().filter(|at| source.is_ident(*at));
            !names.into_iter().any(|at| is_global(&at))
                && is_fixed(index, it.module, &it.ty, &mut seen)
        }
        Def::Global(id) => {
            let it = &index.globals[id];
            !it.mutable
                && it.by != DeclaredBy::ThreadLocal
                && is_fixed(index, it.declared_in, &it.ty, &mut seen)
        }
        Def::Module(_) | Def::Code(_) | Def::Type(_) => false,
    }
}

/// True for a type without a part that could be state.
fn is_fixed(index: &Index<'_>, module: usize, ty: &Range<usize>, seen: &mut Vec<usize>) -> bool {
    let source = index.source(module);
    let mut at = ty.start;
    while at < ty.end {
        if source.is_punct(at, b'#') && source.is_open(at + 1, b'[') {
            at = source.next(at + 1);
            continue;
        }
        let is_label = source.is_punct(at + 1, b':') && !source.is_punct(at + 2, b':');
        if !source.is_ident(at) || is_label || ["pub", "crate"].contains(&source.text(at)) {
            at += 1;
            continue;
        }
        let (path, end) = index::path(source, at);
        let is_length = source.is_punct(at.wrapping_sub(1), b';');
        at = end;
        if is_length {
            continue;
        }
        let fixed = match index.resolve_at(module, &path) {
            Target::Own(defs, _) => defs.iter().all(|def| match def {
                Def::Type(ty) => {
                    let def = &index.types[*ty];
                    let is_new = !seen.contains(ty);
                    seen.push(*ty);
                    def.kind != TypeKind::Trait
                        && (!is_new || is_fixed(index, def.module, &def.body, seen))
                }
                _ => false,
            }),
            Target::Other(path) => match path[..] {
                [name] => PRELUDE.contains(&name),
                [krate, .., name] => FIXED_CRATES.contains(&krate) && FIXED.contains(&name),
                [] => false,
            },
        };
        if !fixed {
            return false;
        }
    }
    true
}

/// The token behind a return type.
fn returned_end(source: &Source, mut at: usize) -> usize {
    while source.is_punct(at, b'&') || source.kind(at) == Some(Kind::Lifetime) {
        at += 1;
    }
    if !source.is_ident(at) {
        return source.next(at);
    }
    let (_, end) = index::path(source, at);
    if source.is_punct(end, b'<') { index::generics_end(source, end) } else { end }
}

/// Judges a type of another crate by its name.
fn known(path: &[&str]) -> Option<State> {
    let last = *path.last()?;
    let krate = path[0];
    let is_from = |crates: &[&str]| path.len() > 1 && crates.contains(&krate);
    if is_from(HARMLESS_CRATES) {
        return None;
    }
    let shown = || path.join("::");
    let atomic = last.strip_prefix("Atomic").is_some_and(|it| !it.is_empty());
    let of = SHARED_OF.iter().any(|(name, crates)| *name == last && is_from(crates));
    let starts_upper = last.starts_with(|c: char| c.is_uppercase());
    if atomic || SHARED.contains(&last) || of || is_from(SHARED_CRATES) && starts_upper {
        return Some(State::Shared(shown()));
    }
    match last {
        "OnceCell" if is_from(&["tokio", "async_lock", "async_once_cell"]) => {
            Some(State::Once(shown(), Once::Awaited))
        }
        "OnceLock" | "OnceCell" | "OnceBox" => Some(State::Once(shown(), Once::Now)),
        _ if is_client(last) => Some(State::Client(shown())),
        _ => None,
    }
}

/// Functions that make a client, a pool or a connection, with the type that they belong to.
const MAKERS: &[&str] = &[
    "new",
    "builder",
    "from_conf",
    "from_env",
    "connect",
    "connect_lazy",
    "connect_with",
    "establish",
    "open",
    "with_options",
    "with_uri_str",
];

/// Functions of the same kind without such a type.
const MAKING: &[(&str, &str)] = &[
    ("aws_config::load_defaults", "SdkConfig"),
    ("aws_config::load_from_env", "SdkConfig"),
    ("aws_config::from_env", "SdkConfig"),
    ("aws_config::defaults", "SdkConfig"),
    ("tokio_postgres::connect", "Client"),
    ("sea_orm::Database::connect", "DatabaseConnection"),
    ("reqwest::get", "Client"),
];

/// The client, pool or connection that a function of another crate makes.
pub(super) fn made<'p>(path: &[&'p str]) -> Option<&'p str> {
    let (last, before) = path.split_last()?;
    let ty = before.last()?;
    let whole = path.join("::");
    if HARMLESS_CRATES.contains(&path[0]) {
        return None;
    }
    if let Some((_, made)) = MAKING.iter().find(|(known, _)| *known == whole) {
        return Some(made);
    }
    let is_options =
        ty.strip_suffix("Options").or(ty.strip_suffix("Builder")).is_some_and(is_client);
    ((is_client(ty) || is_options) && MAKERS.contains(last)).then_some(*ty)
}

/// True for a name such as `Client`, `PgPool` or `SdkConfig`.
fn is_client(name: &str) -> bool {
    CLIENTS.iter().any(|client| {
        name.strip_suffix(client).is_some_and(|before| {
            before.is_empty() || before.ends_with(|c: char| c.is_lowercase() || c.is_ascii_digit())
                // `SQSClient`, `S3Client`
                || before.chars().all(|c| c.is_uppercase() || c.is_ascii_digit())
        })
    })
}
