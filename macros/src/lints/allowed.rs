//! The option `allow(lint, …)`.

use super::{CHECKED_BY_COMPILER, LINTS, Lint, url};
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
            let text = word.to_string();
            let lint = LINTS.iter().find(|lint| lint.name == text);
            match lint {
                Some(lint) if lint.can_be_allowed => allowed.push(lint.name),
                None if !CHECKED_BY_COMPILER.contains(&&*text) => unknown(&word, &text, diag),
                _ => diag.error(
                    &word,
                    format_args!("the lint `{text}` cannot be allowed"),
                    "the code that it flags is never safe in a container that is reused",
                    format_args!("change the code as in {}", url(&text)),
                ),
            }
        }
        Self(allowed)
    }

    /// True if the item allows this lint.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

fn unknown(word: &proc_macro2::Ident, text: &str, diag: &mut Diag) {
    let names = LINTS.iter().filter(|lint| lint.can_be_allowed);
    let names: Vec<_> = names.map(|lint: &Lint| lint.name).collect();
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
