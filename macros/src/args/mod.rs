//! The options between an attribute's parentheses. An attribute reads the options that it knows,
//! and each reading is recorded. The rest is unknown, and its error lists the options that were
//! read. An option with a fault counts as given, so that it is not reported as missing, too.

mod parse;
mod suggest;
mod unknown;
mod value;

pub(crate) use suggest::nearest;
pub(crate) use unknown::AllOptions;
pub(crate) use value::{Given, Word};

use proc_macro2::TokenStream;

use crate::diag::Diag;
use parse::Arg;

/// The options of one use of an attribute.
#[derive(Default)]
pub(crate) struct Args {
    given: Vec<Arg>,
    nameless: Vec<TokenStream>,
    /// The options that the attribute read, in the form in which a user writes them.
    known: Vec<&'static str>,
    /// The option that must be given, and the reason.
    required: Option<(&'static str, &'static str)>,
}

impl Args {
    /// Splits the options, and reports stray tokens between them.
    pub(crate) fn read(tokens: TokenStream, diag: &mut Diag) -> Self {
        let (given, nameless) = parse::split(tokens, diag);
        Self { given, nameless, ..Self::default() }
    }

    /// True if an option of that name is given, right or wrong.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|arg| arg.key == name)
    }

    /// Makes this option required.
    pub(crate) fn require(&mut self, form: &'static str, why: &'static str) {
        self.required = Some((form, why));
    }

    /// The options that the attribute read.
    pub(crate) fn known(self) -> Vec<&'static str> {
        self.known
    }

    fn take(&mut self, form: &'static str) -> Option<Arg> {
        self.known.push(form);
        self.given.iter().find(|arg| arg.key == name(form)).cloned()
    }
}

/// The name of an option that is written in this form.
fn name(form: &'static str) -> &'static str {
    form.split([' ', '(']).next().unwrap_or_default()
}
