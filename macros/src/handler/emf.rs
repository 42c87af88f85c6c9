//! The options for CloudWatch metrics: `namespace` and `dimensions`. CloudWatch drops metrics that
//! break its rules for names, so the names are checked here.

use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::args::{Args, Word, nearest};
use crate::diag::Diag;

pub(crate) struct Emf {
    pub(super) namespace: LitStr,
    pub(super) dimensions: Vec<Dimension>,
}

/// One dimension of every metric.
pub(crate) enum Dimension {
    /// A dimension whose value the runtime knows, by the name of its variant.
    Known(&'static str),
    /// A name with a fixed value.
    Is(String, LitStr),
}

/// The dimensions whose values the runtime knows, with the names of their variants.
const KNOWN: [(&str, &str); 5] = [
    ("function", "Function"),
    ("version", "Version"),
    ("memory", "Memory"),
    ("region", "Region"),
    ("start", "Start"),
];

/// The names of other properties of the same JSON object.
const TAKEN: [&str; 5] = ["_aws", "request_id", "container_id", "invocation", "start"];

/// The names of the metrics, which are properties of that object, too.
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
    /// `None` if no namespace is given, or an invalid one.
    pub(super) fn read(args: &mut Args, diag: &mut Diag) -> Option<Self> {
        let has_namespace = args.has("namespace");
        let namespace = args.text("namespace = \"Shop\"", diag);
        let namespace = namespace.filter(|namespace| is_namespace(namespace, diag));
        let given = args.list(DIMENSIONS, diag);
        if let (Some((key, _)), false) = (&given, has_namespace) {
            diag.error(
                key,
                "`dimensions` requires a `namespace`",
                "without a namespace no metrics are written for CloudWatch",
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
        "CloudWatch accepts 1 to 255 of the characters A-Z a-z 0-9 . _ # : / -, no colon first";
    let (what, why) = match stray {
        _ if text.is_empty() => ("the namespace is empty".to_owned(), rule),
        _ if text.len() > 255 => {
            (format!("the namespace has {} characters, and the limit is 255", text.len()), rule)
        }
        _ if text.starts_with(':') => ("the namespace starts with a colon".to_owned(), rule),
        _ if text.starts_with("AWS/") => (
            format!("the namespace {text:?} is reserved"),
            "names that start with AWS/ belong to AWS services",
        ),
        Some(stray) => (format!("the namespace {text:?} contains {stray:?}"), rule),
        None => return true,
    };
    diag.error(literal, what, why, "write a name such as \"Shop\" or \"Shop/Checkout\"");
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
        let what = format!("{} dimensions are given, and the limit is 30", seen.len());
        let why = "CloudWatch accepts 30 dimensions per metric";
        diag.error(key, what, why, "keep those that you query metrics by");
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
            "rewarm writes a value of its own under this name",
            "use another name",
        );
        return None;
    }
    if !name.is_ascii() || name.len() > 250 {
        diag.error(
            word,
            format_args!("`{name}` is not a valid name of a dimension"),
            "CloudWatch accepts at most 250 ASCII characters",
            "write at most 250 ASCII letters, digits and underscores",
        );
        return None;
    }
    let text = value.value();
    let plain = text.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if !plain || text.trim().is_empty() || text.len() > 1024 {
        diag.error(
            &value,
            format_args!("this value of the dimension `{name}` is not valid"),
            "CloudWatch accepts 1 to 1,024 ASCII characters, not all of them blank",
            "write a shorter value, in printable ASCII characters",
        );
        return None;
    }
    Some(Dimension::Is(name.to_owned(), value))
}

fn unknown(word: &Ident, name: &str, diag: &mut Diag) {
    let all = KNOWN.map(|(known, _)| known);
    let what = format!("the dimension `{name}` has no value");
    let why = format!("rewarm knows the values of `{}`", all.join("`, `"));
    let own = format!("write the value, as in `{name} = \"…\"`");
    match nearest(name, all.into_iter()) {
        Some(near) => diag.error(word, what, why, format_args!("did you mean `{near}`? Or {own}")),
        None => diag.error(word, what, why, own),
    }
}
