//! The audit of a crate: the faults that request code can reach in functions without an attribute of
//! this library. `files` finds the sources, `index` their names, `reach` the functions that request
//! code calls, and `findings` what is wrong with them. Each knows only those before it.
//!
//! The compiler gives a macro no access to other files, and no spans in them. So the audit reads the
//! files itself, and its messages carry the place. Where it cannot see it reports nothing.

mod allow;
mod files;
mod findings;
mod growth;
mod index;
mod items;
mod lexer;
mod reach;
mod snapshot;
mod state;
mod tmp_file;

use std::panic;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

use crate::args::Args;
use crate::diag::Diag;
use files::Crate;
use findings::{Place, Report};
use index::Index;

/// The report of the crate that is compiled, and the files that it was read from. A process of the
/// compiler compiles one crate, so it is read once for all handlers.
static REPORT: OnceLock<(Vec<PathBuf>, Report)> = OnceLock::new();

/// Reports what the handler or the cached function of this name reaches. What its body names is left
/// out if a lint of the body has reported it.
pub(crate) fn check(name: &Ident, body: &TokenStream, diag: &mut Diag) {
    let Some(here) = place(name.span()) else {
        return;
    };
    for finding in report_with(&here.path).findings.iter().filter(|it| is_same(&it.on, &here)) {
        let token = finding.token.as_ref().and_then(|token| token_at(body, token));
        if token.as_ref().is_some_and(|token| diag.names(&token.to_string())) {
            continue;
        }
        let at = token.map_or(name.span(), |token| token.span());
        diag.syntax(syn::Error::new(at, &finding.message));
    }
}

/// The names of globals that are reported, or that have an `#[rewarm::allow(global_state)]`.
pub(crate) fn judged() -> &'static [String] {
    place(Span::call_site()).map_or(&[], |here| &report_with(&here.path).judged)
}

/// The paths in the function of this name that stand for values which no invocation can change.
pub(crate) fn constants(name: &Ident) -> &'static [String] {
    let Some(here) = place(name.span()) else {
        return &[];
    };
    let mut all = report_with(&here.path).constant.iter();
    all.find(|(at, _)| is_same(at, &here)).map_or(&[], |(_, paths)| paths)
}

/// True for the name of a function in an `impl` or a `trait`.
pub(crate) fn is_associated(name: &Ident) -> bool {
    // An attribute at the start of a line is on an item of the file.
    let is_nested = place(Span::call_site()).is_some_and(|attribute| attribute.column > 1);
    let Some(here) = place(name.span()).filter(|_| is_nested) else {
        return false;
    };
    report_with(&here.path).associated.iter().any(|it| is_same(it, &here))
}

/// `#[rewarm::allow]`, which leaves its item as it is.
pub(crate) fn allow(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let (words, krate) = allow::read(args, &mut diag);
    if let Some(here) = place(Span::call_site()) {
        let useless = &report_with(&here.path).useless;
        for word in &words {
            let is = |(at, lint): &&(Place, String)| {
                word == lint && here.line == at.line && is_same_file(at, &here)
            };
            if useless.iter().any(|it| is(&it)) {
                diag.error(
                    word,
                    format_args!("`{word}` excuses nothing here"),
                    "no request reaches what the lint flags, or it stands in the body of a handler or \
                     a cached function, whose own attribute excuses it",
                    format_args!("remove it, or write `#[handler(allow({word}))]`"),
                );
            }
        }
    }
    // Tests leave it out of the statics that they compare.
    let excused = match syn::parse2::<syn::ItemStatic>(item.clone()) {
        Ok(item) if words.iter().any(|word| word == "global_state") => {
            let name = &item.ident;
            Some(quote!(#krate::private::excused!(#name);))
        }
        _ => None,
    };
    let (fault, others) = diag.into_tokens();
    quote!(#fault #others #item #excused)
}

/// `rewarm::audit!()`, which reports what the public functions of a library reach.
pub(crate) fn audit(args: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let mut args = Args::read(args, &mut diag);
    let krate = args.krate(&mut diag);
    args.finish(Vec::new, &mut diag);
    if let Some(here) = place(Span::call_site()) {
        for finding in report_with(&here.path).findings.iter().filter(|it| is_same(&it.on, &here)) {
            diag.syntax(syn::Error::new(Span::call_site(), &finding.message));
        }
    }
    let (fault, others) = diag.into_tokens();
    // Tests compare the statics of this crate.
    quote!(#fault #others #krate::private::audited!();)
}

/// The report of the crate, if the file belongs to it.
fn report_with(file: &Path) -> &'static Report {
    static NOTHING: Report = Report {
        findings: Vec::new(),
        useless: Vec::new(),
        judged: Vec::new(),
        constant: Vec::new(),
        associated: Vec::new(),
    };
    // A fault of the audit must not fail a build.
    let (files, report) = REPORT.get_or_init(|| panic::catch_unwind(read).unwrap_or_default());
    match file.canonicalize() {
        Ok(file) if files.contains(&file) => report,
        _ => &NOTHING,
    }
}

fn read() -> (Vec<PathBuf>, Report) {
    let Some(krate) = files::root().map(|root| Crate::read(&root)) else {
        return Default::default();
    };
    let files = krate.sources.iter().filter_map(|source| source.path.canonicalize().ok());
    (files.collect(), findings::find(&Index::new(&krate), files::is_test()))
}

fn is_same(a: &Place, b: &Place) -> bool {
    (a.line, a.column) == (b.line, b.column) && is_same_file(a, b)
}

fn is_same_file(a: &Place, b: &Place) -> bool {
    match (a.path.canonicalize(), b.path.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// The place of a span, if it is in a file.
fn place(span: Span) -> Option<Place> {
    if !proc_macro::is_available() {
        return None;
    }
    let span = span.unwrap();
    Some(Place { path: span.local_file()?, line: span.line(), column: span.column() })
}

/// The token at a place.
fn token_at(tokens: &TokenStream, at: &Place) -> Option<TokenTree> {
    tokens.clone().into_iter().find_map(|token| match &token {
        TokenTree::Group(group) => token_at(&group.stream(), at),
        token => {
            let here = place(token.span())?;
            ((here.line, here.column) == (at.line, at.column)).then(|| token.clone())
        }
    })
}

#[cfg(test)]
mod tests;
