//! The statics that invocations change.
//!
//! Their names, addresses and sizes are in the symbol table of the program, and their bytes in
//! `/proc/self/mem`: to read them there takes no `unsafe` code, and no type. Only the bytes of the
//! static itself are compared. A change behind a pointer and a thread-local are not seen.
//!
//! Compared are the statics of the crates that use rewarm. Others, such as tokio and `std`, have
//! state by design.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use linkme::distributed_slice;
use serde::{Deserialize, Serialize};

use crate::resource::registry;

/// The paths of modules in crates that are compared although nothing in them is registered.
#[distributed_slice]
pub static AUDITED: [&'static str];

/// Functions that return the addresses of statics that are not compared.
#[distributed_slice]
pub static EXCUSED: [fn() -> usize];

/// A static that changed.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) size: u64,
    /// The invocations that changed it, in their order, from 0.
    pub(super) invocations: Vec<usize>,
}

impl Change {
    /// True if one of the paths is that of the static, or the end of it.
    pub(super) fn is_in(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| {
            self.path.strip_suffix(path).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
        })
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({} bytes)", self.path, self.size)
    }
}

/// The statics of the crates that use rewarm.
pub(super) struct Statics {
    memory: File,
    statics: Vec<Static>,
    invocations: usize,
}

struct Static {
    symbol: Symbol,
    bytes: Vec<u8>,
    changed_by: Vec<usize>,
}

/// A variable of the program.
struct Symbol {
    path: String,
    address: Range<u64>,
}

impl Statics {
    /// Reads all statics. `handler` is the path of a handler.
    ///
    /// # Errors
    /// The reason, if the statics of this program cannot be read.
    pub(super) fn read(handler: &str) -> Result<Self, &'static str> {
        let symbols = symbols()?;
        let registered: Vec<u64> =
            registry().map(|entry| std::ptr::from_ref(entry).addr() as u64).collect();
        let is_at = |addresses: &[u64], symbol: &Symbol| {
            addresses.iter().any(|address| symbol.address.contains(address))
        };
        let of_registered = symbols.iter().filter(|symbol| is_at(&registered, symbol));
        let crates: HashSet<String> = of_registered
            .map(|symbol| symbol.path.as_str())
            .chain(AUDITED.iter().copied())
            .chain([handler])
            .map(|path| crate_of(path).to_owned())
            .collect();
        let mut excused = registered;
        excused.extend(EXCUSED.iter().map(|address| address() as u64));
        let mut memory = File::open("/proc/self/mem").map_err(|_| "/proc/self/mem is not there")?;
        let statics = symbols
            .into_iter()
            .filter(|symbol| is_in_crates(&symbol.path, &crates))
            .filter(|symbol| !is_at(&excused, symbol) && !is_call_site(&symbol.path))
            .map(|symbol| {
                let bytes = symbol.bytes(&mut memory)?;
                Ok(Static { symbol, bytes, changed_by: Vec::new() })
            })
            .collect::<Result<_, std::io::Error>>()
            .map_err(|_| "/proc/self/mem cannot be read")?;
        Ok(Self { memory, statics, invocations: 0 })
    }

    /// Records the statics that have changed since the last call: those that an invocation changed.
    pub(super) fn record_invocation(&mut self) {
        for Static { symbol, bytes, changed_by } in &mut self.statics {
            let Ok(now) = symbol.bytes(&mut self.memory) else {
                continue;
            };
            if *bytes != now {
                *bytes = now;
                changed_by.push(self.invocations);
            }
        }
        self.invocations += 1;
    }

    /// Returns the statics that the invocations changed.
    pub(super) fn changes(self) -> Vec<Change> {
        let changed = self.statics.into_iter().filter(|found| !found.changed_by.is_empty());
        changed
            .map(|Static { symbol, changed_by, .. }| Change {
                path: symbol.path,
                size: symbol.address.end - symbol.address.start,
                invocations: changed_by,
            })
            .collect()
    }
}

impl Symbol {
    fn bytes(&self, memory: &mut File) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; (self.address.end - self.address.start) as usize];
        memory.seek(SeekFrom::Start(self.address.start))?;
        memory.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Removes from a demangled path what the source does not name: closures, which are also the bodies
/// of `async` functions, and the items of expansions of ours and of `lazy_static!`.
fn as_written(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut is_in_body = false;
    for part in path.split("::").filter(|part| !part.starts_with('{') && *part != "_") {
        if part.trim_end_matches('>') == "__Body" {
            is_in_body = true;
            if part.ends_with('>')
                && let Some(first) = parts.first_mut()
            {
                *first = first.trim_start_matches('<');
            }
        } else if !std::mem::take(&mut is_in_body) || parts.last() != Some(&part) {
            // The function as written has the name of the one that contains it.
            parts.push(part);
        }
    }
    let path = parts.join("::");
    let lazy = path.strip_suffix(" as core::ops::deref::Deref>::deref::__stability::LAZY");
    match lazy.and_then(|lazy| lazy.strip_prefix('<')) {
        Some(lazy) => lazy.to_owned(),
        None => path,
    }
}

/// Returns the crate that a path begins with.
fn crate_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// True if the path of a static begins with one of the crates. The path of a static in an `impl`,
/// such as `<u64 as shop::Id>::next::LAST`, contains the crates of its types, and the impl is in one
/// of them.
fn is_in_crates(path: &str, crates: &HashSet<String>) -> bool {
    let mut paths = path.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'));
    let is_in = |path| crates.contains(crate_of(path));
    if path.starts_with('<') { paths.any(is_in) } else { is_in(path) }
}

/// True for the static of a macro of `tracing`, which has the interest of the subscriber.
fn is_call_site(path: &str) -> bool {
    path.ends_with("::__CALLSITE")
}

/// Returns the variables of this program.
///
/// # Errors
/// The reason, if it has no symbols or they cannot be read.
#[cfg(target_os = "linux")]
fn symbols() -> Result<Vec<Symbol>, &'static str> {
    use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, ReadCache, SectionKind};

    let file = File::open("/proc/self/exe").map_err(|_| "the program's file cannot be read")?;
    let file = ReadCache::new(file);
    let program = object::File::parse(&file).map_err(|_| "the program is not an ELF file")?;
    // Where a position-independent program was loaded. Another one is where its file says.
    let first = program.segments().map(|segment| segment.address()).min().unwrap_or(0);
    let base = load_address().ok_or("/proc/self/maps cannot be read")?.wrapping_sub(first);
    let variables: HashSet<_> = program
        .sections()
        .filter(|section| {
            matches!(section.kind(), SectionKind::Data | SectionKind::UninitializedData)
        })
        .map(|section| section.index())
        .collect();
    let symbols: Vec<Symbol> = program
        .symbols()
        .filter(|symbol| symbol.size() > 0)
        .filter(|symbol| symbol.section_index().is_some_and(|index| variables.contains(&index)))
        .filter_map(|symbol| {
            let name = rustc_demangle::try_demangle(symbol.name().ok()?).ok()?;
            let start = base.wrapping_add(symbol.address());
            let path = as_written(&format!("{name:#}"));
            Some(Symbol { path, address: start..start + symbol.size() })
        })
        .collect();
    if symbols.is_empty() { Err("the program is stripped of its symbols") } else { Ok(symbols) }
}

#[cfg(not(target_os = "linux"))]
fn symbols() -> Result<Vec<Symbol>, &'static str> {
    Err("this system is not Linux")
}

/// Returns the address of the first page of this program.
#[cfg(target_os = "linux")]
fn load_address() -> Option<u64> {
    let program = std::fs::read_link("/proc/self/exe").ok()?;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let first = maps.lines().find(|line| line.ends_with(&format!(" {}", program.display())))?;
    u64::from_str_radix(first.split('-').next()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_in_the_source() {
        for (demangled, path) in [
            ("shop::ids::COUNT", "shop::ids::COUNT"),
            ("shop::next::{{closure}}::{{closure}}::COUNT", "shop::next::COUNT"),
            ("shop::next::{closure#0}::COUNT", "shop::next::COUNT"),
            ("shop::price::{{closure}}::__Body::price::{{closure}}::COUNT", "shop::price::COUNT"),
            ("shop::price::__Body::price::COUNT", "shop::price::COUNT"),
            ("<shop::price::{closure#0}::__Body>::price::{closure#0}::COUNT", "shop::price::COUNT"),
            ("<u64 as shop::Id>::next::COUNT", "<u64 as shop::Id>::next::COUNT"),
            (
                "<shop::BLOCKED as core::ops::deref::Deref>::deref::__stability::LAZY",
                "shop::BLOCKED",
            ),
        ] {
            assert_eq!(as_written(demangled), path);
        }
    }

    #[test]
    fn a_static_in_an_impl_is_in_the_crate_of_one_of_its_types() {
        let crates = HashSet::from(["shop".to_owned()]);
        for (path, is_in) in [
            ("shop::ids::COUNT", true),
            ("shop", true),
            ("other::shop::COUNT", false),
            ("shopping::COUNT", false),
            ("<u64 as shop::Id>::next::COUNT", true),
            ("<shop::Id as core::fmt::Debug>::fmt::COUNT", true),
            ("<other::shop::Id as core::fmt::Debug>::fmt::COUNT", false),
        ] {
            assert_eq!(is_in_crates(path, &crates), is_in, "{path}");
        }
    }

    #[test]
    fn a_static_is_named_by_the_end_of_its_path() {
        let change = Change { path: "shop::ids::COUNT".into(), size: 8, invocations: vec![0] };
        for path in ["COUNT", "ids::COUNT", "shop::ids::COUNT"] {
            assert!(change.is_in(&["/id", path]), "{path}");
        }
        for path in ["", "/COUNT", "OUNT", "COUN", "other::COUNT"] {
            assert!(!change.is_in(&[path]), "{path}");
        }
    }
}
