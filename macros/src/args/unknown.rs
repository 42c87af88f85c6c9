//! Reports options that the attribute does not know, and the one that is missing.

use proc_macro2::TokenStream;
use syn::LitStr;

use super::parse::{Arg, Value, is};
use super::suggest::{beginning_with, nearest};
use super::{Args, name};
use crate::diag::Diag;
use crate::duration;

/// The options of all attributes.
pub(crate) type AllOptions = fn() -> Vec<(&'static str, Vec<&'static str>)>;

type Required = (&'static str, &'static str);

impl Args {
    /// Reports the options that the attribute did not read, and the required one if it is missing.
    pub(crate) fn finish(self, all: AllOptions, diag: &mut Diag) {
        let mut missing = self.required.filter(|(form, _)| !self.has(name(form)));
        for tokens in &self.nameless {
            self.report_nameless(tokens, &mut missing, diag);
        }
        for arg in &self.given {
            if !self.known.iter().any(|form| arg.key == name(form)) {
                self.report_unknown(arg, &mut missing, all, diag);
            }
        }
        if let Some((form, why)) = missing {
            let what = format!("the option `{}` is missing", name(form));
            diag.error(&TokenStream::new(), what, why, format_args!("write `{form}`"));
        }
    }

    fn report_nameless(
        &self,
        tokens: &TokenStream,
        missing: &mut Option<Required>,
        diag: &mut Diag,
    ) {
        let is_name = |token: &proc_macro2::TokenTree| !is(token, '=');
        let dashed: TokenStream = tokens.clone().into_iter().take_while(is_name).collect();
        let plain = dashed.to_string().replace(' ', "").replace('-', "_");
        if self.known.iter().any(|form| plain == name(form)) {
            diag.error(
                &dashed,
                "the name of an option is written with `_`, not with `-`",
                "",
                format_args!("write `{plain}`"),
            );
        } else if let Some((form, _)) = missing.take() {
            let help = match is_duration(tokens) {
                true => format!("write `{} = {tokens}`", name(form)),
                false => format!("write `{form}`"),
            };
            diag.error(tokens, "this option has no name", "", help);
        } else {
            let help = "write one of these, or remove it";
            diag.error(tokens, "this is not an option", self.all_known(), help);
        }
    }

    fn report_unknown(
        &self,
        arg: &Arg,
        missing: &mut Option<Required>,
        all: AllOptions,
        diag: &mut Diag,
    ) {
        let key = arg.key.to_string();
        let what = format!("unknown option `{key}`");
        let has_it = |forms: &[&'static str]| forms.iter().any(|form| name(form) == key);
        let owners = all().into_iter().filter(|(_, forms)| has_it(forms));
        let owners: Vec<_> = owners.map(|(attribute, _)| format!("`#[{attribute}]`")).collect();
        if !owners.is_empty() {
            let why = format!("it belongs to {}; here {}", owners.join(" and "), self.all_known());
            diag.error(&arg.key, what, why, "remove it");
            return;
        }
        let names = || self.known.iter().map(|form| name(form));
        let is_duration = matches!(&arg.value, Value::Is(tokens) if is_duration(tokens));
        let required = missing.filter(|_| is_duration).map(|(form, _)| name(form));
        let near = nearest(&key, names()).or(required).or_else(|| beginning_with(&key, names()));
        // The required option is there, under another name.
        missing.take_if(|(form, _)| near == Some(name(form)));
        let help = match self.known.iter().find(|form| near == Some(name(form))) {
            Some(form) => format!("did you mean `{form}`?"),
            None => "write one of these, or remove it".to_owned(),
        };
        diag.error(&arg.key, what, self.all_known(), help);
    }

    fn all_known(&self) -> String {
        format!("the options are `{}`", self.known.join("`, `"))
    }
}

fn is_duration(tokens: &TokenStream) -> bool {
    let text = syn::parse2::<LitStr>(tokens.clone());
    text.is_ok_and(|text| duration::parse(&text.value()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_dashes_is_one_error_with_the_right_name() {
        let mut diag = Diag::default();
        let mut args = Args::read("retry-after = \"60s\"".parse().unwrap(), &mut diag);
        assert!(args.duration("retry_after = \"60s\"", false, &mut diag).is_none());
        args.finish(Vec::new, &mut diag);
        let (error, others) = diag.into_tokens();
        assert!(error.to_string().contains("help: write `retry_after`"), "{error}");
        assert!(others.is_empty(), "{others}");
    }
}
