//! The options of `#[cached]`.

use std::time::Duration;

use syn::{FnArg, Path, ReturnType, Type};

use super::store::Store;
use crate::args::{Args, Given};
use crate::diag::Diag;
use crate::item::Item;
use crate::lints::Allowed;
use crate::signature;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) ttl: Duration,
    pub(super) stale_while_revalidate: Option<Given<Duration>>,
    pub(super) stale_if_error: Option<Given<Duration>>,
    pub(super) stale_if_slow: Option<Given<Duration>>,
    /// True if a stale window is given, right or wrong.
    has_window: bool,
    pub(super) lifetime: Option<Path>,
    pub(super) negative_ttl: Option<Given<Duration>>,
    pub(super) max_entries: Option<Given<u64>>,
    pub(super) jitter: Option<u8>,
    pub(super) timeout: Option<Given<Duration>>,
    pub(super) store: Option<Store>,
    /// True if a `timeout` is given, right or wrong.
    has_timeout: bool,
}

const TTL: &str = "ttl = \"5m\"";

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        args.require(
            TTL,
            "a container lives for hours, and without a limit it would serve a value that old",
        );
        let ttl = args.duration(TTL, false, diag);
        let max_entries = args.number("max_entries = 1000", diag).filter(|(number, at)| {
            if *number == 0 {
                diag.error(
                    at,
                    "`max_entries` must be at least 1",
                    "",
                    "write `max_entries = 1000`",
                );
            }
            *number > 0
        });
        Self {
            ttl: ttl.map_or(Duration::from_secs(300), |(ttl, _)| ttl),
            stale_while_revalidate: args.duration("stale_while_revalidate = \"1m\"", false, diag),
            stale_if_error: args.duration("stale_if_error = \"1h\"", false, diag),
            stale_if_slow: args.duration("stale_if_slow = \"50ms\"", false, diag),
            has_window: args.has("stale_while_revalidate") || args.has("stale_if_error"),
            lifetime: args.path("lifetime = path", diag),
            negative_ttl: args.duration("negative_ttl = \"5s\"", false, diag),
            max_entries,
            jitter: args.text("jitter = \"10%\"", diag).and_then(|text| {
                let number =
                    text.value().strip_suffix('%').and_then(|n| n.trim().parse::<u8>().ok());
                let number = number.filter(|percent| *percent < 100);
                if number.is_none() {
                    let what = "`jitter` must be a percentage such as \"10%\"";
                    diag.error(&text, what, "", "write a value from \"0%\" to \"99%\"");
                }
                number
            }),
            timeout: args.duration("timeout = \"2s\"", false, diag),
            has_timeout: args.has("timeout"),
            store: Store::read(args, diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }

    /// Reports options for results that the function cannot have. An alias as its return type may
    /// hide a `Result`, so such a function is accepted.
    pub(super) fn check(&self, item: &Item, diag: &mut Diag) {
        let Item::Fn(function) = item else { return };
        let ReturnType::Type(_, ty) = &function.sig.output else {
            return;
        };
        if let (false, Some((_, at))) = (self.has_window, &self.stale_if_slow) {
            diag.error(
                at,
                "`stale_if_slow` requires a time in which a stale value may be used",
                "it returns such a value where a fetch takes long",
                "add `stale_while_revalidate = \"1m\"` or `stale_if_error = \"1h\"`",
            );
        }
        let is_value = is_value(ty);
        if let (true, Some((_, at))) = (is_value, &self.negative_ttl) {
            diag.error(
                at,
                "`negative_ttl` requires a `Result` or an `Option`",
                "it keeps `Err` and `None`, and this function returns neither",
                "return one of them, or remove `negative_ttl`",
            );
        }
        // A resource may fail, and a fetch may time out, whatever the function returns.
        let takes_resources = function.sig.inputs.iter().any(
            |input| matches!(input, FnArg::Typed(param) if signature::from_attribute(param).is_some()),
        );
        let cannot_fail =
            (is_value || is_std(ty, "Option")) && !self.has_timeout && !takes_resources;
        if let (true, Some((_, at))) = (cannot_fail, &self.stale_if_error) {
            diag.error(
                at,
                "`stale_if_error` requires a function that can fail",
                "this function returns no `Err`, so a fetch cannot fail",
                "return a `Result`, or remove `stale_if_error`",
            );
        }
    }
}

/// Types of the language and of `std` that are neither a `Result` nor an `Option`.
const VALUES: &str = "Vec String VecDeque HashMap HashSet BTreeMap BTreeSet Box Arc Duration \
                      SystemTime PathBuf bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 \
                      isize f32 f64";

/// True if a type is known to be neither a `Result` nor an `Option`.
fn is_value(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(_) | Type::Array(_)) || is_std(ty, VALUES)
}

/// True if a type is one of these of `std`, by its name alone or by its whole path.
fn is_std(ty: &Type, names: &str) -> bool {
    let Type::Path(path) = ty else { return false };
    let segments = &path.path.segments;
    let is_there = segments.len() == 1
        || ["std", "core", "alloc"].iter().any(|root| segments[0].ident == root);
    let named = |last: &syn::PathSegment| names.split(' ').any(|name| last.ident == name);
    path.qself.is_none() && is_there && segments.last().is_some_and(named)
}
