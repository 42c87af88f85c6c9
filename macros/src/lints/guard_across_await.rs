//! `guard_across_await`: a log macro that waits for one of its values. The compiler finds all other
//! values that are kept across an `.await`; its message about this one names neither the macro nor the
//! fault.

use proc_macro2::{TokenStream, TokenTree};
use syn::Ident;

use super::body::{Body, Part};
use super::paths::show;
use super::{Found, Lint};
use crate::item::Item;

pub(super) const LINT: Lint = Lint { name: "guard_across_await", can_be_allowed: false, find };

const EVENTS: &[&str] =
    &["tracing::debug", "tracing::error", "tracing::info", "tracing::trace", "tracing::warn"];

const SPANS: &[&str] = &[
    "tracing::debug_span",
    "tracing::error_span",
    "tracing::info_span",
    "tracing::trace_span",
    "tracing::warn_span",
];

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    let is_task = match body.item {
        Item::Fn(function) => function.sig.asyncness.is_some(),
        Item::Static(_) => true,
    };
    for part in &body.parts {
        let Part::Macro(mac) = part else { continue };
        let is_event = body.scope.is_one_of(&mac.path, EVENTS, 1);
        if !is_task || !is_event && !body.scope.is_one_of(&mac.path, SPANS, 1) {
            continue;
        }
        let Some(waits) = waits_with_others(&mac.tokens, is_event) else { continue };
        let name = show(&mac.path);
        found.add(
            &waits,
            format_args!("`.await` in a field of `{name}!` keeps the other values across it"),
            "these values are not `Send`, and a task may move to another thread at an `.await`",
            format_args!("write `let value = ….await;` before, and `value` in `{name}!`"),
        );
    }
}

/// The `await` of a field that is evaluated while the macro holds others: the message is evaluated
/// first, then the fields.
fn waits_with_others(tokens: &TokenStream, is_event: bool) -> Option<Ident> {
    let arguments = arguments(tokens);
    let mut fields: Vec<&[TokenTree]> = Vec::new();
    let mut has_message = false;
    for argument in &arguments {
        match kind(argument) {
            Kind::Setting => {}
            Kind::Field if !has_message => fields.push(argument),
            // Of a span, the first one is the name.
            _ => has_message = is_event,
        }
    }
    let held = if has_message { 0 } else { 1 };
    fields.into_iter().skip(held).find_map(awaited)
}

/// The arguments, which commas separate.
fn arguments(tokens: &TokenStream) -> Vec<Vec<TokenTree>> {
    let mut arguments = vec![Vec::new()];
    for token in tokens.clone() {
        match (&token, arguments.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => arguments.push(Vec::new()),
            (_, Some(argument)) => argument.push(token),
            (_, None) => {}
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

/// The role of an argument.
enum Kind {
    /// `target: "shop"`
    Setting,
    /// `user = 1`, `?user`, `user.id`
    Field,
    /// The format string, and what follows it.
    Other,
}

fn kind(argument: &[TokenTree]) -> Kind {
    let is = |token: Option<&TokenTree>, chars: &[char]| matches!(token, Some(TokenTree::Punct(punct)) if chars.contains(&punct.as_char()));
    if is(argument.first(), &['%', '?']) {
        return Kind::Field;
    }
    let is_name = |token: &&TokenTree| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Literal(literal) => literal.to_string().starts_with('"'),
        token => is(Some(*token), &['.']),
    };
    let name = argument.iter().take_while(is_name).count();
    let (next, after) = (argument.get(name), argument.get(name + 1));
    match argument {
        [TokenTree::Literal(_)] => Kind::Other,
        _ if name == 0 => Kind::Other,
        _ if next.is_none() => Kind::Field,
        _ if is(next, &['=']) && !is(after, &['=']) => Kind::Field,
        _ if is(next, &[':']) && !is(after, &[':']) => Kind::Setting,
        _ => Kind::Other,
    }
}

/// The first `await` in these tokens that is not that of a block of its own.
fn awaited(tokens: &[TokenTree]) -> Option<Ident> {
    tokens.iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "await" => Some(ident.clone()),
        TokenTree::Group(group) if group.delimiter() != proc_macro2::Delimiter::Brace => {
            awaited(&group.stream().into_iter().collect::<Vec<_>>())
        }
        _ => None,
    })
}
