//! The expressions in the arguments of well-known macros. Arguments that are not expressions are
//! skipped: only the macro itself knows their meaning.

use std::cell::OnceCell;

use proc_macro2::TokenTree;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLet, Macro, Pat, Token, token};

use super::paths::Scope;

/// Storage for the expressions parsed during the walk, which lives as long as the body. It is a
/// linked list: later macro calls add to it while earlier expressions are still borrowed.
#[derive(Default)]
pub(super) struct MacroArgs(OnceCell<Box<(Vec<Expr>, MacroArgs)>>);

impl MacroArgs {
    /// Stores these expressions. Returns them, and the storage for the next ones.
    pub(super) fn keep(&self, exprs: Vec<Expr>) -> (&[Expr], &Self) {
        let node = self.0.get_or_init(|| Box::new((exprs, Self::default())));
        (&node.0, &node.1)
    }
}

/// Macros that take comma-separated expressions.
const LISTS: &[&str] = &[
    "std::assert",
    "std::assert_eq",
    "std::assert_ne",
    "std::dbg",
    "std::debug_assert",
    "std::debug_assert_eq",
    "std::debug_assert_ne",
    "std::eprint",
    "std::eprintln",
    "std::format",
    "std::format_args",
    "std::panic",
    "std::pin::pin",
    "std::print",
    "std::println",
    "std::todo",
    "std::unimplemented",
    "std::unreachable",
    "std::vec",
    "std::write",
    "std::writeln",
    "anyhow::anyhow",
    "anyhow::bail",
    "anyhow::ensure",
    "eyre::bail",
    "eyre::ensure",
    "eyre::eyre",
    "futures::join",
    "futures::pin_mut",
    "futures::try_join",
    "futures_util::join",
    "futures_util::pin_mut",
    "futures_util::try_join",
    "log::debug",
    "log::error",
    "log::info",
    "log::log",
    "log::trace",
    "log::warn",
    "serde_json::json",
    "tokio::join",
    "tokio::pin",
    "tokio::try_join",
    "tracing::debug",
    "tracing::debug_span",
    "tracing::error",
    "tracing::error_span",
    "tracing::event",
    "tracing::info",
    "tracing::info_span",
    "tracing::span",
    "tracing::trace",
    "tracing::trace_span",
    "tracing::warn",
    "tracing::warn_span",
];

const SELECTS: &[&str] = &[
    "tokio::select",
    "futures::select",
    "futures::select_biased",
    "futures_util::select",
    "futures_util::select_biased",
];

/// Returns the expressions in the arguments of a macro, or none if the macro is not known.
pub(super) fn read(mac: &Macro, scope: &Scope) -> Vec<Expr> {
    let is = |known| scope.is_one_of(&mac.path, known, 1);
    let grammar = if is(LISTS) {
        list
    } else if is(SELECTS) {
        select
    } else if is(&["std::matches"]) {
        matches
    } else {
        return Vec::new();
    };
    let mut exprs = Vec::new();
    let whole = |input: ParseStream<'_>| {
        // The expressions before a syntax error are kept.
        let _ = grammar(input, &mut exprs);
        input.parse::<proc_macro2::TokenStream>()
    };
    let _ = whole.parse2(mac.tokens.clone());
    exprs
}

/// `expr, name = expr, "key": expr, ?expr; expr`
fn list(input: ParseStream<'_>, exprs: &mut Vec<Expr>) -> syn::Result<()> {
    while !input.is_empty() {
        let ahead = input.fork();
        label(&ahead)?;
        match ahead.parse() {
            Ok(expr) if ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![;]) => {
                exprs.push(expr);
                input.advance_to(&ahead);
            }
            _ => other(input, exprs)?,
        }
        if !input.is_empty() {
            input.parse::<TokenTree>()?;
        }
    }
    Ok(())
}

/// Skips a label and a format prefix: `name =`, `a.b = %`, `target:`, `"key":`.
fn label(input: ParseStream<'_>) -> syn::Result<()> {
    let ahead = input.fork();
    while ahead.peek(syn::Ident) || ahead.peek(syn::Lit) || ahead.peek(Token![.]) {
        ahead.parse::<TokenTree>()?;
    }
    let is = ahead.peek(Token![=]) && !ahead.peek(Token![==]) && !ahead.peek(Token![=>]);
    if is || ahead.peek(Token![:]) && !ahead.peek(Token![::]) {
        ahead.parse::<TokenTree>()?;
        input.advance_to(&ahead);
    }
    if input.peek(Token![%]) || input.peek(Token![?]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Skips an argument that is not an expression. Its braces and brackets are still read as lists,
/// since in `json!` they are objects and arrays.
fn other(input: ParseStream<'_>, exprs: &mut Vec<Expr>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.peek(token::Brace) || input.peek(token::Bracket) {
            if let TokenTree::Group(group) = input.parse()? {
                (|input: ParseStream<'_>| list(input, exprs)).parse2(group.stream())?;
            }
        } else {
            input.parse::<TokenTree>()?;
        }
    }
    Ok(())
}

/// `pattern = expr, if cond => handler, else => handler`
fn select(input: ParseStream<'_>, exprs: &mut Vec<Expr>) -> syn::Result<()> {
    if input.peek(syn::Ident) && input.peek2(Token![;]) {
        input.parse::<TokenTree>()?; // `biased`
        input.parse::<Token![;]>()?;
    }
    while !input.is_empty() {
        if input.peek2(Token![=>]) {
            input.parse::<TokenTree>()?; // `else`, `complete` or `default`
        } else {
            let pat = Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<Token![=]>()?;
            exprs.push(matched(pat, input.parse()?));
            if input.parse::<Option<Token![,]>>()?.is_some() {
                input.parse::<Token![if]>()?;
                exprs.push(input.parse()?);
            }
        }
        input.parse::<Token![=>]>()?;
        exprs.push(Expr::parse_with_earlier_boundary_rule(input)?);
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(())
}

/// `expr, pattern if cond`
fn matches(input: ParseStream<'_>, exprs: &mut Vec<Expr>) -> syn::Result<()> {
    let expr = input.parse()?;
    input.parse::<Token![,]>()?;
    exprs.push(matched(Pat::parse_multi_with_leading_vert(input)?, expr));
    if input.parse::<Option<Token![if]>>()?.is_some() {
        exprs.push(input.parse()?);
    }
    Ok(())
}

/// `let pattern = expr`, as in a condition.
fn matched(pat: Pat, expr: Expr) -> Expr {
    Expr::Let(ExprLet {
        attrs: Vec::new(),
        let_token: <Token![let]>::default(),
        pat: Box::new(pat),
        eq_token: <Token![=]>::default(),
        expr: Box::new(expr),
    })
}
