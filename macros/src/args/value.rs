//! The values of options: durations, numbers, paths and lists. Each function takes the form in
//! which a user writes the option, such as `timeout = "3s"`, and shows it where the value is wrong.

use std::fmt::Display;
use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{ExprPath, LitInt, LitStr, Path, Token};

use super::Args;
use super::parse::{Arg, Value};
use crate::diag::Diag;
use crate::duration;

/// The value of an option, and its tokens.
pub(crate) type Given<T> = (T, TokenStream);

/// A name, alone or with a string.
pub(crate) type Word = (Ident, Option<LitStr>);

impl Args {
    /// `key`: its name if it is given.
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
    ) -> Option<Given<Duration>> {
        let arg = self.take(form)?;
        self.parse_duration(&arg, form, or_zero, diag)
    }

    /// `key`, or `key = "75ms"`.
    pub(crate) fn flag_or_duration(
        &mut self,
        form: &'static str,
        diag: &mut Diag,
    ) -> Option<Option<Given<Duration>>> {
        let arg = self.take(form)?;
        match arg.value {
            Value::None => Some(None),
            _ => self.parse_duration(&arg, form, true, diag).map(Some),
        }
    }

    fn parse_duration(
        &self,
        arg: &Arg,
        form: &'static str,
        or_zero: bool,
        diag: &mut Diag,
    ) -> Option<Given<Duration>> {
        let how = duration::HOW;
        let Some((tokens, literal)) = arg.literal::<LitStr>() else {
            let form = arg.quoted_duration().unwrap_or_else(|| form.to_owned());
            arg.must_be(
                "a duration in quotes",
                format_args!("write `{form}`: a duration is {how}"),
                diag,
            );
            return None;
        };
        match duration::parse(&literal.value()) {
            Ok(duration) if duration.is_zero() && !or_zero => {
                let or = match self.required {
                    Some((required, _)) if required == form => "",
                    _ => ", or remove the option",
                };
                let what = format!("`{}` must be longer than zero", arg.key);
                diag.error(&tokens, what, "", format_args!("write `{form}`{or}"));
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
    pub(crate) fn number(&mut self, form: &'static str, diag: &mut Diag) -> Option<Given<u64>> {
        let arg = self.take(form)?;
        let Some((tokens, literal)) = arg.literal::<LitInt>() else {
            arg.must_be("an integer", format_args!("write `{form}`"), diag);
            return None;
        };
        match literal.base10_parse() {
            Ok(number) => Some((number, tokens)),
            Err(_) => {
                let what = match literal.base10_digits().starts_with('-') {
                    true => format!("`{}` cannot be negative", arg.key),
                    false => format!("`{}` is too large: the limit is {}", arg.key, u64::MAX),
                };
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
            arg.must_be("a string in quotes", format_args!("write `{form}`"), diag);
        }
        text
    }

    /// `key = path::to::something`, as in an expression.
    pub(crate) fn path(&mut self, form: &'static str, diag: &mut Diag) -> Option<Path> {
        let arg = self.take(form)?;
        let path = arg.expression_path();
        if path.is_none() {
            let quoted = arg.literal::<LitStr>().map(|(_, text)| text.value());
            let quoted = quoted.filter(|text| syn::parse_str::<Path>(text).is_ok());
            let help = match quoted {
                Some(text) => format!("write `{} = {text}`, without the quotes", arg.key),
                None if arg.literal::<Path>().is_some() => {
                    "write `::<` for `<`, as in any expression".to_owned()
                }
                None => format!("write `{form}`"),
            };
            arg.must_be("a path", help, diag);
        }
        path
    }

    /// `key = word`, with one of these words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        form: &'static str,
        choices: &[(&str, T)],
        diag: &mut Diag,
    ) -> Option<Given<T>> {
        let arg = self.take(form)?;
        let given = arg.literal::<Ident>();
        let chosen = given.and_then(|(tokens, word)| {
            let (_, value) = choices.iter().find(|(name, _)| word == name)?;
            Some((*value, tokens))
        });
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            let names = format!("one of `{}`", names.join("`, `"));
            arg.must_be(names, "write one of these words, without quotes", diag);
        }
        chosen
    }

    /// `key(one, two = "text")`: the key, and the words in the list. A word has a value only where
    /// `form` shows one.
    pub(crate) fn list(
        &mut self,
        form: &'static str,
        diag: &mut Diag,
    ) -> Option<(Ident, Vec<Word>)> {
        let arg = self.take(form)?;
        let word = |input: ParseStream<'_>| {
            let word = input.call(Ident::parse_any)?;
            let has_value = input.parse::<Option<Token![=]>>()?.is_some();
            Ok((word, has_value.then(|| input.parse()).transpose()?))
        };
        let list = |input: ParseStream<'_>| {
            Punctuated::<Word, Token![,]>::parse_terminated_with(input, word)
        };
        let with_values = form.contains('=');
        let what = match &arg.value {
            Value::List(tokens) => match list.parse2(tokens.clone()) {
                Ok(words) if with_values || words.iter().all(|(_, value)| value.is_none()) => {
                    return Some((arg.key, words.into_iter().collect()));
                }
                _ if with_values => "a list of names, some with a string in quotes",
                _ => "a list of names, separated by commas",
            },
            _ => "a list in parentheses",
        };
        arg.must_be(what, format_args!("write `{form}`"), diag);
        None
    }

    /// `key(path, …)`.
    pub(crate) fn paths(&mut self, form: &'static str, diag: &mut Diag) -> Vec<Path> {
        let Some(arg) = self.take(form) else {
            return Vec::new();
        };
        let paths = Punctuated::<Path, Token![,]>::parse_terminated_with;
        let paths = |input: ParseStream<'_>| paths(input, Path::parse_mod_style);
        match &arg.value {
            Value::List(tokens) => match paths.parse2(tokens.clone()) {
                Ok(paths) => return paths.into_iter().collect(),
                Err(_) => arg.must_be(
                    "a list of paths, separated by commas",
                    format_args!("write `{form}`"),
                    diag,
                ),
            },
            _ => arg.must_be("a list in parentheses", format_args!("write `{form}`"), diag),
        }
        Vec::new()
    }

    /// `crate = path`: the path of rewarm, which may be renamed.
    pub(crate) fn krate(&mut self, diag: &mut Diag) -> Path {
        self.path("crate = path", diag).unwrap_or_else(|| self.krate_path())
    }

    /// The same, whatever else is wrong with the options.
    pub(crate) fn krate_path(&self) -> Path {
        let given = self.given.iter().find(|arg| arg.key == "crate");
        given.and_then(Arg::expression_path).unwrap_or_else(|| syn::parse_quote!(::rewarm))
    }
}

impl Arg {
    /// The value, as tokens and parsed.
    fn literal<T: Parse>(&self) -> Option<(TokenStream, T)> {
        let Value::Is(tokens) = &self.value else {
            return None;
        };
        Some((tokens.clone(), syn::parse2(tokens.clone()).ok()?))
    }

    fn expression_path(&self) -> Option<Path> {
        let (_, path) = self.literal::<ExprPath>()?;
        (path.attrs.is_empty() && path.qself.is_none()).then_some(path.path)
    }

    /// The option with its value in quotes, if that makes it a duration.
    fn quoted_duration(&self) -> Option<String> {
        let (_, tokens) = self.literal::<TokenStream>()?;
        let text = tokens.to_string();
        duration::parse(&text).ok().map(|_| format!("{} = {text:?}", self.key))
    }

    fn must_be(&self, what: impl Display, help: impl Display, diag: &mut Diag) {
        let at = match &self.value {
            Value::Is(tokens) | Value::List(tokens) if !tokens.is_empty() => tokens.clone(),
            _ => self.key.to_token_stream(),
        };
        diag.error(&at, format_args!("`{}` must be {what}", self.key), "", help);
    }
}
