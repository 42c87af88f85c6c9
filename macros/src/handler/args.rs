//! The options of `#[handler]`.

use std::time::Duration;

use proc_macro2::Ident;
use syn::Path;

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
    pub(super) warmup: bool,
    pub(super) http: Option<Ident>,
    pub(super) streaming: bool,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        Self {
            deadline_margin: args.duration("deadline_margin = \"250ms\"", true, diag),
            report_every: args.number("report_every = 10", diag).map(|(number, _)| number),
            emf: Emf::read(args, diag),
            warmup: args.flag("warmup", diag).is_some(),
            http: args.flag("http", diag),
            streaming: args.flag("streaming", diag).is_some(),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }
}
