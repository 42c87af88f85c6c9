//! The options of `#[cached]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::Path;

use crate::args::Args;
use crate::diag::Diag;
use crate::lints::Allowed;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) ttl: Duration,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
    pub(super) negative_ttl: Option<(Duration, TokenStream)>,
    pub(super) max_entries: Option<(u64, TokenStream)>,
    pub(super) jitter: Option<u8>,
    pub(super) timeout: Option<(Duration, TokenStream)>,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        let given = args.has("ttl");
        let ttl = args.duration("ttl = \"5m\"", false, diag);
        if !given {
            diag.error(
                &proc_macro2::TokenStream::new(),
                "`#[cached]` wants a `ttl`",
                "a container lives for hours, and without one it would answer with what was true \
                 when it started",
                "write how old an answer may be, as in `#[cached(ttl = \"5m\")]`",
            );
        }
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
            stale_if_error: plain(args.duration("stale_if_error = \"1h\"", false, diag)),
            negative_ttl: args.duration("negative_ttl = \"5s\"", false, diag),
            max_entries,
            jitter: args.text("jitter = \"10%\"", diag).and_then(|text| {
                let number =
                    text.value().strip_suffix('%').and_then(|n| n.trim().parse::<u8>().ok());
                let number = number.filter(|percent| *percent < 100);
                if number.is_none() {
                    let what = format_args!("{:?} is not a share of a lifetime", text.value());
                    diag.error(&text, what, "", "write a percentage from \"0%\" to \"99%\"");
                }
                number
            }),
            timeout: args.duration("timeout = \"2s\"", false, diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }
}
