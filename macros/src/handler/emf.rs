//! The options that put metrics into CloudWatch: `namespace` and `dimensions`. Their names are held
//! against CloudWatch's rules here, so that no line which breaks them is ever written.

use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::args::{nearest, Args, Word};
use crate::diag::Diag;

pub(crate) struct Emf {
    pub(super) namespace: LitStr,
    pub(super) dimensions: Vec<Dimension>,
}

/// One dimension of every metric.
pub(crate) enum Dimension {
    /// What the runtime knows: the name of its variant.
    Known(&'static str),
    /// A name with a value that never changes.
    Is(String, LitStr),
}

/// The words that the runtime has a value for.
const KNOWN: [(&str, &str); 5] = [
    ("function", "Function"),
    ("version", "Version"),
    ("memory", "Memory"),
    ("region", "Region"),
    ("start", "Start"),
];

/// What stands beside the dimensions in an object.
const TAKEN: [&str; 5] = ["_aws", "request_id", "container_id", "invocation", "start"];

/// The metrics, which stand there, too.
const METRICS: [&str; 11] = [
    "ColdStart",
    "Invocations",
    "Errors",
    "Duration",
    "InitDuration",
    "IdleGap",
    "ContainerAge",
    "CacheHits",
    "CacheMisses",
    "CacheStaleHits",
    "DeadlineExceeded",
];

const DIMENSIONS: &str = "dimensions(function, stage = \"prod\")";

impl Emf {
    /// `None` if no namespace is given, or one that CloudWatch does not take.
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Option<Self> {
        let has_namespace = args.has("namespace");
        let namespace = args.text("namespace = \"Shop\"", diag);
        let namespace = namespace.filter(|namespace| is_namespace(namespace, diag));
        let given = args.list(DIMENSIONS, diag);
        if let (Some((key, _)), false) = (&given, has_namespace) {
            diag.error(
                key,
                "`dimensions` without `namespace`",
                "no metric is written for CloudWatch where no namespace is given",
                "add `namespace = \"…\"`, or remove `dimensions`",
            );
        }
        let dimensions = match given {
            Some((key, list)) => dimensions(&key, list, diag),
            None => vec![Dimension::Known("Function")],
        };
        Some(Self { namespace: namespace?, dimensions })
    }
}

fn is_namespace(literal: &LitStr, diag: &mut Diag) -> bool {
    let text = literal.value();
    let stray = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"._#:/-".contains(*c));
    let rule =
        "CloudWatch takes 1 to 255 of the characters A-Z a-z 0-9 . _ # : / -, no colon first";
    let (what, why) = match stray {
        _ if text.is_empty() => ("the namespace is empty".to_owned(), rule),
        _ if text.len() > 255 => (format!("the namespace has {} characters", text.len()), rule),
        _ if text.starts_with(':') => ("the namespace starts with a colon".to_owned(), rule),
        _ if text.starts_with("AWS/") => (
            format!("the namespace {text:?} is not yours"),
            "CloudWatch keeps those that start with AWS/ for AWS's own services",
        ),
        Some(stray) => (format!("the namespace {text:?} has a {stray:?} in it"), rule),
        None => return true,
    };
    diag.error(literal, what, why, "write a name as `Shop` or `Shop/Checkout`");
    false
}

fn dimensions(key: &Ident, list: Vec<Word>, diag: &mut Diag) -> Vec<Dimension> {
    let mut seen: Vec<String> = Vec::new();
    let mut dimensions = Vec::new();
    for (word, value) in list {
        let name = word.unraw().to_string();
        if seen.contains(&name) {
            let what = format!("the dimension `{name}` is given twice");
            diag.error(&word, what, "", "keep one of them");
            continue;
        }
        dimensions.extend(dimension(&word, &name, value, diag));
        seen.push(name);
    }
    if seen.len() > 30 {
        let what = format!("{} dimensions", seen.len());
        diag.error(key, what, "CloudWatch takes 30", "keep those that you look metrics up by");
    }
    dimensions
}

fn dimension(
    word: &Ident,
    name: &str,
    value: Option<LitStr>,
    diag: &mut Diag,
) -> Option<Dimension> {
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    let Some(value) = value else {
        let Some((_, variant)) = known else {
            unknown(word, name, diag);
            return None;
        };
        return Some(Dimension::Known(variant));
    };
    if TAKEN.contains(&name) || METRICS.contains(&name) {
        diag.error(
            word,
            format_args!("the dimension `{name}` cannot be given a value"),
            "rewarm writes its own value under this name",
            "take another name",
        );
        return None;
    }
    if !name.is_ascii() || name.len() > 250 {
        diag.error(
            word,
            format_args!("CloudWatch does not take the dimension `{name}`"),
            "",
            "write its name in at most 250 ASCII letters, digits and underscores",
        );
        return None;
    }
    let text = value.value();
    let plain = text.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if !plain || text.trim().is_empty() || text.len() > 1024 {
        diag.error(
            &value,
            format_args!("CloudWatch does not take this value of the dimension `{name}`"),
            "a value has 1 to 1,024 ASCII characters, not all of them blank",
            "write a shorter or plainer one",
        );
        return None;
    }
    Some(Dimension::Is(name.to_owned(), value))
}

fn unknown(word: &Ident, name: &str, diag: &mut Diag) {
    let all = KNOWN.map(|(known, _)| known);
    let what = format!("rewarm has no value for the dimension `{name}`");
    let why = format!("the dimensions that it knows are `{}`", all.join("`, `"));
    let own = format!("give one of your own its value, as in `{name} = \"…\"`");
    match nearest(name, all.into_iter()) {
        Some(near) => diag.error(word, what, why, format_args!("did you mean `{near}`? Or {own}")),
        None => diag.error(word, what, why, own),
    }
}
