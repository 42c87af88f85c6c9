//! The options between an attribute's parentheses. An attribute asks for the options it knows; what
//! nobody asked for is unknown, and the message lists what was asked for.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::{LitInt, LitStr, Path};

use crate::diag::Diag;
use crate::duration;

/// The options of one use of an attribute.
pub(crate) struct Args {
    given: Vec<Arg>,
    /// How each option that was asked for is written.
    known: Vec<&'static str>,
}

struct Arg {
    key: Ident,
    value: Value,
}

/// A name, alone or with a text.
pub(crate) type Word = (Ident, Option<LitStr>);

enum Value {
    /// `key`
    None,
    /// `key = tokens`
    Is(TokenStream),
    /// `key(tokens)`
    List(TokenStream),
}

impl Args {
    /// Splits the options; reports those that have no `key`, `key = value` or `key(list)` form.
    pub(crate) fn read(tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut args = Self { given: Vec::new(), known: Vec::new() };
        let mut rest = tokens.into_iter().peekable();
        while rest.peek().is_some() {
            let one: TokenStream = rest
                .by_ref()
                .take_while(|token| !matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                .collect();
            if let Some(arg) = Arg::read(one, diag) {
                if let Some(twice) = args.given.iter().find(|other| other.key == arg.key) {
                    let what = format_args!("the option `{}` is given twice", twice.key);
                    diag.error(&arg.key, what, "", "keep one of them");
                }
                args.given.push(arg);
            }
        }
        args
    }

    /// Whether an option of that name is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|arg| arg.key == name)
    }

    fn take(&mut self, form: &'static str) -> Option<Arg> {
        self.known.push(form);
        let key = form.split([' ', '(']).next()?;
        let place = self.given.iter().position(|arg| arg.key == key)?;
        Some(self.given.remove(place))
    }

    /// `key`: whether it is there.
    pub(crate) fn flag(&mut self, form: &'static str, diag: &mut Diag) -> Option<Ident> {
        let arg = self.take(form)?;
        if !matches!(arg.value, Value::None) {
            let what = format_args!("`{}` takes no value", arg.key);
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
        let (tokens, literal) = self.literal::<LitStr>(form, "a duration in quotes", diag)?;
        match duration::parse(&literal.value()) {
            Ok(duration) if duration.is_zero() && !or_zero => {
                let what = format_args!("the duration {:?} is zero", literal.value());
                diag.error(&tokens, what, "", "write a longer one, or leave the option out");
                None
            }
            Ok(duration) => Some((duration, tokens)),
            Err(error) => {
                let (what, help) =
                    error.split_once("; ").unwrap_or((&error, "write a shorter one"));
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
        let (tokens, literal) = self.literal::<LitInt>(form, "a whole number", diag)?;
        match literal.base10_parse() {
            Ok(number) => Some((number, tokens)),
            Err(_) => {
                diag.error(&tokens, "this number is too large", "", format_args!("write `{form}`"));
                None
            }
        }
    }

    /// `key = "text"`.
    pub(crate) fn text(&mut self, form: &'static str, diag: &mut Diag) -> Option<LitStr> {
        self.literal::<LitStr>(form, "a text in quotes", diag).map(|(_, literal)| literal)
    }

    /// `key = path::to::something`.
    pub(crate) fn path(&mut self, form: &'static str, diag: &mut Diag) -> Option<Path> {
        let arg = self.take(form)?;
        let Value::Is(tokens) = &arg.value else {
            arg.wants("a path", form, diag);
            return None;
        };
        match Path::parse_mod_style.parse2(tokens.clone()) {
            Ok(path) => Some(path),
            Err(_) => {
                arg.wants("a path", form, diag);
                None
            }
        }
    }

    /// `key(one, two)`: the words in it.
    pub(crate) fn words(&mut self, form: &'static str, diag: &mut Diag) -> Vec<Ident> {
        let Some(arg) = self.take(form) else {
            return Vec::new();
        };
        let Value::List(tokens) = &arg.value else {
            arg.wants("a list in parentheses", form, diag);
            return Vec::new();
        };
        let list = syn::punctuated::Punctuated::<Ident, syn::Token![,]>::parse_terminated;
        match list.parse2(tokens.clone()) {
            Ok(words) => words.into_iter().collect(),
            Err(_) => {
                arg.wants("names with commas between them", form, diag);
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
        let Value::List(tokens) = &arg.value else {
            arg.wants("a list in parentheses", form, diag);
            return None;
        };
        let list = syn::punctuated::Punctuated::<_, syn::Token![,]>::parse_terminated_with;
        let list = |input: syn::parse::ParseStream<'_>| list(input, one);
        match list.parse2(tokens.clone()) {
            Ok(words) => Some((arg.key, words.into_iter().collect())),
            Err(_) => {
                arg.wants("names, each alone or with a text in quotes", form, diag);
                None
            }
        }
    }

    /// `crate = path`: where rewarm is, if it is renamed.
    pub(crate) fn krate(&mut self, diag: &mut Diag) -> Path {
        let path = self.krate_path();
        if let Some(arg) = self.take("crate = path") {
            if !matches!(&arg.value, Value::Is(tokens) if syn::parse2::<Path>(tokens.clone()).is_ok())
            {
                arg.wants("a path", "crate = path", diag);
            }
        }
        path
    }

    /// The same, whatever else is wrong with the options.
    pub(crate) fn krate_path(&self) -> Path {
        let given = self.given.iter().find(|arg| arg.key == "crate");
        let path = given.and_then(|arg| match &arg.value {
            Value::Is(tokens) => syn::parse2(tokens.clone()).ok(),
            _ => None,
        });
        path.unwrap_or_else(|| syn::parse_quote!(::rewarm))
    }

    /// Reports what nobody asked for.
    pub(crate) fn finish(self, diag: &mut Diag) {
        for arg in &self.given {
            let key = arg.key.to_string();
            let name = |form: &&'static str| -> &'static str {
                form.split([' ', '(']).next().unwrap_or_default()
            };
            if self.known.iter().any(|form| name(form) == key) {
                continue; // given twice, and reported
            }
            let near = nearest(&key, self.known.iter().map(name))
                .and_then(|near| self.known.iter().find(|form| name(form) == near));
            let help = match near {
                Some(form) => format!("did you mean `{form}`?"),
                None => format!("the options are `{}`", self.known.join("`, `")),
            };
            let what = format_args!("unknown option `{key}`");
            let why = match near {
                Some(_) => format!("the options are `{}`", self.known.join("`, `")),
                None => String::new(),
            };
            diag.error(&arg.key, what, why, help);
        }
    }

    fn literal<T: syn::parse::Parse>(
        &mut self,
        form: &'static str,
        wanted: &str,
        diag: &mut Diag,
    ) -> Option<(TokenStream, T)> {
        let arg = self.take(form)?;
        if let Value::Is(tokens) = &arg.value {
            if let Ok(literal) = syn::parse2(tokens.clone()) {
                return Some((tokens.clone(), literal));
            }
        }
        arg.wants(wanted, form, diag);
        None
    }
}

impl Arg {
    fn read(tokens: TokenStream, diag: &mut Diag) -> Option<Self> {
        let mut rest = tokens.clone().into_iter();
        let key = match rest.next() {
            Some(TokenTree::Ident(key)) => key,
            Some(other) => {
                let what = format_args!("`{other}` is not an option");
                diag.error(&tokens, what, "", "write `name`, `name = value` or `name(list)`");
                return None;
            }
            None => {
                let comma = Ident::new("_", Span::call_site());
                diag.error(&comma, "two commas in a row", "", "remove one");
                return None;
            }
        };
        let value = match rest.next() {
            None => Value::None,
            Some(TokenTree::Punct(p)) if p.as_char() == '=' => Value::Is(rest.collect()),
            Some(TokenTree::Group(group)) => Value::List(group.stream()),
            Some(other) => {
                let what = format_args!("`{other}` after the option `{key}`");
                diag.error(&other, what, "", "write a comma between two options");
                Value::None
            }
        };
        Some(Self { key, value })
    }

    fn wants(&self, wanted: &str, form: &str, diag: &mut Diag) {
        let at = match &self.value {
            Value::Is(tokens) | Value::List(tokens) if !tokens.is_empty() => tokens.clone(),
            _ => self.key.to_token_stream(),
        };
        let what = format_args!("`{}` wants {wanted}", self.key);
        diag.error(&at, what, "", format_args!("write `{form}`"));
    }
}

/// The name that was probably meant.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(name, text), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + text.len() / 3)
        .map(|(_, name)| name)
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
}
