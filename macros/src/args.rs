//! The options between an attribute's parentheses. An attribute asks for the options it knows; what
//! nobody asked for is unknown, and the message lists what was asked for. An option with a fault
//! counts as given, so that its absence is not a second one.

use std::fmt::Display;
use std::iter::Peekable;
use std::time::Duration;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::{ExprPath, LitInt, LitStr, Path};

use crate::diag::Diag;
use crate::duration;
use crate::tokens;

/// The options of one use of an attribute.
#[derive(Default)]
pub(crate) struct Args {
    given: Vec<Arg>,
    /// What stands there without a name.
    nameless: Vec<TokenStream>,
    /// How each option that was asked for is written.
    known: Vec<&'static str>,
    /// The option that has to be there, and why.
    required: Option<(&'static str, &'static str)>,
}

#[derive(Clone)]
struct Arg {
    key: Ident,
    /// The key as it was written, if that was with `-`.
    dashed: Option<TokenStream>,
    value: Value,
}

/// A name, alone or with a text.
pub(crate) type Word = (Ident, Option<LitStr>);

/// All options of all attributes.
pub(crate) type Everywhere = fn() -> Vec<(&'static str, Vec<&'static str>)>;

#[derive(Clone)]
enum Value {
    /// `key`
    None,
    /// `key = tokens`
    Is(TokenStream),
    /// `key(tokens)`
    List(TokenStream),
}

impl Args {
    /// Splits the options; reports what stands between them and their values that should not.
    pub(crate) fn read(tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut args = Self::default();
        let mut rest = tokens.into_iter().peekable();
        while let Some(first) = rest.next() {
            if is(&first, ',') {
                diag.error(&first, "there is no option before this comma", "", "remove it");
                continue;
            }
            match first {
                TokenTree::Ident(key) if !begins_path(&mut rest) => {
                    let arg = Arg::read(key, &mut rest, diag);
                    if args.has(&arg.key.to_string()) {
                        let what = format!("the option `{}` is given twice", arg.key);
                        diag.error(&arg.key, what, "", "keep one of them");
                    }
                    args.given.push(arg);
                }
                first => {
                    let more = rest.by_ref().take_while(|token| !is(token, ','));
                    args.nameless.push(std::iter::once(first).chain(more).collect());
                }
            }
        }
        args
    }

    /// Whether an option of that name is given, right or wrong.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|arg| arg.key == name)
    }

    /// Says that this option has to be there.
    pub(crate) fn require(&mut self, form: &'static str, why: &'static str) {
        self.required = Some((form, why));
    }

    /// How the options that were asked for are written.
    pub(crate) fn known(self) -> Vec<&'static str> {
        self.known
    }

    fn take(&mut self, form: &'static str) -> Option<Arg> {
        self.known.push(form);
        self.given.iter().find(|arg| arg.key == name(form)).cloned()
    }

    /// `key`: whether it is there.
    pub(crate) fn flag(&mut self, form: &'static str, diag: &mut Diag) -> Option<Ident> {
        let arg = self.take(form)?;
        if !matches!(arg.value, Value::None) {
            let what = format!("`{}` takes no value", arg.key);
            diag.error(&arg.key, what, "", format_args!("write `{form}`"));
        }
        Some(arg.key)
    }

    /// `key = "5m"`. Zero is a fault unless `or_zero`.
    pub(crate) fn duration(
        &mut self,
        form: &'static str,
        or_zero: bool,
        diag: &mut Diag,
    ) -> Option<(Duration, TokenStream)> {
        let arg = self.take(form)?;
        let how = duration::HOW;
        let Some((tokens, literal)) = arg.literal::<LitStr>() else {
            let form = arg.quoted_duration().unwrap_or_else(|| form.to_owned());
            let help = format!("write `{form}`: a duration is {how}");
            arg.wants("a duration in quotes", help, diag);
            return None;
        };
        match duration::parse(&literal.value()) {
            Ok(duration) if duration.is_zero() && !or_zero => {
                let what = format!("the duration {:?} is zero", literal.value());
                let or = match self.required {
                    Some((required, _)) if required == form => "",
                    _ => ", or leave the option out",
                };
                let help = format!("write a longer one{or}: a duration is {how}");
                diag.error(&tokens, what, "", help);
                None
            }
            Ok(duration) => Some((duration, tokens)),
            Err(error) => {
                let (what, help) = error.rsplit_once("; ").unwrap_or((&error, how));
                diag.error(&tokens, what, "", help);
                None
            }
        }
    }

    /// `key = 10`.
    pub(crate) fn number(
        &mut self,
        form: &'static str,
        diag: &mut Diag,
    ) -> Option<(u64, TokenStream)> {
        let arg = self.take(form)?;
        let Some((tokens, literal)) = arg.literal::<LitInt>() else {
            arg.wants("a whole number", format_args!("write `{form}`"), diag);
            return None;
        };
        match literal.base10_parse() {
            Ok(number) => Some((number, tokens)),
            Err(_) => {
                let fault = match literal.base10_digits().starts_with('-') {
                    true => "cannot be negative",
                    false => "cannot be as large as this",
                };
                let what = format!("`{}` {fault}", arg.key);
                diag.error(&tokens, what, "", format_args!("write a number as in `{form}`"));
                None
            }
        }
    }

    /// `key = "text"`.
    pub(crate) fn text(&mut self, form: &'static str, diag: &mut Diag) -> Option<LitStr> {
        let arg = self.take(form)?;
        let text = arg.literal().map(|(_, text)| text);
        if text.is_none() {
            arg.wants("a text in quotes", format_args!("write `{form}`"), diag);
        }
        text
    }

    /// `key = path::to::something`, as in an expression.
    pub(crate) fn path(&mut self, form: &'static str, diag: &mut Diag) -> Option<Path> {
        let arg = self.take(form)?;
        arg.path("a path", form, diag)
    }

    /// `key = word`.
    pub(crate) fn word(&mut self, form: &'static str, diag: &mut Diag) -> Option<Ident> {
        let arg = self.take(form)?;
        let path = arg.path("a word", form, diag)?;
        if path.get_ident().is_none() {
            arg.wants("a word", format_args!("write `{form}`"), diag);
        }
        path.get_ident().cloned()
    }

    /// `key(one, two)`: the words in it.
    pub(crate) fn words(&mut self, form: &'static str, diag: &mut Diag) -> Vec<Ident> {
        let Some(arg) = self.take(form) else {
            return Vec::new();
        };
        let help = format!("write `{form}`");
        let Value::List(tokens) = &arg.value else {
            arg.wants("a list in parentheses", help, diag);
            return Vec::new();
        };
        let list = syn::punctuated::Punctuated::<Ident, syn::Token![,]>::parse_terminated;
        match list.parse2(tokens.clone()) {
            Ok(words) => words.into_iter().collect(),
            Err(_) => {
                arg.wants("names with commas between them", help, diag);
                Vec::new()
            }
        }
    }

    /// `key(one, two = "text")`: the key, and the words in it with their values.
    pub(crate) fn list(
        &mut self,
        form: &'static str,
        diag: &mut Diag,
    ) -> Option<(Ident, Vec<Word>)> {
        let arg = self.take(form)?;
        let one = |input: syn::parse::ParseStream<'_>| {
            let word = syn::ext::IdentExt::parse_any(input)?;
            let has_value = input.parse::<Option<syn::Token![=]>>()?.is_some();
            Ok((word, has_value.then(|| input.parse()).transpose()?))
        };
        let help = format!("write `{form}`");
        let Value::List(tokens) = &arg.value else {
            arg.wants("a list in parentheses", help, diag);
            return None;
        };
        let list = syn::punctuated::Punctuated::<_, syn::Token![,]>::parse_terminated_with;
        let list = |input: syn::parse::ParseStream<'_>| list(input, one);
        match list.parse2(tokens.clone()) {
            Ok(words) => Some((arg.key, words.into_iter().collect())),
            Err(_) => {
                arg.wants("names, each alone or with a text in quotes", help, diag);
                None
            }
        }
    }

    /// `crate = path`: where rewarm is, if it is renamed.
    pub(crate) fn krate(&mut self, diag: &mut Diag) -> Path {
        self.path("crate = path", diag).unwrap_or_else(|| self.krate_path())
    }

    /// The same, whatever else is wrong with the options.
    pub(crate) fn krate_path(&self) -> Path {
        let given = self.given.iter().find(|arg| arg.key == "crate");
        let path = given.and_then(|arg| match &arg.value {
            Value::Is(tokens) => expression_path(tokens.clone()),
            _ => None,
        });
        path.unwrap_or_else(|| syn::parse_quote!(::rewarm))
    }

    /// Reports what nobody asked for, and what is missing.
    pub(crate) fn finish(self, everywhere: Everywhere, diag: &mut Diag) {
        let mut missing = self.required.filter(|(form, _)| !self.has(name(form)));
        for tokens in &self.nameless {
            if let Some((form, _)) = missing.take() {
                let help = match is_duration(tokens) {
                    true => format!("write `{} = {tokens}`", name(form)),
                    false => format!("write `{form}`"),
                };
                diag.error(tokens, "this option has no name", "", help);
            } else {
                diag.error(
                    tokens,
                    "this is not an option",
                    self.all(),
                    "write one of these, or remove it",
                );
            }
        }
        for arg in &self.given {
            let is_known = self.known.iter().any(|form| arg.key == name(form));
            match (&arg.dashed, is_known) {
                (Some(written), true) => {
                    let what = format!("the option `{}` is written with `_`", arg.key);
                    diag.error(written, what, "", format_args!("write `{}`", arg.key));
                }
                (None, true) => {}
                (_, false) => self.unknown(arg, &mut missing, everywhere, diag),
            }
        }
        if let Some((form, why)) = missing {
            let what = format!("the option `{}` is missing", name(form));
            diag.error(&TokenStream::new(), what, why, format_args!("write `{form}`"));
        }
    }

    fn unknown(
        &self,
        arg: &Arg,
        missing: &mut Option<(&'static str, &'static str)>,
        everywhere: Everywhere,
        diag: &mut Diag,
    ) {
        let (key, at) = (arg.key.to_string(), arg.written());
        let what = format!("unknown option `{key}`");
        let has_it = |forms: &[&'static str]| forms.iter().any(|form| name(form) == key);
        let owners = everywhere().into_iter().filter(|(_, forms)| has_it(forms));
        let owners: Vec<_> = owners.map(|(attribute, _)| format!("`#[{attribute}]`")).collect();
        if !owners.is_empty() {
            let why = format!("it belongs to {}; here {}", owners.join(" and "), self.all());
            diag.error(&at, what, why, "remove it");
            return;
        }
        let names = || self.known.iter().map(|form| name(form));
        let is_duration = matches!(&arg.value, Value::Is(tokens) if is_duration(tokens));
        let required = missing.filter(|_| is_duration).map(|(form, _)| name(form));
        let near = nearest(&key, names()).or(required).or_else(|| beginning_with(&key, names()));
        // It is there under another name.
        missing.take_if(|(form, _)| near == Some(name(form)));
        match self.known.iter().find(|form| near == Some(name(form))) {
            Some(form) => diag.error(&at, what, self.all(), format_args!("did you mean `{form}`?")),
            None => diag.error(&at, what, self.all(), "write one of these, or remove it"),
        }
    }

    fn all(&self) -> String {
        format!("the options are `{}`", self.known.join("`, `"))
    }
}

impl Arg {
    /// Reads an option, from behind the first word of its name to behind its comma.
    fn read(first: Ident, rest: &mut Peekable<IntoIter>, diag: &mut Diag) -> Self {
        let (key, dashed) = whole_name(first, rest);
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
                let what = format!("`{token}` after the option `{key}`");
                diag.error(&token, what, "", "write `=` before its value");
                Value::Is(value(rest))
            }
        };
        match rest.next_if(|token| !matches!(token, TokenTree::Ident(_))) {
            Some(stray) if !is(&stray, ',') => {
                let what = format!("`{stray}` after the option `{key}`");
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
        Self { key, dashed, value }
    }

    /// The key as it was written.
    fn written(&self) -> TokenStream {
        self.dashed.clone().unwrap_or_else(|| self.key.to_token_stream())
    }

    fn literal<T: syn::parse::Parse>(&self) -> Option<(TokenStream, T)> {
        let Value::Is(tokens) = &self.value else {
            return None;
        };
        Some((tokens.clone(), syn::parse2(tokens.clone()).ok()?))
    }

    fn path(&self, wanted: &str, form: &str, diag: &mut Diag) -> Option<Path> {
        let path = match &self.value {
            Value::Is(tokens) => expression_path(tokens.clone()),
            _ => None,
        };
        if path.is_none() {
            let quoted = self.literal::<LitStr>().map(|(_, text)| text.value());
            let quoted = quoted.filter(|text| syn::parse_str::<Path>(text).is_ok());
            let is_type =
                matches!(&self.value, Value::Is(it) if syn::parse2::<Path>(it.clone()).is_ok());
            let help = match quoted {
                Some(text) => format!("write `{} = {text}`, without the quotes", self.key),
                None if is_type => "write `::<` for `<`, as in any expression".to_owned(),
                None => format!("write `{form}`"),
            };
            self.wants(wanted, help, diag);
        }
        path
    }

    /// How the option is written if its value is a duration that wants nothing but quotes.
    fn quoted_duration(&self) -> Option<String> {
        match &self.value {
            Value::Is(tokens) => {
                let text = tokens.to_string();
                duration::parse(&text).ok().map(|_| format!("{} = {text:?}", self.key))
            }
            _ => None,
        }
    }

    fn wants(&self, wanted: &str, help: impl Display, diag: &mut Diag) {
        let at = match &self.value {
            Value::Is(tokens) | Value::List(tokens) if !tokens.is_empty() => tokens.clone(),
            _ => self.written(),
        };
        diag.error(&at, format_args!("`{}` wants {wanted}", self.key), "", help);
    }
}

/// A name from its first word on, and as it was written if that was with `-` for `_`.
fn whole_name(first: Ident, rest: &mut Peekable<IntoIter>) -> (Ident, Option<TokenStream>) {
    let (mut text, mut written) = (tokens::text(&first), first.to_token_stream());
    let mut is_dashed = false;
    loop {
        let mut ahead = rest.clone();
        let (Some(dash), Some(TokenTree::Ident(word))) = (ahead.next(), ahead.next()) else {
            break;
        };
        if !is(&dash, '-') {
            break;
        }
        text += &format!("_{}", tokens::text(&word));
        is_dashed = true;
        written.extend([dash, word.into()]);
        *rest = ahead;
    }
    match is_dashed {
        true => (Ident::new(&text, first.span()), Some(written)),
        false => (first, None),
    }
}

/// The value of an option, up to its comma, which may be missing. Commas in angle brackets are the
/// value's own.
fn value(rest: &mut Peekable<IntoIter>) -> TokenStream {
    let mut value: Vec<TokenTree> = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = rest.peek().cloned() {
        let last = value.last();
        match token {
            TokenTree::Ident(_) if depth == 0 && last.is_some_and(|it| begins_anew(it, rest)) => {
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

/// Whether the name that comes next is that of another option.
fn begins_anew(last: &TokenTree, rest: &Peekable<IntoIter>) -> bool {
    let next = rest.clone().nth(1);
    match last {
        TokenTree::Literal(_) => true,
        TokenTree::Punct(punct) if punct.as_char() != '>' => false,
        _ => next.is_some_and(|next| is(&next, '=') || matches!(next, TokenTree::Group(_))),
    }
}

/// Whether a name is the first of a path: `a::b`.
fn begins_path(rest: &mut Peekable<IntoIter>) -> bool {
    let joint = |punct: &Punct| punct.as_char() == ':' && punct.spacing() == Spacing::Joint;
    matches!(rest.peek(), Some(TokenTree::Punct(punct)) if joint(punct))
}

fn is(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == c)
}

fn expression_path(tokens: TokenStream) -> Option<Path> {
    let path: ExprPath = syn::parse2(tokens).ok()?;
    (path.attrs.is_empty() && path.qself.is_none()).then_some(path.path)
}

fn is_duration(tokens: &TokenStream) -> bool {
    let text = syn::parse2::<LitStr>(tokens.clone());
    text.is_ok_and(|text| duration::parse(&text.value()).is_ok())
}

/// The name of an option that is written in this form.
fn name(form: &'static str) -> &'static str {
    form.split([' ', '(']).next().unwrap_or_default()
}

/// The name that was probably meant: at most one letter in three is wrong.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(name, text), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (text.chars().count() / 3).max(1))
        .map(|(_, name)| name)
}

/// The only name that begins with this.
fn beginning_with<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut names = names.filter(|name| name.starts_with(text));
    names.next().filter(|_| names.next().is_none())
}

/// How many letters have to change to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.pop().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("tll", "ttl"), 1);
        assert_eq!(distance("", "lazy"), 4);
        assert_eq!(distance("max_entriez", "max_entries"), 1);
    }

    #[test]
    fn a_value_ends_at_its_comma() {
        let read = |text: &str| {
            let mut diag = Diag::default();
            let args = Args::read(text.parse().unwrap(), &mut diag);
            let of = |arg: &Arg| match &arg.value {
                Value::None => format!("{}", arg.key),
                Value::Is(tokens) => format!("{}={tokens}", arg.key).replace(' ', ""),
                Value::List(tokens) => format!("{}({tokens})", arg.key).replace(' ', ""),
            };
            let args: Vec<_> = args.given.iter().map(of).collect();
            (
                args.join(" "),
                {
                    let (fault, others) = diag.into_tokens();
                    quote::quote!(#fault #others)
                }
                .to_string()
                .matches("compile_error")
                .count(),
            )
        };
        for (text, args, errors) in [
            ("a, b = 1, c(d, e),", "a b=1 c(d,e)", 0),
            ("a = f::<u8, B<u8>>, b", "a=f::<u8,B<u8>> b", 0),
            ("a = f::<fn() -> u8, u8>, b", "a=f::<fn()->u8,u8> b", 0),
            ("a = keep | check, b", "a=keep|check b", 0),
            ("a = 1 b = 2", "a=1 b=2", 1),
            ("a = f b(c) d", "a=f b(c) d", 2),
            ("a : 1, b 2", "a=1 b=2", 2),
            ("a-b-c = 1", "a_b_c=1", 0),
            ("a,, b", "a b", 1),
            ("a = 1; b", "a=1 b", 1),
            ("a(b) + c, d", "a(b) d", 1),
        ] {
            assert_eq!(read(text), (args.to_owned(), errors), "{text}");
        }
    }
}
