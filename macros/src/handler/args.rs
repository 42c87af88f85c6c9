//! The options of `#[handler]`.

use std::time::Duration;

use proc_macro2::Ident;
use syn::{LitStr, Path};

use super::emf::Emf;
use crate::args::{Args, Given};
use crate::diag::Diag;
use crate::lints::Allowed;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) deadline_margin: Option<Given<Duration>>,
    pub(super) report_every: Option<u64>,
    pub(super) emf: Option<Emf>,
    /// Given, and the time for which a ping is held.
    pub(super) warmup: Option<Option<Given<Duration>>>,
    pub(super) warmup_rule: Option<LitStr>,
    /// Resources of other crates that INIT builds.
    pub(super) init: Vec<Path>,
    pub(super) http: Option<Ident>,
    pub(super) streaming: bool,
    /// The function that returns the layers around the handler.
    pub(super) layer: Option<Path>,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        Self {
            deadline_margin: args.duration("deadline_margin = \"250ms\"", true, diag),
            report_every: args.number("report_every = 10", diag).map(|(number, _)| number),
            emf: Emf::read(args, diag),
            warmup: args.flag_or_duration("warmup = \"75ms\"", diag),
            warmup_rule: warmup_rule(args, diag),
            init: args.paths("init(path, …)", diag),
            http: args.flag("http", diag),
            streaming: args.flag("streaming", diag).is_some(),
            layer: args.path("layer = path", diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }
}

fn warmup_rule(args: &mut Args, diag: &mut Diag) -> Option<LitStr> {
    let rule = args.text("warmup_rule = \"keep-warm\"", diag)?;
    if !args.has("warmup") {
        diag.error(
            &rule,
            "`warmup_rule` requires `warmup`",
            "without it, every event reaches the function",
            "add `warmup`, or remove `warmup_rule`",
        );
    }
    Some(rule)
}
