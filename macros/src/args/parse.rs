//! The tokens between an attribute's parentheses, split into options. A fault is reported, and the
//! rest is still split as the user probably meant it.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

use crate::diag::Diag;

/// One option.
#[derive(Clone)]
pub(super) struct Arg {
    pub(super) key: Ident,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    /// `key`
    None,
    /// `key = tokens`
    Is(TokenStream),
    /// `key(tokens)`
    List(TokenStream),
}

/// Splits the tokens into options and into what has no name.
pub(super) fn split(tokens: TokenStream, diag: &mut Diag) -> (Vec<Arg>, Vec<TokenStream>) {
    let (mut args, mut nameless) = (Vec::<Arg>::new(), Vec::new());
    let mut rest = tokens.into_iter().peekable();
    while let Some(first) = rest.next() {
        match first {
            comma if is(&comma, ',') => {
                diag.error(&comma, "there is no option before this comma", "", "remove it");
            }
            TokenTree::Ident(key) if !is_part_of_a_name(&mut rest) => {
                let arg = Arg::read(key, &mut rest, diag);
                if args.iter().any(|earlier| earlier.key == arg.key) {
                    let what = format!("the option `{}` is given twice", arg.key);
                    diag.error(&arg.key, what, "", "keep one of them");
                }
                args.push(arg);
            }
            first => {
                let more = rest.by_ref().take_while(|token| !is(token, ','));
                nameless.push(std::iter::once(first).chain(more).collect());
            }
        }
    }
    (args, nameless)
}

impl Arg {
    /// Reads an option, from behind its name to behind its comma.
    fn read(key: Ident, rest: &mut Peekable<IntoIter>, diag: &mut Diag) -> Self {
        let ends = |token: &TokenTree| is(token, ',') || matches!(token, TokenTree::Ident(_));
        let value = match rest.next_if(|token| !ends(token)) {
            None => Value::None,
            Some(TokenTree::Group(list)) => Value::List(list.stream()),
            Some(token) if is(&token, '=') => Value::Is(value(rest)),
            Some(TokenTree::Literal(literal)) => {
                let what = format!("there is no `=` between `{key}` and its value");
                diag.error(&literal, what, "", format_args!("write `{key} = {literal}`"));
                Value::Is(literal.into_token_stream())
            }
            Some(token) => {
                let what = format!("unexpected `{token}` after the option `{key}`");
                diag.error(&token, what, "", "write `=` before its value");
                Value::Is(value(rest))
            }
        };
        match rest.next_if(|token| !matches!(token, TokenTree::Ident(_))) {
            Some(stray) if !is(&stray, ',') => {
                let what = format!("unexpected `{stray}` after the option `{key}`");
                diag.error(&stray, what, "", "write a comma between two options");
                if !is(&stray, ';') {
                    rest.by_ref().take_while(|token| !is(token, ',')).for_each(drop);
                }
            }
            Some(_) => {}
            None => {
                if let Some(next) = rest.peek() {
                    let what = format!("there is no comma between `{key}` and `{next}`");
                    diag.error(next, what, "", format_args!("write `, {next}`"));
                }
            }
        }
        Self { key, value }
    }
}

/// Reads the value of an option, up to its comma, which may be missing. Commas in angle brackets
/// belong to the value.
fn value(rest: &mut Peekable<IntoIter>) -> TokenStream {
    let mut value: Vec<TokenTree> = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = rest.peek().cloned() {
        let last = value.last();
        match token {
            TokenTree::Ident(_) if depth == 0 && last.is_some_and(|it| ends_at(it, rest)) => {
                break;
            }
            token if depth == 0 && (is(&token, ',') || is(&token, ';')) => break,
            token if is(&token, '<') => depth += 1,
            token if is(&token, '>') && !last.is_some_and(|it| is(it, '-') || is(it, '=')) => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        value.extend(rest.next());
    }
    value.into_iter().collect()
}

/// True if a value ends at this token and the name that follows is that of another option.
fn ends_at(last: &TokenTree, rest: &Peekable<IntoIter>) -> bool {
    let next = rest.clone().nth(1);
    match last {
        TokenTree::Literal(_) => true,
        TokenTree::Punct(punct) if punct.as_char() != '>' => false,
        _ => next.is_some_and(|next| is(&next, '=') || matches!(next, TokenTree::Group(_))),
    }
}

/// True if more of a name follows its first word: `a::b`, or `a-b`.
fn is_part_of_a_name(rest: &mut Peekable<IntoIter>) -> bool {
    let goes_on = |punct: &Punct| match punct.as_char() {
        ':' => punct.spacing() == Spacing::Joint,
        c => c == '-',
    };
    matches!(rest.peek(), Some(TokenTree::Punct(punct)) if goes_on(punct))
}

/// True if the token is this punctuation character.
pub(super) fn is(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_at_its_comma() {
        let read = |text: &str| {
            let mut diag = Diag::default();
            let (args, nameless) = split(text.parse().unwrap(), &mut diag);
            let of = |arg: &Arg| match &arg.value {
                Value::None => format!("{}", arg.key),
                Value::Is(tokens) => format!("{}={tokens}", arg.key).replace(' ', ""),
                Value::List(tokens) => format!("{}({tokens})", arg.key).replace(' ', ""),
            };
            let mut options: Vec<_> = args.iter().map(of).collect();
            options.extend(nameless.iter().map(|it| format!("?{it}").replace(' ', "")));
            let (fault, others) = diag.into_tokens();
            let errors = quote::quote!(#fault #others).to_string();
            (options.join(" "), errors.matches("compile_error").count())
        };
        for (text, options, errors) in [
            ("a, b = 1, c(d, e),", "a b=1 c(d,e)", 0),
            ("a = f::<u8, B<u8>>, b", "a=f::<u8,B<u8>> b", 0),
            ("a = f::<fn() -> u8, u8>, b", "a=f::<fn()->u8,u8> b", 0),
            ("a = keep | check, b", "a=keep|check b", 0),
            ("a = 1 b = 2", "a=1 b=2", 1),
            ("a = f b(c) d", "a=f b(c) d", 2),
            ("a : 1, b 2", "a=1 b=2", 2),
            ("a-b-c = 1, d", "d ?a-b-c=1", 0),
            ("a::b, c", "c ?a::b", 0),
            ("a,, b", "a b", 1),
            ("a = 1; b", "a=1 b", 1),
            ("a(b) + c, d", "a(b) d", 1),
        ] {
            assert_eq!(read(text), (options.to_owned(), errors), "{text}");
        }
    }
}
