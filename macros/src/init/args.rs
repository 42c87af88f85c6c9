//! The options of `#[init]`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::Path;

use crate::args::Args;
use crate::diag::Diag;
use crate::lints::Allowed;

pub(crate) struct Options {
    pub(super) krate: Path,
    pub(super) allow: Allowed,
    pub(super) lazy: Option<Ident>,
    pub(super) timeout: Option<(Duration, TokenStream)>,
    pub(super) retry_after: Option<(Duration, TokenStream)>,
}

impl Options {
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        Self {
            lazy: args.flag("lazy", diag),
            timeout: args.duration("timeout = \"3s\"", false, diag),
            retry_after: args.duration("retry_after = \"60s\"", false, diag),
            allow: Allowed::read(args, diag),
            krate: args.krate(diag),
        }
    }
}
