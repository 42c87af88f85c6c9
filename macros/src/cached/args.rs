//! The options of `#[cached]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{FnArg, Path, ReturnType, Type};

use crate::args::Args;
use crate::diag::Diag;
use crate::item::Item;
use crate::lints::Allowed;
use crate::signature;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) ttl: Duration,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<(Duration, TokenStream)>,
    pub(super) negative_ttl: Option<(Duration, TokenStream)>,
    pub(super) max_entries: Option<(u64, TokenStream)>,
    pub(super) jitter: Option<u8>,
    pub(super) timeout: Option<(Duration, TokenStream)>,
    /// Whether a `timeout` is given, right or wrong.
    times_out: bool,
}

const TTL: &str = "ttl = \"5m\"";

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        args.require(
            TTL,
            "a container lives for hours, and without a limit it would answer with what was true \
             when it started",
        );
        let ttl = args.duration(TTL, false, diag);
        let plain =
            |duration: Option<(Duration, TokenStream)>| duration.map(|(duration, _)| duration);
        let max_entries = args.number("max_entries = 1000", diag).filter(|(number, at)| {
            if *number == 0 {
                diag.error(at, "a cache of no entries keeps nothing", "", "write at least 1");
            }
            *number > 0
        });
        Self {
            ttl: plain(ttl).unwrap_or(Duration::from_secs(300)),
            stale_while_revalidate: plain(args.duration(
                "stale_while_revalidate = \"1m\"",
                false,
                diag,
            )),
            stale_if_error: args.duration("stale_if_error = \"1h\"", false, diag),
            negative_ttl: args.duration("negative_ttl = \"5s\"", false, diag),
            max_entries,
            jitter: args.text("jitter = \"10%\"", diag).and_then(|text| {
                let number =
                    text.value().strip_suffix('%').and_then(|n| n.trim().parse::<u8>().ok());
                let number = number.filter(|percent| *percent < 100);
                if number.is_none() {
                    let what = format!("{:?} is not a share of a lifetime", text.value());
                    diag.error(&text, what, "", "write a percentage from \"0%\" to \"99%\"");
                }
                number
            }),
            timeout: args.duration("timeout = \"2s\"", false, diag),
            times_out: args.has("timeout"),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }

    /// Reports options for what the function cannot come to, as far as its return type says so by
    /// a name that is not an alias.
    pub(super) fn check(&self, item: &Item, diag: &mut Diag) {
        let Item::Fn(function) = item else { return };
        let ReturnType::Type(_, ty) = &function.sig.output else {
            return;
        };
        let is_value = is_value(ty);
        if let (true, Some((_, at))) = (is_value, &self.negative_ttl) {
            diag.error(
                at,
                "`negative_ttl` has no meaning here",
                "it keeps `Err` and `None`, and this function returns neither",
                "remove it, or return a `Result` or an `Option`",
            );
        }
        // A resource that cannot be had and a fetch that takes too long are errors of any function.
        let takes_resources = function.sig.inputs.iter().any(
            |input| matches!(input, FnArg::Typed(param) if signature::from_attribute(param).is_some()),
        );
        let cannot_fail =
            (is_value || is_std(ty, &["Option"])) && !self.times_out && !takes_resources;
        if let (true, Some((_, at))) = (cannot_fail, &self.stale_if_error) {
            diag.error(
                at,
                "`stale_if_error` has no meaning here",
                "this function returns no `Err`, so fetching again cannot fail",
                "remove it, or return a `Result`",
            );
        }
    }
}

/// Types that are neither a `Result` nor an `Option`.
const VALUES: &[&str] = &[
    "Vec",
    "String",
    "VecDeque",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "Box",
    "Arc",
    "Duration",
    "SystemTime",
    "PathBuf",
    "bool",
    "char",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
];

/// Whether a type surely is neither a `Result` nor an `Option`: one of the language, or of `std`.
fn is_value(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(_) | Type::Array(_)) || is_std(ty, VALUES)
}

/// Whether it is one of these types of `std`, by its name alone or by its whole path.
fn is_std(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    let segments = &path.path.segments;
    let is_there = segments.len() == 1
        || ["std", "core", "alloc"].iter().any(|root| segments[0].ident == root);
    let named = |last: &syn::PathSegment| names.iter().any(|name| last.ident == name);
    path.qself.is_none() && is_there && segments.last().is_some_and(named)
}
