//! The option `allow(lint, …)`.

use proc_macro2::Ident;

use super::{AUDITED, CHECKED_BY_COMPILER, LINTS, url};
use crate::args::{Args, nearest};
use crate::diag::Diag;

/// The lints that an item allows.
pub(crate) struct Allowed(Vec<&'static str>);

impl Allowed {
    /// Reads the option. Reports unknown names, and lints that cannot be allowed.
    pub(crate) fn read(args: &mut Args, diag: &mut Diag) -> Self {
        let mut allowed = Vec::new();
        let list = args.list("allow(lint, …)", diag).map(|(_, words)| words);
        for (word, _) in list.into_iter().flatten() {
            allowed.extend(lint(&word, diag));
        }
        Self(allowed)
    }

    /// True if the item allows this lint.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// The lint of this name. Reports one that does not exist or cannot be allowed.
pub(crate) fn lint(word: &Ident, diag: &mut Diag) -> Option<&'static str> {
    let text = word.to_string();
    let found = LINTS.iter().find(|lint| lint.name == text);
    let audited = AUDITED.iter().find(|name| **name == text);
    match (found, audited) {
        (Some(lint), _) if lint.can_be_allowed => return Some(lint.name),
        (None, Some(name)) => return Some(name),
        (None, None) if !CHECKED_BY_COMPILER.contains(&&*text) => unknown(word, &text, diag),
        _ => diag.error(
            word,
            format_args!("the lint `{text}` cannot be allowed"),
            "the code that it flags is never safe in a container that is reused",
            format_args!("change the code as in {}", url(&text)),
        ),
    }
    None
}

fn unknown(word: &Ident, text: &str, diag: &mut Diag) {
    let names = LINTS.iter().filter(|lint| lint.can_be_allowed).map(|lint| lint.name);
    let names: Vec<_> = names.chain(AUDITED.iter().copied()).collect();
    let all = format!("the lints that can be allowed are `{}`", names.join("`, `"));
    let what = format!("there is no lint `{text}`");
    // Its former name.
    let near = match text {
        "hidden_static" => Some("global_state"),
        _ => nearest(text, names.iter().copied()),
    };
    match near {
        Some(near) => diag.error(word, what, all, format_args!("did you mean `{near}`?")),
        None => diag.error(word, what, all, "write one of these names, or remove this one"),
    }
}
